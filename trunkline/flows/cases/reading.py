"""The documents of a case as what the engine works with."""

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from trunkline.expressions import environment as environments
from trunkline.expressions import locations
from trunkline.expressions.environment import Environment
from trunkline.expressions.values import ExpressionError
from trunkline.flows import assets as kinds
from trunkline.flows import contact as contacts
from trunkline.flows import inputs, loading, modifiers
from trunkline.flows.assets import Assets
from trunkline.flows.cases.errors import CaseError
from trunkline.flows.contact import Contact
from trunkline.flows.definition import Flow
from trunkline.flows.faults import InvalidFlow, UnsupportedVersion
from trunkline.flows.inputs import Call
from trunkline.flows.modifiers import Modifier
from trunkline.flows.sessions import Ref

Kind = TypeVar("Kind")


class CaseFlows:
    """Definitions are loaded when something uses them; only then a broken one is told."""

    def __init__(self, documents: list[Any], *, strict: bool):
        self._strict = strict
        self._documents = {_uuid_of(each): each for each in reversed(documents)}
        self._names = {_name_of(each): _uuid_of(each) for each in reversed(documents)}
        self._loaded: dict[str, Flow] = {}

    def by_uuid(self, uuid: str) -> Flow | None:
        if uuid not in self._documents:
            return None
        if uuid not in self._loaded:
            self._loaded[uuid] = flow(self._documents[uuid], strict=self._strict)
        return self._loaded[uuid]

    def by_name(self, name: str) -> Ref | None:
        """For queries, which need no more of it."""
        uuid = self._names.get(name.strip().lower())
        return Ref(uuid, name.strip()) if uuid else None


def flow(document: Any, *, strict: bool = True) -> Flow:
    """Strict means that actions of unknown types are refused. Raises CaseError `flow` and `version`."""
    try:
        return loading.load(document, strict=strict)
    except InvalidFlow as error:
        raise CaseError("flow", error.message, {"path": error.path} if error.path else None) from None
    except UnsupportedVersion as error:
        raise CaseError("version", error.message) from None


def assets(document: Any, *, strict: bool = True) -> Assets:
    """Raises CaseError `assets`."""
    document = inputs.without_nulls(document or {})
    if not isinstance(document, dict):
        raise CaseError("assets", "Assets are an object.")
    flows = document.get("flows", [])
    if not isinstance(flows, list) or not all(isinstance(each, dict) for each in flows):
        raise CaseError("assets", "Flows are a list of definitions.")
    known = {name: _convert(document.get(name, []), list[kind], name) for name, kind in LISTS.items()}
    try:
        places = locations.read(document.get("locations"))
    except locations.BadLocations as error:
        raise CaseError("assets", str(error)) from None
    made = Assets(CaseFlows(flows, strict=strict), **known, locations=places)  # type: ignore[arg-type]
    if broken := next((query for query in made.queries if query.is_broken), None):
        raise CaseError("assets", f"The query of the group {broken.group.name} cannot be read.")
    return made


def environment(document: Any) -> Environment:
    try:
        return environments.read(document)
    except ExpressionError as error:
        raise CaseError("assets", error.text) from None


def contact(document: Any) -> Contact:
    if not isinstance(document, dict):
        raise CaseError("input", "The case needs a contact.")
    try:
        read = contacts.convert(inputs.without_nulls(document))
        environments.zone(read.timezone or "UTC")
    except (msgspec.ValidationError, ExpressionError) as error:
        raise CaseError("assets", f"The contact cannot be read: {error}") from None
    if read.status not in ("active", "blocked", "stopped", "archived"):
        raise CaseError("assets", f"There is no status {read.status!r}.")
    return read


def call(document: Any) -> Call | None:
    if document is None:
        return None
    try:
        return inputs.read_call(document)
    except inputs.Unreadable as error:
        raise CaseError("assets", str(error)) from None


def modifier(document: Any, known: Assets) -> Modifier:
    """Groups, fields, channels, topics and users are named by references, as `{uuid}` or `{key}`."""
    document = inputs.without_nulls(document)
    named = document.get("type") if isinstance(document, dict) else None
    if not isinstance(named, str) or named not in MODIFIERS:
        raise CaseError("assets", f"This modifier cannot be read: {document!r:.200}")
    given = {name: value for name, value in document.items() if name != "type"}
    for name, find in FOUND.items():
        if name in given:
            given[name] = find(known, given[name])
    kind = MODIFIERS[named]
    given |= {name: None for name in ("channel", "assignee") if name in kind.__struct_fields__ and name not in given}
    return _convert(given, kind, "modifier")


def _found(things: str, key: str = "uuid") -> Callable[[Assets, Any], Any]:
    def find(known: Assets, reference: Any) -> Any:
        identity = reference.get(key) if isinstance(reference, dict) else reference
        thing = getattr(known, things).get(identity) if isinstance(identity, str) else None
        if thing is None:
            raise CaseError("assets", f"A modifier names something that is not there: {reference!r:.200}")
        return thing

    return find


def _many(find: Callable[[Assets, Any], Any]) -> Callable[[Assets, Any], Any]:
    def find_all(known: Assets, references: Any) -> Any:
        if not isinstance(references, list):
            raise CaseError("assets", "A modifier needs a list.")
        return tuple(find(known, reference) for reference in references)

    return find_all


def _route(known: Assets, document: Any) -> modifiers.Route:
    if not isinstance(document, dict):
        raise CaseError("assets", "A route is an object.")
    channel = FOUND["channel"](known, document["channel"]) if "channel" in document else None
    return _convert({"urn": document.get("urn"), "channel": channel}, modifiers.Route, "route")


def _convert(document: Any, kind: type[Kind], what: str) -> Kind:
    try:
        return msgspec.convert(document, kind)
    except msgspec.ValidationError as error:
        raise CaseError("assets", f"{what} cannot be read: {error}") from None


def _uuid_of(document: dict[str, Any]) -> str:
    """Legacy definitions keep it in their metadata."""
    metadata = document.get("metadata")
    return str(document.get("uuid") or (metadata.get("uuid") if isinstance(metadata, dict) else "") or "")


def _name_of(document: dict[str, Any]) -> str:
    metadata = document.get("metadata")
    name = document.get("name") or (metadata.get("name") if isinstance(metadata, dict) else "")
    return str(name or "").strip().lower()


LISTS: dict[str, Any] = {
    "channels": kinds.Channel,
    "fields": kinds.Field,
    "groups": kinds.Group,
    "labels": kinds.Label,
    "globals": kinds.Global,
    "topics": kinds.Topic,
    "users": kinds.User,
    "llms": kinds.Llm,
    "resthooks": kinds.Resthook,
    "templates": kinds.Template,
    "campaigns": kinds.Campaign,
}
MODIFIERS: dict[str, Any] = {kind.__struct_config__.tag: kind for kind in modifiers.Modifier.__args__}
FOUND: dict[str, Callable[[Assets, Any], Any]] = {
    "field": _found("fields", "key"),
    "groups": _many(_found("groups")),
    "channel": _found("channels"),
    "topic": _found("topics"),
    "assignee": _found("users"),
    "routes": _many(_route),
}
