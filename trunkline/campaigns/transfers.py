"""Transfers: flows with all that belongs to them, from a file into a workspace and back."""

from collections.abc import Container, Sequence
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from trunkline.campaigns import sequences
from trunkline.campaigns.sequences import NewPoint, Point, Series
from trunkline.contacts import fields, groups
from trunkline.core import schedules
from trunkline.core.db import Tx
from trunkline.core.ids import new_uuid
from trunkline.flows import revisions, stored, triggers
from trunkline.flows import stock as stocks
from trunkline.flows.stock import Stock
from trunkline.flows.transfer import envelope, exporting, importing
from trunkline.flows.transfer.exporting import Dependencies
from trunkline.flows.transfer.plans import CampaignChange, Plan
from trunkline.flows.transfer.workspace import Workspace
from trunkline.flows.triggers import NewTrigger, Trigger
from trunkline.webhooks import resthooks


async def import_file(tx: Tx, file: Any, *, site: str = "", dry_run: bool = False) -> dict[str, Any]:
    """Bring a file's flows, groups, fields, campaigns and triggers in, all or nothing.

    Returns `{flows: [{uuid, name, source_uuid, action, valid}], issues: [...]}`. With `dry_run` nothing is written.
    Raises `InvalidFile` and `UnsupportedVersion` for what is no export.
    """
    workspace = Workspace(await document(tx, site, definitions=False))
    plan = importing.plan(envelope.read(file), workspace, _uuid)
    if not dry_run:
        await _carry_out(tx, plan)
    return {
        "flows": [change.shown() for change in plan.flows],
        "issues": plan.issues + _left_out(plan) + _forgotten(plan),
    }


async def export_file(
    tx: Tx, flows: Sequence[str] | None = None, *, site: str = "", dependencies: Dependencies = "all"
) -> dict[str, Any]:
    """The chosen flows with what they use, or everything. Raises `InvalidFile` for an unknown flow."""
    chosen = list(flows) if flows is not None else None
    return exporting.export(await document(tx, site, definitions=True), chosen, dependencies)


async def export_chosen(
    tx: Tx, flows: Sequence[UUID], campaigns: Sequence[UUID], *, site: str, dependencies: Dependencies = "all"
) -> dict[str, Any]:
    """These flows, archived ones too, and campaigns with what they use; unknown ones are left out."""
    wanted = {str(uuid) for uuid in flows}
    whole = await document(tx, site, definitions=True, also=wanted)
    chosen = [each["uuid"] for each in whole["flows"] if each["uuid"] in wanted]
    series = [each["uuid"] for each in whole["campaigns"] if UUID(each["uuid"]) in campaigns]
    return exporting.export(whole, chosen, dependencies, campaigns=series)


async def document(tx: Tx, site: str, *, definitions: bool, also: Container[str] = ()) -> dict[str, Any]:
    """The workspace as JSON; without `definitions` flows are named only, with them the archived ones only if asked."""
    stock = await stocks.of(tx)
    known = stock.definitions.index.values()
    living = [flow for flow in known if definitions is False or not flow.archived or flow.uuid in also]
    if definitions:
        kept = await revisions.definitions(tx, [flow.id for flow in living])
        flows = [kept[flow.id] for flow in living]
    else:
        flows = [
            {"uuid": flow.uuid, "name": flow.name, "type": flow.type, "archived": flow.archived} for flow in living
        ]
    names = ("channels", "fields", "groups", "labels", "topics", "users", "templates", "llms", "globals", "resthooks")
    lists = {name: msgspec.to_builtins(list(getattr(stock.assets, name).values())) for name in names}
    series = await sequences.all_of(tx)
    points = await sequences.points(tx, [one.id for one in series])
    return {
        "site": site,
        "flows": flows,
        **lists,
        "campaigns": [_campaign(stock, one, [p for p in points if p.sequence_id == one.id]) for one in series],
        "triggers": await _triggers(tx, stock),
    }


async def _triggers(tx: Tx, stock: Stock) -> list[dict[str, Any]]:
    living = await triggers.all_of(tx)
    zones = await triggers.zones(tx, living)
    return [shaped for one in living if (shaped := _trigger(stock, one, zones.get(one.id, "UTC")))]


