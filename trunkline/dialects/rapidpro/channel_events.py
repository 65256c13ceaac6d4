"""What happens on channels besides messages."""

from typing import Annotated, Any

from msgspec import Meta, Struct

from trunkline.contacts import people
from trunkline.core.db import Tx
from trunkline.dialects.base import Paged
from trunkline.dialects.rapidpro import reading
from trunkline.dialects.rapidpro.dialect import rapidpro
from trunkline.dialects.rapidpro.wire import Moment, Ref, moment
from trunkline.dialects.walking import Place, Walk
from trunkline.messaging import channel_events
from trunkline.messaging.channel_events import Occurred


class ChannelEventOut(Struct, frozen=True):
    id: int
    type: str
    contact: Ref
    channel: Ref
    extra: dict[str, Any]
    occurred_on: Moment
    created_on: Moment


class ChannelEventQuery(Struct):
    id: Annotated[str | None, Meta(description="Only the event with this number.")] = None
    contact: Annotated[str | None, Meta(description="Only events of this contact, by UUID.")] = None
    before: Annotated[str | None, Meta(description="Stored at this time or before.")] = None
    after: Annotated[str | None, Meta(description="Stored at this time or after.")] = None


@rapidpro.get("/channel_events.json")
async def list_channel_events(tx: Tx, walk: Walk, query: ChannelEventQuery) -> Paged[ChannelEventOut]:
    """List calls, referrals, opt-ins and the like of the last 90 days, the newest first."""
    after, before = reading.between(query.after, query.before)
    id, contact = reading.whole(query.id), None
    if query.contact:
        uuid = reading.loose_uuid(query.contact)
        contact = next((each.id for each in (await people.by_uuid(tx, [uuid]) if uuid else {}).values()), None)
        if contact is None:
            return Paged([])
    page = await walk.page(
        lambda span: channel_events.page(
            tx, id=id, contact=contact, after=after, before=before, beyond=span.after, limit=span.limit,
            oldest_first=span.oldest_first,
        ),
        _place,
    )  # fmt: skip
    return Paged([_shape(each) for each in page.rows], next=page.next, previous=page.previous)


def _shape(event: Occurred) -> ChannelEventOut:
    return ChannelEventOut(
        id=event.id,
        type=event.type.replace("_", "-"),
        contact=Ref(event.contact_uuid, event.contact_name or None),
        channel=Ref(event.channel_uuid, event.channel_name),
        extra=event.extra,
        occurred_on=moment(event.occurred_at),
        created_on=moment(event.created_at),
    )


def _place(event: Occurred) -> Place:
    return event.created_at, event.id
