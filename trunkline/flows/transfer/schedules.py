"""The campaigns and triggers of an import: what starts the flows."""

from collections.abc import Callable
from typing import Any

from trunkline.flows.transfer.belongings import Belongings
from trunkline.flows.transfer.flows import Flows
from trunkline.flows.transfer.plans import CampaignChange
from trunkline.flows.transfer.workspace import Workspace


class Schedules:
    def __init__(
        self,
        workspace: Workspace,
        belongings: Belongings,
        flows: Flows,
        new_uuid: Callable[[], str],
        *,
        same_site: bool,
    ):
        self.workspace, self.belongings, self.flows = workspace, belongings, flows
        self.new_uuid, self.same_site = new_uuid, same_site
        self.campaigns: list[CampaignChange] = []
        self.triggers: list[dict[str, Any]] = []
        self.issues: list[dict[str, Any]] = []
        self._known = {_identity(trigger) for trigger in workspace.triggers}

    def add_campaigns(self, campaigns: list[dict[str, Any]]) -> None:
        for campaign in campaigns:
            found = self.workspace.by_uuid("campaign", campaign["uuid"]) if self.same_site else None
            found = found or self.workspace.by_name("campaign", campaign["name"])
            uuid = found["uuid"] if found else self.new_uuid()
            group = self.belongings.ensure_group(campaign["group"])
            shaped = {
                "uuid": uuid,
                "name": campaign["name"],
                "group": {"uuid": group["uuid"], "name": group["name"]},
                "events": [event for raw in campaign["events"] if (event := self._event(raw, campaign["name"]))],
            }
            self.campaigns.append(CampaignChange(uuid=uuid, action="updated" if found else "created", campaign=shaped))

    def _event(self, event: dict[str, Any], campaign: str) -> dict[str, Any] | None:
        relative_to = event["relative_to"]
        self.belongings.add_field(relative_to["key"], relative_to["label"], "datetime")
        if event["event_type"] == "M":
            return event | {"uuid": self.new_uuid()}
        flow = self.flows.find(event["flow"]["uuid"], event["flow"]["name"])
        if flow is None:
            self._missing("flow", event["flow"], f"An event of the campaign {campaign} is left out")
            return None
        return event | {"uuid": self.new_uuid(), "flow": flow}

    def add_triggers(self, triggers: list[dict[str, Any]]) -> None:
        for trigger in triggers:
            shaped = self._trigger(trigger)
            if shaped is not None and _identity(shaped) not in self._known:
                self._known.add(_identity(shaped))
                self.triggers.append(shaped)

    def _trigger(self, trigger: dict[str, Any]) -> dict[str, Any] | None:
        """None if something that it needs is missing: without its groups or channel it would start for others."""
        shaped = dict(trigger)
        shaped["flow"] = self._found("flow", trigger["flow"])
        for key in ("groups", "exclude_groups"):
            shaped[key] = [self._found("group", reference) for reference in trigger[key]]
        if trigger.get("channel"):
            shaped["channel"] = self._found("channel", trigger["channel"])
        is_complete = None not in (shaped["flow"], *shaped["groups"], *shaped["exclude_groups"])
        if trigger.get("channel"):
            is_complete = is_complete and shaped["channel"] is not None
        return shaped if is_complete else None

    def _found(self, kind: str, reference: dict[str, Any]) -> dict[str, Any] | None:
        found = (
            self.flows.find(reference["uuid"], reference["name"])
            if kind == "flow"
            else self.belongings.find_group(reference["uuid"], reference["name"])
            if kind == "group"
            else self.workspace.find(kind, reference["uuid"], reference["name"])
        )
        if found is None:
            self._missing(kind, reference, "A trigger is left out")
            return None
        return {"uuid": found["uuid"], "name": found.get("name", "")}

    def _missing(self, kind: str, reference: dict[str, Any], consequence: str) -> None:
        name = reference["name"] or reference["uuid"]
        self.issues.append(
            {
                "type": "missing_dependency",
                "dependency": {"type": kind, "uuid": reference["uuid"], "name": reference["name"]},
                "description": f"{consequence}: there is no {kind} {name}",
            }
        )


def _identity(trigger: dict[str, Any]) -> tuple[Any, ...]:
    """Two triggers with the same are one."""
    return (
        trigger.get("trigger_type"),
        _uuid(trigger.get("flow")),
        _uuid(trigger.get("channel")),
        tuple(sorted(_uuid(group) for group in trigger.get("groups") or ())),
        tuple(sorted(_uuid(group) for group in trigger.get("exclude_groups") or ())),
        tuple(sorted(map(str, trigger.get("keywords") or ()))),
        trigger.get("match_type"),
        str(trigger.get("schedule")),
        _times(trigger),
    )


def _times(trigger: dict[str, Any]) -> str:
    ours = trigger.get("_trunkline")
    return str(ours.get("schedule")) if isinstance(ours, dict) else ""


def _uuid(reference: Any) -> str:
    return str(reference.get("uuid")) if isinstance(reference, dict) else ""
