"""A workspace as an import sees it: what is there, found by uuid, key or name."""

from typing import Any

from trunkline.flows.transfer.envelope import InvalidFile, refuse_deep

LISTS = {
    "campaign": "campaigns",
    "channel": "channels",
    "flow": "flows",
    "group": "groups",
    "label": "labels",
    "llm": "llms",
    "template": "templates",
    "topic": "topics",
    "user": "users",
}


class Workspace:
    """Made of the JSON of assets with campaigns and triggers; flows need no more than uuid, name and type.

    `document` is what it was made of. It is not changed: an import makes a copy that has more in it.
    """

    def __init__(self, document: Any):
        if not isinstance(document, dict):
            raise InvalidFile("A workspace is an object")
        refuse_deep(document)
        self.document: dict[str, Any] = document
        self._lists = {kind: items(document, key) for kind, key in LISTS.items()}
        self._by_uuid = {
            kind: {_text(item, "uuid"): item for item in reversed(found)} for kind, found in self._lists.items()
        }
        self._by_name = {
            kind: {fold(_text(item, "name")): item for item in reversed(found) if _text(item, "name")}
            for kind, found in self._lists.items()
        }
        self.fields = {_text(item, "key"): item for item in items(document, "fields")}
        self.triggers = items(document, "triggers")
        self.resthooks = {_text(item, "slug").lower() for item in items(document, "resthooks")}

    @property
    def site(self) -> str:
        return _text(self.document, "site")

    def flows(self) -> list[dict[str, Any]]:
        return self._lists["flow"]

    def by_uuid(self, kind: str, uuid: str) -> dict[str, Any] | None:
        return self._by_uuid[kind].get(uuid) if kind in self._by_uuid and uuid else None

    def by_name(self, kind: str, name: str) -> dict[str, Any] | None:
        return self._by_name[kind].get(fold(name)) if kind in self._by_name and name else None

    def find(self, kind: str, uuid: str, name: str) -> dict[str, Any] | None:
        """By uuid, then by name. Older files write a channel as `Kind: name`."""
        found = self.by_uuid(kind, uuid) or self.by_name(kind, name)
        if found is None and kind == "channel":
            return self.by_name(kind, name.rpartition(":")[2])
        return found


def fold(name: str) -> str:
    return name.strip().lower()


def items(document: dict[str, Any], key: str) -> list[dict[str, Any]]:
    found = document.get(key)
    if found is None:
        return []
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise InvalidFile(f"{key} of a workspace is a list of objects")
    return found


def _text(item: dict[str, Any], key: str) -> str:
    value = item.get(key)
    return value if isinstance(value, str) else ""
