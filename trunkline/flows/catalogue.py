"""What a workspace has, by kind and identity: enough to tell which references lead nowhere."""

from collections.abc import Iterable, Mapping
from typing import Any

# Kind of a reference -> key in the JSON of assets, key that identifies.
LISTS = {
    "channel": ("channels", "uuid"),
    "field": ("fields", "key"),
    "flow": ("flows", "uuid"),
    "global": ("globals", "key"),
    "group": ("groups", "uuid"),
    "label": ("labels", "uuid"),
    "llm": ("llms", "uuid"),
    "template": ("templates", "uuid"),
    "topic": ("topics", "uuid"),
    "user": ("users", "uuid"),
}


class Catalogue:
    """Kinds that it has no list of (contacts, classifiers) are never missing."""

    def __init__(self, assets: Mapping[str, Any]):
        self._names = {kind: dict(_names(assets.get(key), identity)) for kind, (key, identity) in LISTS.items()}
        self._names["user"] |= dict(_names(assets.get("users"), "email"))

    def has(self, kind: str, identity: str) -> bool:
        names = self._names.get(kind)
        return names is None or identity in names

    def name(self, kind: str, identity: str) -> str:
        return self._names.get(kind, {}).get(identity, "")


def _names(items: Any, identity: str) -> Iterable[tuple[str, str]]:
    for item in items if isinstance(items, list) else ():
        if isinstance(item, dict) and isinstance(item.get(identity), str):
            name = item.get("name")
            yield item[identity], name if isinstance(name, str) else ""
