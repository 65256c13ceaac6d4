"""From JSON to a loaded flow: migrate, convert, check, or say which part is wrong."""

import re
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta, Struct

from trunkline.flows import actions, localization, migrations, routers, wiring
from trunkline.flows.actions.base import Action
from trunkline.flows.actions.unknown import Unknown
from trunkline.flows.definition import Exit, Flow, Node
from trunkline.flows.faults import InvalidFlow
from trunkline.flows.flow_types import FlowType
from trunkline.flows.marks import Uuid
from trunkline.flows.routers.base import Router

T = TypeVar("T")

MOST_NODES = 1000
MOST_ACTIONS = 100
MOST_EXITS = 100
MOST_UI_BYTES = 262_144
DEEPEST = 100


def load(document: Any, *, strict: bool = True) -> Flow:
    """The flow of a definition in any supported version.

    Raises `InvalidFlow` or `UnsupportedVersion`. With `strict=False` actions of unknown types are kept
    as `Unknown` instead of being refused.
    """
    if not isinstance(document, dict):
        raise InvalidFlow("A flow definition is an object")
    check_depth(document)
    return read(migrations.migrate(document), strict=strict)


def read(document: dict[str, Any], *, strict: bool = True) -> Flow:
    """The same for a definition that is in the newest version already."""
    header = convert(document, Header, "")
    _check_ui(document.get("_ui"))
    nodes = tuple(
        _node(raw, f"nodes[{index}]", strict) for index, raw in enumerate(_array(document, "nodes", "", MOST_NODES))
    )
    wiring.check(nodes, header.type)
    return Flow(
        uuid=header.uuid,
        name=header.name,
        language=header.language,
        type=header.type,
        revision=header.revision,
        expire_after_minutes=header.expire_after_minutes,
        nodes=nodes,
        by_uuid={node.uuid: node for node in nodes},
        localization=localization.read(document.get("localization")),
        raw=document,
    )


class Header(Struct, frozen=True, kw_only=True):
    uuid: Uuid
    name: Annotated[str, Meta(min_length=1, max_length=64)]
    spec_version: str
    language: Annotated[str, Meta(pattern=r"^[a-z]{3}\Z")]
    type: FlowType
    revision: Annotated[int, Meta(ge=0)] = 0
    expire_after_minutes: Annotated[int, Meta(ge=0)] = 0


class NodeShape(Struct, frozen=True, kw_only=True):
    uuid: Uuid


def _node(raw: Any, path: str, strict: bool) -> Node:
    uuid = convert(raw, NodeShape, path).uuid
    exits = _array(raw, "exits", path, MOST_EXITS)
    if not exits:
        raise InvalidFlow("A node has at least one exit", f"{path}.exits")
    return Node(
        uuid=uuid,
        actions=tuple(
            _action(item, f"{path}.actions[{index}]", strict)
            for index, item in enumerate(_array(raw, "actions", path, MOST_ACTIONS))
        ),
        router=_router(raw.get("router"), f"{path}.router"),
        exits=tuple(convert(item, Exit, f"{path}.exits[{index}]") for index, item in enumerate(exits)),
    )


def _action(raw: Any, path: str, strict: bool) -> Action:
    name = _type(raw, path)
    if kind := actions.TYPES.get(name):
        return convert(raw, kind, path)
    if strict:
        raise InvalidFlow(f"Unknown type of action: {name}", f"{path}.type")
    return Unknown(uuid=convert(raw, NodeShape, path).uuid, raw=raw)


def _router(raw: Any, path: str) -> Router | None:
    if raw is None:
        return None
    name = _type(raw, path)
    if kind := routers.TYPES.get(name):
        return convert(raw, kind, path)
    raise InvalidFlow(f"Unknown type of router: {name}", f"{path}.type")


def _type(raw: Any, path: str) -> str:
    if not isinstance(raw, dict):
        raise InvalidFlow("An object is expected", path)
    if not isinstance(raw.get("type"), str):
        raise InvalidFlow("A type is expected", f"{path}.type")
    return raw["type"]


def _array(raw: dict[str, Any], key: str, path: str, most: int) -> list[Any]:
    value = [] if raw.get(key) is None else raw[key]
    where = f"{path}.{key}" if path else key
    if not isinstance(value, list):
        raise InvalidFlow("An array is expected", where)
    if len(value) > most:
        raise InvalidFlow(f"There are at most {most} {key}", where)
    return value


def convert(raw: Any, kind: type[T], path: str) -> T:
    """The Struct of some JSON. A key whose value is null counts as absent, as does an empty uuid."""
    try:
        return msgspec.convert(_filled(raw), kind)
    except msgspec.ValidationError as error:
        message, inner = _split(str(error))
        raise InvalidFlow(message, f"{path}{inner}".lstrip(".")) from None


def _filled(value: Any, levels: int = 5) -> Any:
    """Without nulls and empty uuids, as deep as the Structs go."""
    if levels and isinstance(value, dict):
        return {key: _filled(item, levels - 1) for key, item in value.items() if not _is_empty(key, item)}
    if levels and isinstance(value, list):
        return [_filled(item, levels - 1) for item in value]
    return value


def _is_empty(key: str, value: Any) -> bool:
    return value is None or (value == "" and (key == "uuid" or key.endswith("_uuid")))


def _split(message: str) -> tuple[str, str]:
    """msgspec's message and the path it ends in: ("Expected `str`, got `int`", ".groups[0].name")."""
    found = re.search(r" - at (?:`key` in )?`\$(.*)`\Z", message, re.DOTALL)
    text, path = (message[: found.start()], found[1]) if found else (message, "")
    missing = re.match(r"Object missing required field `(\w+)`\Z", text)
    return text, f"{path}.{missing[1]}" if missing else path


def _check_ui(ui: Any) -> None:
    if ui is None:
        return
    if not isinstance(ui, dict):
        raise InvalidFlow("An object is expected", "_ui")
    if len(msgspec.json.encode(ui)) > MOST_UI_BYTES:
        raise InvalidFlow(f"It has at most {MOST_UI_BYTES} bytes", "_ui")


def check_depth(document: Any) -> None:
    """Refuses what is nested too deep to be walked."""
    level = [document]
    for _ in range(DEEPEST):
        level = [inner for value in level for inner in _inner(value)]
        if not level:
            return
    raise InvalidFlow(f"It is nested deeper than {DEEPEST} levels")


def _inner(value: Any) -> list[Any]:
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [item for item in items if isinstance(item, (dict, list))]
