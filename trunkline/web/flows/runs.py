"""Runs: who went through which flow, one run from node to node, and the log of what flows did outside."""

from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct
from starlette.responses import Response

from trunkline.contacts import people
from trunkline.contacts.records import Contact
from trunkline.core.db import Tx
from trunkline.flows import endings, listing, logs, revisions, runs, stored
from trunkline.flows.runs import Filter, Run
from trunkline.flows.stored import Stored
from trunkline.web.flows import steps
from trunkline.web.flows.steps import Phrase
from trunkline.web.flows.table import TABS
from trunkline.web.sections import Section
from trunkline.web.visits import Visit

pages = Section("flows")

SHOWN = 50
KINDS = ("webhook", "resthook", "email", "llm", "airtime", "warning", "error", "failure")


class Step(Struct, frozen=True):
    """A node that a run came to; without phrases it is not there any more."""

    number: int
    uuid: str
    at: datetime
    phrases: list[Phrase]


@pages.get("/flows/runs")
async def table(visit: Visit) -> Response:
    """The last changed first; of one flow or one contact if the address says so."""
    async with visit.tx() as tx:
        flow = await _flow(visit, tx)
        filter = Filter(
            flow_id=flow.id if flow else None,
            contact_id=visit.query.number("contact"),
            responded=visit.query.flag("responded"),
        )
        node = _uuid(visit.query.text("node")) if flow else None
        if flow and node:
            here = visit.query.flag("here")
            rows = await runs.at_node(tx, flow.id, node, here=here, cursor=visit.after, limit=SHOWN + 1)
        else:
            rows = await runs.page(tx, filter, cursor=visit.after, limit=SHOWN + 1)
        found = rows[:SHOWN]
        return visit.page(
            "flows/runs.html",
            block="found",
            runs=found,
            contacts=await _contacts(tx, [run.contact_id for run in found] + [filter.contact_id or 0]),
            flow=flow,
            node=node,
            most=runs.MOST_LOOKED_AT,
            filter=filter,
            open=runs.OPEN,
            next=visit.beyond(found[-1].modified_at, found[-1].id) if len(rows) > SHOWN else "",
            tabs=TABS,
        )


@pages.get("/flows/runs/{run:uuid}")
async def show(visit: Visit) -> Response:
    async with visit.tx() as tx:
        run = await runs.get(tx, _run(visit))
        flow = await stored.get(tx, run.flow_id)
        return visit.page(
            "flows/run.html",
            run=run,
            flow=flow,
            contact=(await _contacts(tx, [run.contact_id])).get(run.contact_id),
            steps=await _steps(visit, tx, flow, run),
            open=runs.OPEN,
        )


@pages.post("/flows/runs/{run:uuid}/interruption", level="interact")
async def interrupt(visit: Visit) -> Response:
    """The contact leaves the flow that they wait in."""
    async with visit.tx() as tx:
        run = await runs.get(tx, _run(visit))
        if run.status in runs.OPEN:
            await endings.interrupt(tx, [run.contact_id])
    return visit.to(f"/flows/runs/{run.uuid}", visit.words("Interrupted."))


@pages.get("/flows/log")
async def log(visit: Visit) -> Response:
    """Calls to the outside and errors of the last two weeks, the newest first."""
    kind = visit.query.text("kind")
    async with visit.tx() as tx:
        flow = await _flow(visit, tx)
        rows = await logs.page(
            tx,
            flow=flow.id if flow else None,
            contact=visit.query.number("contact"),
            kinds=[kind] if kind in KINDS else [],
            before=visit.query.number("before"),
            limit=SHOWN + 1,
        )
        found = rows[:SHOWN]
        return visit.page(
            "flows/log.html",
            block="found",
            entries=found,
            contacts=await _contacts(tx, [each.contact_id for each in found if each.contact_id]),
            titles=await listing.titles(tx, {each.flow_id for each in found if each.flow_id}),
            flow=flow,
            kind=kind,
            kinds=KINDS,
            next=visit.here(before=found[-1].id) if len(rows) > SHOWN else "",
            tabs=TABS,
        )


async def _flow(visit: Visit, tx: Tx) -> Stored | None:
    """The one that the list is narrowed to; one that is not there narrows nothing."""
    wanted = _uuid(visit.query.text("flow"))
    return (await stored.by_uuid(tx, [wanted])).get(wanted) if wanted else None


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


async def _contacts(tx: Tx, ids: list[int]) -> dict[int, Contact]:
    return {one.id: one for one in await people.get_many(tx, sorted(set(ids)))}


async def _steps(visit: Visit, tx: Tx, flow: Stored, run: Run) -> list[Step]:
    """The way of a run through the newest revision: nodes that were removed have nothing to say."""
    definition = await revisions.loaded(tx, flow)
    numbers = {node.uuid: number for number, node in enumerate(definition.nodes, start=1)} if definition else {}
    said: dict[str, Any] = (
        {node.uuid: steps.phrases(node, visit.words) for node in definition.nodes} if definition else {}
    )
    return [
        Step(numbers.get(str(uuid), 0), str(uuid), at, said.get(str(uuid), []))
        for uuid, at in zip(run.nodes, run.arrivals, strict=False)
    ]


def _run(visit: Visit) -> UUID:
    return visit.request.path_params["run"]
