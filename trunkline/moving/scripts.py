"""Flows, their triggers, and campaigns on their way in. What would act by itself is held."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from trunkline.accounts import accounts
from trunkline.campaigns import sequences, transfers
from trunkline.campaigns.sequences import NewPoint
from trunkline.contacts import groups
from trunkline.core.db import Tx
from trunkline.core.errors import TrunklineError
from trunkline.flows import endings, stored
from trunkline.flows.transfer.exporting import VERSION
from trunkline.moving.source import Source
from trunkline.moving.steps import Notes
from trunkline.moving.things import Rows

AT_ONCE = 20
TRIGGERS, CAMPAIGNS = "flows", "campaigns"


async def definitions(source: Source, rows: Rows) -> Rows:
    """The rows with their definitions, and each with the triggers that start it."""
    found: dict[str, dict[str, Any]] = {}
    triggers: dict[str, list[dict[str, Any]]] = {}
    for place in range(0, len(rows), AT_ONCE):
        asked = [row["uuid"] for row in rows[place : place + AT_ONCE]]
        file = await source.get("definitions", {"flow": asked, "dependencies": "flows"})
        found |= {each["uuid"]: each for each in file.get("flows", [])}
        for each in file.get("triggers", []):
            triggers.setdefault((each.get("flow") or {}).get("uuid", ""), [])
            if each not in triggers[each["flow"]["uuid"]]:
                triggers[each["flow"]["uuid"]].append(each)
    return [{**row, "definition": found.get(row["uuid"]), "triggers": triggers.get(row["uuid"], [])} for row in rows]


async def carry_flows(tx: Tx, rows: Rows, notes: Notes) -> None:
    known = await stored.by_uuid(tx, [UUID(row["uuid"]) for row in rows])
    fresh = [row for row in rows if UUID(row["uuid"]) not in known]
    notes.done += len(rows) - len(fresh)
    for row in fresh:
        if row["definition"] is None:
            notes.leave(f"Flow {row['name']}: its definition was not given out.")
            continue
        try:
            # One at a time: a flow that cannot be kept must not take the others with it.
            flow = await stored.save(tx, row["definition"])
        except TrunklineError as error:
            notes.leave(f"Flow {row['name']}: {error.message}")
            continue
        notes.done += 1
        if not flow.valid:
            notes.problems.append(f"Flow {row['name']} is kept and cannot run: {_issue(flow.info)}")
        if row.get("archived"):
            await endings.archive(tx, [flow.id])
        notes.held += row["triggers"]


async def carry_campaigns(tx: Tx, rows: Rows, notes: Notes) -> None:
    """Put away until they are let go."""
    known = await sequences.by_uuid(tx, [UUID(row["uuid"]) for row in rows])
    for row in rows:
        if UUID(row["uuid"]) in known:
            notes.done += 1
            continue
        uuid, group = UUID(row["group"]["uuid"]), row["group"]["name"]
        found = (await groups.by_uuid(tx, [uuid])).get(uuid) or (await groups.by_names(tx, [group])).get(group)
        try:
            if found is None:
                raise TrunklineError(f"There is no group {group}.")
            made = await sequences.create(tx, row["name"], found.id, uuid=UUID(row["uuid"]))
        except TrunklineError as error:
            notes.leave(f"Campaign {row['name']}: {error.message}")
            continue
        await sequences.archive(tx, [made.id])
        notes.held.append(row["uuid"])
        notes.done += 1


async def carry_events(tx: Tx, rows: Rows, notes: Notes) -> None:
    known = await sequences.points_by_uuid(tx, [UUID(row["uuid"]) for row in rows])
    series = await sequences.by_uuid(tx, [UUID(row["campaign"]["uuid"]) for row in rows])
    flows = await stored.by_uuid(tx, [UUID(row["flow"]["uuid"]) for row in rows if row.get("flow")])
    language = (await accounts.current(tx)).languages[0]
    for row in rows:
        campaign = series.get(UUID(row["campaign"]["uuid"]))
        try:
            if UUID(row["uuid"]) not in known:
                if campaign is None:
                    raise TrunklineError("Its campaign did not come along.")
                await sequences.add_point(tx, campaign.id, _point(row, flows, language))
        except TrunklineError as error:
            notes.leave(f"Event of campaign {row['campaign']['name']}: {error.message}")
        else:
            notes.done += 1


async def let_go(tx: Tx, held: dict[str, list[Any]], site: str) -> dict[str, Any]:
    """Campaigns are in use and triggers are made; what a trigger lacks here is told."""
    series = await sequences.by_uuid(tx, [UUID(uuid) for uuid in held.get(CAMPAIGNS, ())])
    await sequences.archive(tx, [each.id for each in series.values()], archived=False)
    triggers = held.get(TRIGGERS, [])
    file = {"version": VERSION, "site": site, "flows": [], "triggers": triggers}
    result = await transfers.import_file(tx, file, site=site)
    issues = [each["description"] for each in result["issues"]]
    return {"campaigns": len(series), "triggers": len(triggers) - len(issues), "issues": issues}


def _point(row: dict[str, Any], flows: dict[UUID, Any], language: str) -> NewPoint:
    flow = flows.get(UUID(row["flow"]["uuid"])) if row.get("flow") else None
    if row.get("flow") and flow is None:
        raise TrunklineError(f"Its flow {row['flow']['name']} did not come along.")
    message: dict[str, str] | None = row.get("message") or None
    return NewPoint(
        uuid=UUID(row["uuid"]),
        relative_to=row["relative_to"]["key"],
        distance=row["offset"],
        unit=row["unit"],
        delivery_hour=row["delivery_hour"],
        flow_id=flow.id if flow else None,
        message=message,
        base_language=language if message and language in message else None,
    )


def _issue(info: dict[str, Any]) -> str:
    found: Sequence[dict[str, Any]] = info.get("issues", [])
    return str(found[0].get("description", "")) if found else "it does not load"
