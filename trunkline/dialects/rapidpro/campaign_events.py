"""Events of campaigns: a message or a flow, some time before or after a date of each contact."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta, Struct

from trunkline.accounts import accounts
from trunkline.campaigns import sequences
from trunkline.campaigns.sequences import NewPoint, Point, Series
from trunkline.contacts import fields
from trunkline.core.db import Tx
from trunkline.core.errors import NotFound
from trunkline.dialects.base import Answer, Call, Paged
from trunkline.dialects.rapidpro import lists, reading
from trunkline.dialects.rapidpro.dialect import rapidpro
from trunkline.dialects.rapidpro.errors import Rejected, across
from trunkline.dialects.rapidpro.fields import Choice, Field, Reading, Text, Whole
from trunkline.dialects.rapidpro.reading import Body
from trunkline.dialects.rapidpro.references import Campaigns, Flows, One
from trunkline.dialects.rapidpro.translations import Translated
from trunkline.dialects.rapidpro.wire import Moment, Ref, moment
from trunkline.dialects.walking import Place, Walk
from trunkline.flows import listing

FARTHEST = 100_000
SYSTEM_DATES = {"created_on": "Created On", "last_seen_on": "Last Seen On"}


class Dates:
    """Fields that hold dates, and what the product notes of everybody, by key. Found as (key, type)."""

    async def find(self, reading: Reading, texts: Sequence[str]) -> Mapping[str, Any]:
        known = {each.key: each.type for each in await fields.all(reading.tx)}
        known |= dict.fromkeys(SYSTEM_DATES, "datetime")
        return {text: (text.lower(), known[text.lower()]) for text in texts if text.lower() in known}

    def problem(self, found: Any, text: str) -> str | None:
        return None if found[1] == "datetime" else f"Not a field of dates: {text}"


FORM: dict[str, Field] = {
    "campaign": One("The campaign, by UUID; of an event that is there it stays the same.", Campaigns()),
    "relative_to": One("The key of the field with the date, or created_on, or last_seen_on.", Dates()),
    "offset": Whole("How many units after the date; negative is before it.", least=-FARTHEST, most=FARTHEST),
    "unit": Choice("The unit of the offset.", sequences.UNITS),
    "delivery_hour": Whole("The hour of the day for days and weeks, -1 for that of the date.", least=-1, most=23),
    "message": Translated(
        "The text to send.", Text("One translation.", most=sequences.TEXT_LENGTH), required=False, null=True
    ),
    "flow": One("The flow to start, by UUID.", Flows(), required=False, null=True),
}
CHANGE: dict[str, Field] = {**FORM, "campaign": One("The campaign.", Campaigns(), required=False)}


class DateOut(Struct, frozen=True):
    """`label` is an older word for `name`."""

    key: str
    name: str
    label: str


class EventOut(Struct, frozen=True):
    """Either `flow` or `message` is there."""

    uuid: UUID
    campaign: Ref
    relative_to: DateOut
    offset: int
    unit: str
    delivery_hour: int
    flow: Ref | None
    message: dict[str, str] | None
    created_on: Moment


class EventQuery(Struct):
    uuid: Annotated[str | None, Meta(description="Only the event with this UUID.")] = None
    campaign: Annotated[str | None, Meta(description="Only events of the campaign with this UUID or name.")] = None


class EventLookup(Struct):
    uuid: Annotated[str | None, Meta(description="The event to change; without it a new one is made.")] = None


@rapidpro.get("/campaign_events.json")
async def list_events(tx: Tx, walk: Walk, query: EventQuery) -> Paged[EventOut]:
    """List the events of your campaigns, the newest first."""
    uuid = reading.uuid(query.uuid)
    campaigns = [each for each in await sequences.all_of(tx) if _is_wanted(each, query.campaign)]
    points = await sequences.points(tx, [each.id for each in campaigns])
    found = [point for point in points if uuid is None or point.uuid == uuid]
    page = await walk.page(lists.walked(found, _place), _place)
    return Paged(await _shapes(tx, page.rows), next=page.next, previous=page.previous)


@rapidpro.post("/campaign_events.json", fields=FORM, raises=(NotFound,), answers={201: EventOut})
async def write_event(tx: Tx, call: Call, body: Body, query: EventLookup) -> EventOut | Answer[EventOut]:
    """Create an event with either a message or a flow, or change one.

    An event whose dates are still being worked out cannot be changed. Another time has them worked out anew.
    """
    uuid = reading.uuid_lookup(call)
    before = await _found(tx, uuid) if uuid else None
    given = await reading.read(tx, call, CHANGE if before else FORM, body)
    new = await _new(tx, given, before)
    if before is None:
        [shape] = await _shapes(tx, [await sequences.add_point(tx, given["campaign"].id, new)])
        return Answer(shape, 201)
    if "campaign" in given and given["campaign"].id != before.sequence_id:
        raise Rejected({"campaign": ["Cannot change campaign for existing events"]})
    if before.scheduling:
        raise across("Cannot modify events which are currently being scheduled.")
    [shape] = await _shapes(tx, [await sequences.change_point(tx, before.id, new)])
    return shape


@rapidpro.delete("/campaign_events.json", raises=(NotFound,))
async def delete_event(tx: Tx, call: Call, query: EventLookup) -> None:
    """Delete an event. What was due does not come."""
    point = await _found(tx, reading.uuid_lookup(call, required=True))
    await sequences.delete_point(tx, point.id)


async def _new(tx: Tx, given: dict[str, Any], before: Point | None) -> NewPoint:
    message, flow = given.get("message"), given.get("flow")
    if (message is None) is (flow is None):
        raise across("Flow or a message text required.")
    language = (await accounts.current(tx)).languages[0]
    if message is not None and language not in message:
        raise Rejected({"message": ["Message text in default flow language is required."]})
    return NewPoint(
        relative_to=given["relative_to"][0],
        distance=given["offset"],
        unit=given["unit"],
        delivery_hour=given["delivery_hour"],
        start_mode=before.start_mode if before else "interrupt",
        flow_id=flow.id if flow else None,
        message=message,
        base_language=language if message else None,
    )


async def _found(tx: Tx, uuid: UUID | None) -> Point:
    """An event of a campaign that is in use."""
    point = (await sequences.points_by_uuid(tx, [uuid])).get(uuid) if uuid else None
    if point is None or (await sequences.get(tx, point.sequence_id)).archived:
        raise NotFound("campaign event", uuid)
    return point


def _is_wanted(campaign: Series, text: str | None) -> bool:
    return not text or text == campaign.name or reading.loose_uuid(text) == campaign.uuid


async def _shapes(tx: Tx, points: Sequence[Point]) -> list[EventOut]:
    titles = await listing.titles(tx, {point.flow_id for point in points if point.flow_id})
    names = SYSTEM_DATES | {each.key: each.label for each in await fields.all(tx)}
    return [_shape(point, titles, names.get(point.relative_to, point.relative_to)) for point in points]


def _shape(point: Point, titles: Mapping[int, listing.Titled], name: str) -> EventOut:
    flow = titles.get(point.flow_id or 0)
    return EventOut(
        uuid=point.uuid,
        campaign=Ref(point.sequence_uuid, point.sequence_name),
        relative_to=DateOut(point.relative_to, name, name),
        offset=point.distance,
        unit=point.unit,
        delivery_hour=point.delivery_hour,
        flow=Ref(flow.uuid, flow.name) if flow else None,
        message=point.message,
        created_on=moment(point.created_at),
    )


def _place(point: Point) -> Place:
    return point.created_at, point.id
