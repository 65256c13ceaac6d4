"""The flows of an import: which flow each becomes, and its definition with the uuids of this workspace."""

from collections.abc import Callable
from typing import Any

from msgspec import Struct

from trunkline.flows import flow_types, inspection, loading, migrations
from trunkline.flows.actions.unknown import Unknown
from trunkline.flows.catalogue import Catalogue
from trunkline.flows.definition import Flow
from trunkline.flows.faults import InvalidFlow
from trunkline.flows.transfer import mentions
from trunkline.flows.transfer.belongings import Belongings
from trunkline.flows.transfer.envelope import InvalidFile
from trunkline.flows.transfer.mentions import Mention
from trunkline.flows.transfer.plans import Change, FlowChange
from trunkline.flows.transfer.renaming import renamed
from trunkline.flows.transfer.workspace import Workspace, fold

LONGEST_NAME = 64


class Incoming(Struct, kw_only=True):
    source_uuid: str
    uuid: str
    name: str
    action: Change
    restored: bool
    definition: dict[str, Any]


class Flows:
    def __init__(self, workspace: Workspace, belongings: Belongings, new_uuid: Callable[[], str], *, same_site: bool):
        self.workspace, self.belongings, self.new_uuid, self.same_site = workspace, belongings, new_uuid, same_site
        self.resthooks: list[str] = []
        self._incoming: list[Incoming] = []
        self._by_source: dict[str, Incoming] = {}
        self._taken = {fold(str(flow.get("name", ""))): flow.get("uuid") for flow in workspace.flows()}
        self._claimed: set[str] = set()

    def add(self, definitions: list[dict[str, Any]]) -> None:
        """Decides who is who. All flows are known before the first definition is rewritten."""
        for index, raw in enumerate(definitions):
            try:
                flow = self._recognise(migrations.migrate(raw))
            except InvalidFlow as error:
                raise InvalidFile(f"flows[{index}]: {error.message}") from None
            self._incoming.append(flow)
            self._by_source.setdefault(flow.source_uuid, flow)
            self._add_resthooks(flow.definition)

    def find(self, uuid: str, name: str) -> dict[str, Any] | None:
        """The flow of a reference, after the import."""
        if found := self._by_source.get(uuid):
            return {"uuid": found.uuid, "name": found.name}
        if found := self.workspace.find("flow", uuid, name):
            return {"uuid": found["uuid"], "name": found.get("name", "")}
        named = (flow for flow in self._incoming if name and fold(flow.name) == fold(name))
        return next(({"uuid": flow.uuid, "name": flow.name} for flow in named), None)

    def changes(self) -> list[FlowChange]:
        return [self._change(flow) for flow in self._incoming]

    def _recognise(self, definition: dict[str, Any]) -> Incoming:
        source = _text(definition, "uuid")
        name = _text(definition, "name").strip()
        if not source or not name:
            raise InvalidFlow("A flow needs a uuid and a name")
        found = self._existing(source, name, definition.get("type"))
        if found is None:
            uuid = self.new_uuid()
            return Incoming(
                source_uuid=source,
                uuid=uuid,
                name=self._unique(name, uuid),
                action="created",
                restored=False,
                definition=definition,
            )
        self._claimed.add(found["uuid"])
        is_renamed = found["uuid"] == source and self.same_site
        return Incoming(
            source_uuid=source,
            uuid=found["uuid"],
            name=self._unique(name, found["uuid"]) if is_renamed else found["name"],
            action="updated",
            restored=bool(found.get("archived") or found.get("is_archived")),
            definition=definition,
        )

    def _existing(self, source: str, name: str, kind: Any) -> dict[str, Any] | None:
        """Every flow of the workspace is at most one flow of the file."""
        candidates = [flow for flow in self.workspace.flows() if flow.get("uuid") not in self._claimed]
        if self.same_site and (found := _first(candidates, lambda flow: flow.get("uuid") == source)):
            return found
        return _first(
            candidates,
            lambda flow: fold(_text(flow, "name")) == fold(name[:LONGEST_NAME]) and flow.get("type") == kind,
        )

    def _unique(self, name: str, uuid: str) -> str:
        wanted, number = name[:LONGEST_NAME].strip(), 1
        unique = wanted
        while self._taken.get(fold(unique), uuid) != uuid:
            number += 1
            suffix = f" {number}"
            unique = wanted[: LONGEST_NAME - len(suffix)].rstrip() + suffix
        self._taken[fold(unique)] = uuid
        return unique

    def _change(self, flow: Incoming) -> FlowChange:
        names = {mention.uuid: self._resolved(mention) or mention.uuid for mention in _mentions(flow.definition)}
        names[flow.source_uuid] = flow.uuid
        definition = renamed(flow.definition, names, self.new_uuid)
        definition |= {"uuid": flow.uuid, "name": flow.name}
        self._name_by_name(definition)
        _mend_expiry(definition)
        return FlowChange(
            uuid=flow.uuid,
            name=flow.name,
            source_uuid=flow.source_uuid,
            action=flow.action,
            valid=not isinstance(_read(definition), InvalidFlow),
            definition=definition,
            restored=flow.restored,
        )

    def _resolved(self, mention: Mention) -> str | None:
        found = (
            self.find(mention.uuid, mention.name)
            if mention.kind == "flow"
            else self.belongings.find_group(mention.uuid, mention.name)
            if mention.kind == "group"
            else self.workspace.find(mention.kind, mention.uuid, mention.name)
        )
        return found["uuid"] if found else None

    def _name_by_name(self, definition: dict[str, Any]) -> None:
        """Older files name groups and flows without saying their uuid."""
        for mention in mentions.mentions(definition):
            if mention.raw is not None and not mention.uuid and mention.name and (uuid := self._resolved(mention)):
                mention.raw["uuid"] = uuid

    def _add_resthooks(self, definition: dict[str, Any]) -> None:
        for slug in mentions.resthooks(definition):
            if slug.lower() not in self.workspace.resthooks | {known.lower() for known in self.resthooks}:
                self.resthooks.append(slug)


