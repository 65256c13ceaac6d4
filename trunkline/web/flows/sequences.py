"""Sequences: messages and flows some time before or after a date of each member of a group."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from trunkline.campaigns import sequences
from trunkline.campaigns.sequences import MODES, SYSTEM_DATES, UNITS, NewPoint, Point, Series
from trunkline.contacts import fields, groups
from trunkline.core.db import Tx
from trunkline.core.errors import Invalid, NotFound
from trunkline.flows import listing
from trunkline.flows.listing import Filter
from trunkline.web.flows.table import TABS
from trunkline.web.sections import Section
from trunkline.web.visits import Visit

pages = Section("flows")

MOST_FLOWS = 1_000
MODE_TITLES = {
    "interrupt": "Take them out of the flow they are in",
    "skip": "Leave out who is in a flow",
    "passive": "Beside the flow they are in",
}
DATE_TITLES = {"created_on": "Added", "last_seen_on": "Last heard"}


@pages.get("/flows/sequences")
async def table(visit: Visit) -> Response:
    async with visit.tx() as tx:
        archived = visit.query.flag("archived")
        found = await sequences.all_of(tx, archived=archived)
        points = await sequences.points(tx, [one.id for one in found])
        numbers = {one.id: sum(point.sequence_id == one.id for point in points) for one in found}
        return visit.page(
            "flows/sequences.html",
            sequences=found,
            numbers=numbers,
            archived=archived,
            groups=await groups.all(tx),
            tabs=TABS,
        )


@pages.post("/flows/sequences", level="manage")
async def create(visit: Visit) -> Response:
    async with visit.tx() as tx:
        made = await sequences.create(tx, visit.form.text("name", most=64), _group(visit))
    return visit.to(f"/flows/sequences/{made.id}", visit.words("Saved."))


@pages.get("/flows/sequences/{id:int}")
async def show(visit: Visit) -> Response:
    async with visit.tx() as tx:
        return visit.page("flows/sequence.html", point=None, **await _values(visit, tx))


@pages.post("/flows/sequences/{id:int}", level="manage")
async def add(visit: Visit) -> Response:
    """Add an event."""
    async with visit.tx() as tx:
        sequence = await _sequence(visit, tx)
        await sequences.add_point(tx, sequence.id, _point(visit))
    return visit.to(f"/flows/sequences/{visit.id()}", visit.words("Saved."))


@pages.get("/flows/sequences/{id:int}/events/{point:int}", level="manage")
async def edit(visit: Visit) -> Response:
    async with visit.tx() as tx:
        return visit.page("flows/sequence.html", point=await _kept(visit, tx), **await _values(visit, tx))


@pages.post("/flows/sequences/{id:int}/events/{point:int}", level="manage")
async def change(visit: Visit) -> Response:
    async with visit.tx() as tx:
        point = await _kept(visit, tx)
        await sequences.change_point(tx, point.id, _point(visit, point.message))
    return visit.to(f"/flows/sequences/{visit.id()}", visit.words("Saved."))


@pages.post("/flows/sequences/{id:int}/events/{point:int}/removal", level="manage")
async def delete_point(visit: Visit) -> Response:
    async with visit.tx() as tx:
        await sequences.delete_point(tx, (await _kept(visit, tx)).id)
    return visit.to(f"/flows/sequences/{visit.id()}", visit.words("Deleted."))


@pages.post("/flows/sequences/{id:int}/name", level="manage")
async def rename(visit: Visit) -> Response:
    """Another name, another group."""
    async with visit.tx() as tx:
        sequence = await _sequence(visit, tx)
        await sequences.update(tx, sequence.id, name=visit.form.text("name", most=64), group_id=_group(visit))
    return visit.to(f"/flows/sequences/{visit.id()}", visit.words("Saved."))


@pages.post("/flows/sequences/{id:int}/archive", level="manage")
async def archive(visit: Visit) -> Response:
    """Put away, or with `off` back into use."""
    off = visit.form.flag("off")
    async with visit.tx() as tx:
        sequence = await _sequence(visit, tx)
        await sequences.archive(tx, [sequence.id], archived=not off)
    return visit.to("/flows/sequences", visit.words("In use again.") if off else visit.words("Put away."))


async def _sequence(visit: Visit, tx: Tx) -> Series:
    """The one in the address. Those of drip campaigns belong to their campaigns' pages."""
    found = await sequences.get(tx, visit.id())
    if found.broadcast_id is not None:
        raise NotFound("sequence", found.id)
    return found


async def _kept(visit: Visit, tx: Tx) -> Point:
    """The event in the address."""
    sequence = await _sequence(visit, tx)
    point = await sequences.get_point(tx, visit.id("point"))
    if point.sequence_id != sequence.id:
        raise NotFound("point", point.id)
    return point


async def _values(visit: Visit, tx: Tx) -> dict[str, Any]:
    sequence = await _sequence(visit, tx)
    points = await sequences.points(tx, [sequence.id])
    dates = [(key, visit.words(title)) for key, title in DATE_TITLES.items()]
    dates += [(field.key, field.label) for field in await fields.all(tx) if field.type == "datetime"]
    return {
        "sequence": sequence,
        "points": sorted(points, key=lambda point: point.distance * MINUTES[point.unit]),
        "titles": await listing.titles(tx, {point.flow_id for point in points if point.flow_id}),
        "flows": [(flow.id, flow.name) for flow in await listing.page(tx, Filter(archived=False), limit=MOST_FLOWS)],
        "groups": await groups.all(tx),
        "dates": dates,
        "units": UNITS,
        "modes": {mode: visit.words(title) for mode, title in MODE_TITLES.items()},
    }


def _group(visit: Visit) -> int:
    group = visit.form.number("group")
    if group is None:
        raise Invalid({"group": [visit.words("Choose a group.")]})
    return group


def _point(visit: Visit, before: Mapping[str, str] | None = None) -> NewPoint:
    """A message in the language that is named, beside those that it has in others, or a flow."""
    form = visit.form
    distance = form.number("distance", most=100_000) or 0
    hour = form.number("delivery_hour", least=-1, most=23)
    message = form.text("message", most=sequences.TEXT_LENGTH) if form.text("what") == "message" else ""
    language = form.text("language", most=3) or "und"
    return NewPoint(
        relative_to=form.text("relative_to", most=64) or SYSTEM_DATES[0],
        distance=-distance if form.text("direction") == "before" else distance,
        unit=form.one_of("unit", UNITS),
        delivery_hour=-1 if hour is None else hour,
        start_mode=form.one_of("start_mode", MODES),
        flow_id=form.number("flow") if form.text("what") == "flow" else None,
        message={**(before or {}), language: message} if message else None,
        base_language=language if message else None,
    )


MINUTES = {"minutes": 1, "hours": 60, "days": 1440, "weeks": 10_080}