async def _carry_out(tx: Tx, plan: Plan) -> None:
    for field in plan.fields:
        await fields.create(tx, field["name"], field["type"], key=field["key"])
    for group in plan.groups:
        await groups.create(tx, group["name"], query=group["query"], uuid=UUID(group["uuid"]))
    await resthooks.get_or_create(tx, plan.resthooks)
    await stored.save_many(tx, [change.definition for change in plan.flows])
    stock = await stocks.of(tx)
    for change in plan.campaigns:
        await _keep_campaign(tx, stock, change)
    for shaped in plan.triggers:
        await _keep_trigger(tx, stock, shaped)


def _left_out(plan: Plan) -> list[dict[str, Any]]:
    """Triggers that do not come along, and why."""
    broken = {change.uuid for change in plan.flows if not change.valid}
    reasons = [(shaped, _hindrance(shaped, broken)) for shaped in plan.triggers]
    return [
        {
            "type": "trigger_left_out",
            "flow_uuid": shaped["flow"]["uuid"],
            "description": f"A trigger of {shaped['flow']['name']} is left out: {why}",
        }
        for shaped, why in reasons
        if why
    ]


def _hindrance(shaped: dict[str, Any], broken: Container[str]) -> str | None:
    kind = KINDS.get(shaped["trigger_type"])
    if kind is None:
        return f"{shaped['trigger_type']} is no kind of trigger"
    if kind == "schedule" and (why := _unscheduled(shaped)):
        return why
    if kind == "keyword" and (problem := triggers.keyword_problem(shaped["keywords"])):
        return problem
    return "its flow does not load" if shaped["flow"]["uuid"] in broken else None


def _unscheduled(shaped: dict[str, Any]) -> str | None:
    """Why a schedule cannot be made from a file. Only files of ours tell its times, and none its single contacts."""
    ours = _ours(shaped)
    if ours is None:
        return "the file does not tell the times of its schedule, so it has to be made anew"
    if problem := schedules.problem(ours.schedule.cron, ours.schedule.timezone):
        return f"its times cannot be read: {problem}"
    return None if shaped["groups"] else "its schedule has no groups, and single contacts are in no file"


def _forgotten(plan: Plan) -> list[dict[str, Any]]:
    """Schedules that come along for their groups, without the single contacts that they had."""
    return [
        {
            "type": "contacts_left_out",
            "flow_uuid": shaped["flow"]["uuid"],
            "description": f"A schedule of {shaped['flow']['name']} forgets {ours.contacts} single contacts",
        }
        for shaped in plan.triggers
        if shaped["trigger_type"] == "S" and shaped["groups"] and (ours := _ours(shaped)) and ours.contacts
    ]


def _ours(shaped: dict[str, Any]) -> "_Ours | None":
    try:
        return msgspec.convert(shaped.get(OURS), _Ours)
    except msgspec.ValidationError:
        return None


async def _keep_campaign(tx: Tx, stock: Stock, change: CampaignChange) -> None:
    campaign = change.campaign
    group = stock.groups[campaign["group"]["uuid"]]
    known = (await sequences.by_uuid(tx, [UUID(change.uuid)])).get(UUID(change.uuid))
    if known is None:
        known = await sequences.create(tx, campaign["name"], group, uuid=UUID(change.uuid))
    else:
        await sequences.update(tx, known.id, name=campaign["name"], group_id=group)
        for point in await sequences.points(tx, [known.id]):
            await sequences.delete_point(tx, point.id)
    for event in campaign["events"]:
        await sequences.add_point(tx, known.id, _point(stock, event))


def _point(stock: Stock, event: dict[str, Any]) -> NewPoint:
    flow = event.get("flow")
    return NewPoint(
        uuid=UUID(event["uuid"]),
        relative_to=event["relative_to"]["key"],
        distance=event["offset"],
        unit=UNITS[event["unit"]],
        delivery_hour=event["delivery_hour"],
        start_mode=MODES[event["start_mode"]],
        flow_id=stock.flow_ids[flow["uuid"]] if flow else None,
        message=event["message"] or None,
        base_language=event.get("base_language") or None,
    )


