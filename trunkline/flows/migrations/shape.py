"""Ways through a definition that nobody has checked: what has an odd shape is passed over."""

from collections.abc import Iterator
from typing import Any

# No step reaches deeper than this; what lies below is never changed and may be shared.
DEEPEST = 12


def copied(value: Any, depth: int = DEEPEST) -> Any:
    """A copy as deep as steps change things."""
    if depth == 0:
        return value
    if isinstance(value, dict):
        return {key: copied(item, depth - 1) for key, item in value.items()}
    if isinstance(value, list):
        return [copied(item, depth - 1) for item in value]
    return value


def objects(owner: dict[str, Any], key: str) -> list[dict[str, Any]]:
    """The objects of a list."""
    return [item for item in array(owner, key) if isinstance(item, dict)]


def array(owner: dict[str, Any], key: str) -> list[Any]:
    found = owner.get(key)
    return found if isinstance(found, list) else []


def text(owner: dict[str, Any], key: str) -> str:
    """A text, or "" when there is none."""
    found = owner.get(key)
    return found if isinstance(found, str) else ""


def texts(value: Any) -> list[str] | None:
    """A list of nothing but texts, else None."""
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return value
    return None


def nodes(flow: dict[str, Any]) -> list[dict[str, Any]]:
    return objects(flow, "nodes")


def actions(flow: dict[str, Any], *types: str) -> Iterator[dict[str, Any]]:
    """All actions of a flow, or those of some types."""
    for node in nodes(flow):
        for action in objects(node, "actions"):
            if not types or action.get("type") in types:
                yield action


def router(node: dict[str, Any]) -> dict[str, Any]:
    """The node's router; an empty one when it has none."""
    found = node.get("router")
    return found if isinstance(found, dict) else {}


def translations(flow: dict[str, Any], item: dict[str, Any]) -> list[dict[str, Any]]:
    """What each language says about one part of the flow: the changeable properties of its uuid."""
    uuid = text(item, "uuid")
    languages = (language for language in localization(flow).values() if isinstance(language, dict))
    found = (language.get(uuid) for language in languages) if uuid else ()
    return [properties for properties in found if isinstance(properties, dict)]


def localization(flow: dict[str, Any]) -> dict[str, Any]:
    found = flow.get("localization")
    return found if isinstance(found, dict) else {}


def forget_translation(flow: dict[str, Any], item: dict[str, Any], key: str) -> None:
    """Removes one property's translations, and an item of which nothing is left."""
    uuid = text(item, "uuid")
    for language in localization(flow).values():
        properties = language.get(uuid) if isinstance(language, dict) else None
        if isinstance(properties, dict) and key in properties:
            del properties[key]
            if not properties:
                del language[uuid]


def replaced(owner: dict[str, Any], key: str, new: dict[str, Any]) -> None:
    """Puts new entries in the place of one, so that the order of the others stays."""
    entries = list(owner.items())
    owner.clear()
    for name, value in entries:
        if name == key:
            owner.update(new)
        elif name not in new or name not in owner:
            owner[name] = value
