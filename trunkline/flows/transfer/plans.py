"""What an import would do: read it before doing it."""

from typing import Any, Literal

from msgspec import Struct

from trunkline.flows.transfer.workspace import Workspace

Change = Literal["created", "updated"]


class FlowChange(Struct, frozen=True, kw_only=True):
    """`source_uuid` is the flow's uuid in the file. `restored` is for flows that were archived."""

    uuid: str
    name: str
    source_uuid: str
    action: Change
    valid: bool
    definition: dict[str, Any]
    restored: bool = False

    def shown(self) -> dict[str, Any]:
        keys = ("uuid", "name", "source_uuid", "action", "valid")
        return {key: getattr(self, key) for key in keys}


class CampaignChange(Struct, frozen=True, kw_only=True):
    """`campaign` is complete; its events replace those of an updated one."""

    uuid: str
    action: Change
    campaign: dict[str, Any]


class Plan(Struct, frozen=True, kw_only=True):
    """Fields, groups, resthooks and triggers are those to be created, in this order, in the shapes of an export."""

    fields: list[dict[str, Any]]
    groups: list[dict[str, Any]]
    resthooks: list[str]
    flows: list[FlowChange]
    campaigns: list[CampaignChange]
    triggers: list[dict[str, Any]]
    issues: list[dict[str, Any]]


def applied(plan: Plan, workspace: Workspace) -> dict[str, Any]:
    """The workspace's document after the import."""
    document = dict(workspace.document)
    for key, added in (("fields", plan.fields), ("groups", plan.groups), ("triggers", plan.triggers)):
        document[key] = [*(document.get(key) or ()), *added]
    if plan.resthooks:
        added = [{"slug": slug, "subscribers": []} for slug in plan.resthooks]
        document["resthooks"] = [*(document.get("resthooks") or ()), *added]
    flows = {change.uuid: change.definition for change in plan.flows}
    campaigns = {change.uuid: change.campaign for change in plan.campaigns}
    document["flows"] = _merged(document.get("flows") or [], flows)
    document["campaigns"] = _merged(document.get("campaigns") or [], campaigns)
    return document


def _merged(there: list[dict[str, Any]], changed: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """What was there keeps its place, changed or not; what is new comes after it."""
    known = {item.get("uuid") for item in there}
    kept = [changed.get(item.get("uuid", ""), item) for item in there]
    return kept + [item for uuid, item in changed.items() if uuid not in known]
