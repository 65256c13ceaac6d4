"""What a loaded flow uses, part by part: references and looked-up values, each with the place it is used at."""

from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from trunkline.flows.definition import Flow, Node
from trunkline.flows.lookups import lookups
from trunkline.flows.marks import marked, texts
from trunkline.flows.references import Reference
from trunkline.flows.routers.switch import Switch


class Place(Struct, frozen=True, kw_only=True):
    """Where something is: the node, the action unless it is in the router, the language of a translation."""

    node_uuid: str
    action_uuid: str = ""
    language: str = ""

    def shown(self) -> dict[str, str]:
        return {key: value for key in ("node_uuid", "action_uuid", "language") if (value := getattr(self, key))}


class Dependency(Struct, frozen=True, kw_only=True):
    """`kind` as in references, and `global`; `identity` is its uuid, its key, or the email of a user."""

    kind: str
    identity: str
    shown: dict[str, Any]


def dependencies(flow: Flow) -> Iterator[tuple[Place, Dependency]]:
    """As often as they are used, in the order of the nodes."""
    for place, reference in references(flow):
        if reference.identity:
            yield place, Dependency(kind=reference.kind, identity=reference.identity, shown=reference.shown())
    for place, template in templates(flow):
        for path in lookups(template):
            if found := _looked_up(path):
                yield place, found


def parent_results(flow: Flow) -> Iterator[str]:
    for _, template in templates(flow):
        for path in lookups(template):
            if path[:2] == ("parent", "results") and len(path) > 2:
                yield path[2]


def references(flow: Flow) -> Iterator[tuple[Place, Reference]]:
    for node, action in flow.actions():
        place = Place(node_uuid=node.uuid, action_uuid=action.uuid)
        yield from ((place, reference) for reference in _references_in(action))
    for node in flow.nodes:
        if isinstance(node.router, Switch):
            place = Place(node_uuid=node.uuid)
            yield from ((place, group) for group in _groups_in(node.router))


def templates(flow: Flow) -> Iterator[tuple[Place, str]]:
    """Every template of the flow, and every translation of one."""
    for node in flow.nodes:
        for place, item_uuid, thing in _things(node):
            yield from ((place, text) for mark, text in texts(thing) if mark.template)
            names = {mark.name for mark in marked(type(thing)) if mark.template and mark.localizable}
            for language, text in _translations(flow, item_uuid, names):
                yield Place(node_uuid=place.node_uuid, action_uuid=place.action_uuid, language=language), text


def _things(node: Node) -> Iterator[tuple[Place, str, Struct]]:
    """Structs with templates: the actions and their references, the router, its wait and cases."""
    for action in node.actions:
        place = Place(node_uuid=node.uuid, action_uuid=action.uuid)
        yield place, action.uuid, action
        yield from ((place, "", reference) for reference in _references_in(action))
    if node.router:
        place = Place(node_uuid=node.uuid)
        yield place, "", node.router
        if node.router.wait:
            yield place, "", node.router.wait
        if isinstance(node.router, Switch):
            yield from ((place, case.uuid, case) for case in node.router.cases)


def _references_in(thing: Struct) -> Iterator[Reference]:
    for name in thing.__struct_fields__:
        value = getattr(thing, name)
        if isinstance(value, Reference):
            yield value
        elif isinstance(value, tuple):
            yield from (item for item in value if isinstance(item, Reference))


def _groups_in(router: Switch) -> Iterator[Reference]:
    for case in router.cases:
        uuid, name = (*case.arguments, "", "")[:2]
        if case.type == "has_group" and uuid and "@" not in uuid:
            yield CaseGroup(uuid=uuid, name=name)


class CaseGroup(Reference, frozen=True, kw_only=True):
    """The group of a `has_group` test, whose arguments nobody has checked."""

    kind = "group"

    uuid: str
    name: str = ""

    @property
    def identity(self) -> str:
        return self.uuid

    def shown(self) -> dict[str, Any]:
        return {"uuid": self.uuid, "name": self.name}


def _translations(flow: Flow, item_uuid: str, names: set[str]) -> Iterator[tuple[str, str]]:
    for language in flow.localization.languages:
        for name in sorted(names):
            for text in flow.localization.texts(language, item_uuid, name) or ():
                yield language, text


def _looked_up(path: tuple[str, ...]) -> Dependency | None:
    match path:
        case ("fields", key, *_) | ("contact" | "parent" | "child", "fields", key, *_):
            return Dependency(kind="field", identity=key, shown={"key": key, "name": ""})
        case ("parent" | "child", "contact", "fields", key, *_):
            return Dependency(kind="field", identity=key, shown={"key": key, "name": ""})
        case ("globals", key, *_):
            return Dependency(kind="global", identity=key, shown={"key": key, "name": ""})
        case _:
            return None