def issues(changes: list[FlowChange], catalogue: Catalogue) -> list[dict[str, Any]]:
    """What is wrong with the definitions, given what the workspace has after the import."""
    found: list[dict[str, Any]] = []
    for change in changes:
        flow = _read(change.definition)
        if isinstance(flow, InvalidFlow):
            problems = [{"type": "invalid_flow", "description": flow.message, "path": flow.path}]
        else:
            problems = [*_unknown_actions(flow), *inspection.inspect(flow, catalogue)["issues"]]
        found += ({"flow_uuid": change.uuid, **problem} for problem in problems)
    return found


def _read(definition: dict[str, Any]) -> Flow | InvalidFlow:
    try:
        return loading.read(definition, strict=False)
    except InvalidFlow as error:
        return error


def _unknown_actions(flow: Flow) -> list[dict[str, Any]]:
    return [
        {
            "type": "unknown_action",
            "node_uuid": node.uuid,
            "action_uuid": action.uuid,
            "action_type": action.named,
            "description": f"{action.named} is no type of action; it is kept and does nothing",
        }
        for node, action in flow.actions()
        if isinstance(action, Unknown)
    ]


def _mentions(definition: dict[str, Any]) -> list[Mention]:
    return [mention for mention in mentions.mentions(definition) if mention.uuid]


def _mend_expiry(definition: dict[str, Any]) -> None:
    """An expiry that its type of flow cannot have becomes the type's default."""
    minutes, kind = definition.get("expire_after_minutes"), definition.get("type")
    if minutes is None or not isinstance(kind, str) or kind not in flow_types.ALL:
        return
    is_number = isinstance(minutes, int) and not isinstance(minutes, bool)
    if not is_number or not 0 <= minutes <= flow_types.LONGEST_EXPIRY[kind]:
        definition["expire_after_minutes"] = flow_types.DEFAULT_EXPIRY[kind]


def _first(flows: list[dict[str, Any]], is_wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any] | None:
    return next((flow for flow in flows if isinstance(flow.get("uuid"), str) and is_wanted(flow)), None)


def _text(raw: dict[str, Any], key: str) -> str:
    value = raw.get(key)
    return value if isinstance(value, str) else ""
