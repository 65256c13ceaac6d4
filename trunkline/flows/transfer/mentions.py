"""What a definition mentions, read from its JSON: this works for definitions that do not load, too."""

from collections.abc import Iterator
from typing import Any

from msgspec import Struct

# Under which keys actions keep references, one or a list, and to what.
SINGLE = {
    "assignee": "user",
    "channel": "channel",
    "classifier": "classifier",
    "contact": "contact",
    "flow": "flow",
    "group": "group",
    "label": "label",
    "llm": "llm",
    "optin": "optin",
    "template": "template",
    "ticketer": "ticketer",
    "topic": "topic",
    "user": "user",
}
SEVERAL = {"channels": "channel", "contacts": "contact", "flows": "flow", "groups": "group", "labels": "label"}


class Mention(Struct, frozen=True, kw_only=True):
    """`raw` is the reference itself, or None for an argument of a case."""

    kind: str
    uuid: str
    name: str
    raw: dict[str, Any] | None = None


def mentions(definition: dict[str, Any]) -> Iterator[Mention]:
    for node in _dicts(definition.get("nodes")):
        for action in _dicts(node.get("actions")):
            yield from _in_action(action)
        router = node.get("router")
        if isinstance(router, dict):
            for case in _dicts(router.get("cases")):
                yield from _in_case(case)


def resthooks(definition: dict[str, Any]) -> Iterator[str]:
    for node in _dicts(definition.get("nodes")):
        for action in _dicts(node.get("actions")):
            slug = action.get("resthook")
            if action.get("type") == "call_resthook" and isinstance(slug, str) and slug:
                yield slug


def _in_action(action: dict[str, Any]) -> Iterator[Mention]:
    for key, value in action.items():
        if key in SINGLE and isinstance(value, dict):
            yield _mention(SINGLE[key], value)
        elif key in SEVERAL:
            yield from (_mention(SEVERAL[key], item) for item in _dicts(value))
        elif isinstance(value, dict):
            # Older shapes nest the template of a message: `templating{template}`.
            yield from (_mention(SINGLE[k], v) for k, v in value.items() if k in SINGLE and isinstance(v, dict))


def _in_case(case: dict[str, Any]) -> Iterator[Mention]:
    arguments = case.get("arguments")
    if case.get("type") != "has_group" or not isinstance(arguments, list) or not arguments:
        return
    texts = [text if isinstance(text, str) else "" for text in arguments[:2]]
    yield Mention(kind="group", uuid=texts[0], name=texts[1] if len(texts) > 1 else "")


def _mention(kind: str, raw: dict[str, Any]) -> Mention:
    uuid, name = raw.get("uuid"), raw.get("name")
    return Mention(
        kind=kind, uuid=uuid if isinstance(uuid, str) else "", name=name if isinstance(name, str) else "", raw=raw
    )


def _dicts(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, list):
        yield from (item for item in value if isinstance(item, dict))
