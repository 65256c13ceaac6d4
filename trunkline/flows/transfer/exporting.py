"""Writes an export: the chosen flows with what they use, or everything."""

from collections.abc import Iterator
from typing import Any, Literal

from trunkline.flows import mentioned
from trunkline.flows.faults import InvalidFlow, UnsupportedVersion
from trunkline.flows.loading import load
from trunkline.flows.transfer import mentions, queries, shapes, thirteen
from trunkline.flows.transfer.envelope import VERSION, InvalidFile, refuse_deep
from trunkline.flows.transfer.workspace import items

Dependencies = Literal["all", "flows", "none"]

ORDER = ("flows", "campaigns", "triggers", "fields", "groups")


def export(
    workspace: Any,
    chosen: list[str] | None,
    dependencies: Dependencies = "all",
    *,
    campaigns: list[str] | None = None,
) -> dict[str, Any]:
    """The file. Without chosen flows or campaigns it has everything; an unknown uuid raises `InvalidFile`.

    `flows` adds the flows that the chosen ones enter or start, those of the chosen campaigns, and the triggers of
    them all; `all` adds their fields, groups and campaigns too, and the flows of those campaigns.
    """
    if not isinstance(workspace, dict):
        raise InvalidFile("A workspace is an object")
    refuse_deep(workspace)
    source = Source(workspace)
    if chosen is not None or campaigns is not None:
        source.choose(chosen or [], campaigns or [], dependencies)
    file: dict[str, Any] = {"version": VERSION, "site": source.site}
    return file | {key: source.parts[key] for key in ORDER}


def in_version_13(file: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The file with its flows as older servers read them, and what they have no word for; such flows stay newest."""
    flows, issues = [], []
    for definition in file["flows"]:
        older, problems = thirteen.converted(definition)
        flows.append(definition if problems else older)
        issues += problems
    return file | {"flows": flows}, issues


class Source:
    """A workspace in the shapes of a file, cut down to what is chosen."""

    def __init__(self, workspace: dict[str, Any]):
        site = workspace.get("site")
        self.site = site if isinstance(site, str) else ""
        self.parts: dict[str, list[dict[str, Any]]] = {
            "flows": [dict(flow) for flow in items(workspace, "flows")],
            "campaigns": _shaped(workspace, "campaigns", shapes.campaign),
            "triggers": _shaped(workspace, "triggers", shapes.trigger),
            "fields": _shaped(workspace, "fields", shapes.field),
            "groups": _shaped(workspace, "groups", shapes.group),
        }

    def choose(self, flows: list[str], campaigns: list[str], dependencies: Dependencies) -> None:
        self._refuse_unknown("flows", flows)
        self._refuse_unknown("campaigns", campaigns)
        chosen = [campaign for campaign in self.parts["campaigns"] if campaign["uuid"] in campaigns]
        wanted = set(flows)
        if dependencies != "none":
            wanted = self._closure(wanted, chosen, with_campaigns=dependencies == "all")
        self._keep("flows", lambda flow: flow.get("uuid") in wanted)
        self._keep("campaigns", lambda campaign: campaign in chosen)
        self._keep("triggers", lambda trigger: dependencies != "none" and trigger["flow"]["uuid"] in wanted)
        groups, fields = self._belongings() if dependencies == "all" else (set(), set())
        self._keep("groups", lambda group: group["uuid"] in groups)
        self._keep("fields", lambda field: field["key"] in fields)

    def _refuse_unknown(self, key: str, uuids: list[str]) -> None:
        known = {part.get("uuid") for part in self.parts[key]}
        if unknown := [uuid for uuid in uuids if uuid not in known]:
            raise InvalidFile(f"There is no {unknown[0]} among the {key}")

    def _closure(self, wanted: set[str], campaigns: list[dict[str, Any]], *, with_campaigns: bool) -> set[str]:
        """The chosen flows and whatever they lead to; `campaigns` gets those that start one of them."""
        flows = {flow.get("uuid"): flow for flow in self.parts["flows"]}
        waiting = [*wanted, *(uuid for campaign in campaigns for uuid in _started(campaign))]
        found: set[str] = set()
        while waiting:
            uuid = waiting.pop()
            if uuid in found or uuid not in flows:
                continue
            found.add(uuid)
            waiting += (each.uuid for each in mentions.mentions(flows[uuid]) if each.kind == "flow")
            for campaign in self.parts["campaigns"] if with_campaigns else ():
                if campaign not in campaigns and uuid in (started := list(_started(campaign))):
                    campaigns.append(campaign)
                    waiting += started
        return found

    def _belongings(self) -> tuple[set[str], set[str]]:
        """Groups and fields that the kept flows, campaigns and triggers use."""
        groups = {campaign["group"]["uuid"] for campaign in self.parts["campaigns"]}
        fields = {event["relative_to"]["key"] for campaign in self.parts["campaigns"] for event in campaign["events"]}
        for trigger in self.parts["triggers"]:
            groups |= {group["uuid"] for group in trigger["groups"] + trigger["exclude_groups"]}
        for definition in self.parts["flows"]:
            for kind, identity in _used(definition):
                groups |= {identity} if kind == "group" else set()
                fields |= {identity} if kind == "field" else set()
        for group in self.parts["groups"]:
            if group["uuid"] in groups and group["query"]:
                fields |= set(_fields_of(group["query"]))
        return groups, fields

    def _keep(self, key: str, is_wanted: Any) -> None:
        self.parts[key] = [part for part in self.parts[key] if is_wanted(part)]


def _shaped(workspace: dict[str, Any], key: str, shape: Any) -> list[dict[str, Any]]:
    shaped = []
    for index, item in enumerate(items(workspace, key)):
        try:
            shaped.append(shape(item))
        except ValueError as error:
            raise InvalidFile(f"{error} (at {key}[{index}] of the workspace)") from None
    return shaped


def _started(campaign: dict[str, Any]) -> Iterator[str]:
    return (event["flow"]["uuid"] for event in campaign["events"] if event["event_type"] == "F")


def _used(definition: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Of a flow that does not load only what its actions and cases name."""
    for mention in mentions.mentions(definition):
        yield mention.kind, mention.uuid
    try:
        flow = load(definition, strict=False)
    except (InvalidFlow, UnsupportedVersion):
        return
    for _, dependency in mentioned.dependencies(flow):
        yield dependency.kind, dependency.identity


def _fields_of(query: str) -> list[str]:
    try:
        return queries.fields_of(query)
    except ValueError:
        return []