async def _keep_trigger(tx: Tx, stock: Stock, shaped: dict[str, Any]) -> None:
    kind, flow = KINDS.get(shaped["trigger_type"]), stock.flow_ids.get(shaped["flow"]["uuid"])
    if flow is None or not stock.flow(flow) or _hindrance(shaped, ()) is not None or kind is None:
        return
    channel, ours = shaped.get("channel"), _ours(shaped) if kind == "schedule" else None
    new = NewTrigger(
        kind=kind,
        flow_id=flow,
        channel_id=stock.channels[channel["uuid"]].id if channel else None,
        keywords=shaped.get("keywords") or (),
        match="only_word" if shaped.get("match_type") == "O" else "first_word",
        referrer=shaped.get("referrer_id") or None,
        groups=[stock.groups[group["uuid"]] for group in shaped["groups"]],
        exclude_groups=[stock.groups[group["uuid"]] for group in shaped["exclude_groups"]],
        cron=ours.schedule.cron if ours else None,
        timezone=ours.schedule.timezone if ours else None,
    )
    await triggers.create(tx, new)


def _campaign(stock: Stock, series: Series, points: Sequence[Point]) -> dict[str, Any]:
    return {
        "uuid": str(series.uuid),
        "name": series.name,
        "group": {"uuid": str(series.group_uuid), "name": series.group_name},
        "events": [shaped for point in points if (shaped := _event(stock, point))],
    }


def _event(stock: Stock, point: Point) -> dict[str, Any] | None:
    field = stock.assets.fields.get(point.relative_to)
    shaped: dict[str, Any] = {
        "uuid": str(point.uuid),
        "offset": point.distance,
        "unit": LETTERS[point.unit],
        "event_type": "M" if point.flow_id is None else "F",
        "delivery_hour": point.delivery_hour,
        "message": point.message,
        "relative_to": {"label": field.name if field else LABELS.get(point.relative_to, ""), "key": point.relative_to},
        "start_mode": point.start_mode[0].upper(),
    }
    if point.flow_id is None:
        return shaped | {"base_language": point.base_language}
    flow = stock.flows.get(point.flow_id)
    return shaped | {"flow": {"uuid": flow.uuid, "name": flow.name}} if flow else None


def _trigger(stock: Stock, trigger: Trigger, zone: str) -> dict[str, Any] | None:
    flow = stock.flow(trigger.flow_id)
    if flow is None:
        return None
    shaped: dict[str, Any] = {
        "trigger_type": CODES[trigger.kind],
        "flow": {"uuid": flow.uuid, "name": flow.name},
        "groups": _groups(stock, trigger.groups),
        "exclude_groups": _groups(stock, trigger.exclude_groups),
    }
    if uuid := stock.channel_uuids.get(trigger.channel_id or 0):
        shaped["channel"] = {"uuid": uuid, "name": stock.channels[uuid].name}
    if trigger.kind == "keyword":
        shaped |= {"keywords": trigger.keywords, "match_type": "O" if trigger.match == "only_word" else "F"}
    if trigger.referrer:
        shaped["referrer_id"] = trigger.referrer
    if trigger.cron:
        shaped[OURS] = msgspec.to_builtins(_Ours(_Schedule(trigger.cron, zone), len(trigger.contacts)))
    return shaped


def _groups(stock: Stock, ids: Sequence[int]) -> list[dict[str, str]]:
    uuids = [stock.group_uuids[id] for id in ids if id in stock.group_uuids]
    return [{"uuid": uuid, "name": stock.assets.groups[uuid].name} for uuid in uuids]


def _uuid() -> str:
    return str(new_uuid())


class _Schedule(Struct, frozen=True):
    cron: str
    timezone: str = "UTC"


class _Ours(Struct, frozen=True):
    """What the format has no place for; others leave it alone. `contacts` is how many single ones there were."""

    schedule: _Schedule
    contacts: int = 0


OURS = "_trunkline"


UNITS: dict[str, sequences.Unit] = {"M": "minutes", "H": "hours", "D": "days", "W": "weeks"}
LETTERS = {unit: letter for letter, unit in UNITS.items()}
MODES: dict[str, sequences.Mode] = {"I": "interrupt", "S": "skip", "P": "passive"}
LABELS = {"created_on": "Created On", "last_seen_on": "Last Seen On"}
KINDS: dict[str, triggers.Kind] = {
    "K": "keyword",
    "S": "schedule",
    "V": "inbound_call",
    "M": "missed_call",
    "N": "new_conversation",
    "R": "referral",
    "T": "closed_ticket",
    "C": "catch_all",
    "I": "opt_in",
    "O": "opt_out",
}
CODES = {kind: code for code, kind in KINDS.items()}
