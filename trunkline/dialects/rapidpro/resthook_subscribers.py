"""Subscribers of resthooks: addresses that are told when a flow calls one."""

from typing import Annotated

from msgspec import Meta, Struct

from trunkline.core.egress import BadUrl
from trunkline.core.errors import Conflict, NotFound
from trunkline.dialects.base import Answer, Call, Paged, Tx
from trunkline.dialects.rapidpro import lists, reading
from trunkline.dialects.rapidpro.dialect import rapidpro
from trunkline.dialects.rapidpro.errors import Rejected, across
from trunkline.dialects.rapidpro.fields import Link, Text
from trunkline.dialects.rapidpro.reading import Body
from trunkline.dialects.rapidpro.wire import Moment, moment
from trunkline.dialects.walking import Place, Walk
from trunkline.webhooks import resthooks
from trunkline.webhooks.resthooks import Subscriber

FORM = {
    "resthook": Text("The slug of the resthook.", most=50),
    "target_url": Link("The address that gets a POST for every event."),
}


class SubscriberOut(Struct, frozen=True):
    id: int
    resthook: str
    target_url: str
    created_on: Moment


class SubscriberQuery(Struct):
    id: Annotated[str | None, Meta(description="Only the subscriber with this id.")] = None
    resthook: Annotated[str | None, Meta(description="Only subscribers of the resthook with this slug.")] = None


class SubscriberLookup(Struct):
    id: Annotated[str | None, Meta(description="The subscriber to delete.")] = None


@rapidpro.get("/resthook_subscribers.json")
async def list_subscribers(tx: Tx, walk: Walk, query: SubscriberQuery) -> Paged[SubscriberOut]:
    """List the subscribers of your resthooks, the newest first."""
    id = reading.whole(query.id)
    found = [each for each in await resthooks.subscribers(tx, query.resthook or None) if id in (None, each.id)]
    page = await walk.page(lists.walked(found, _place), _place)
    return Paged([_shape(each) for each in page.rows], next=page.next, previous=page.previous)


@rapidpro.post("/resthook_subscribers.json", fields=FORM, status=201)
async def create_subscriber(tx: Tx, call: Call, body: Body) -> Answer[SubscriberOut]:
    """Have an address told of every event of a resthook. One that answers 410 is forgotten."""
    given = await reading.read(tx, call, FORM, body)
    slug, url = given["resthook"], given["target_url"]
    try:
        made = await resthooks.subscribe(tx, slug, url, egress=call.database.tools.egress)
    except NotFound:
        raise Rejected({"resthook": [f"No resthook with slug: {slug}"]}) from None
    except BadUrl as error:
        raise Rejected({"target_url": [str(error)]}) from None
    except Conflict:
        raise across("URL is already subscribed to this event.") from None
    return Answer(_shape(made), 201)


@rapidpro.delete("/resthook_subscribers.json", raises=(NotFound,))
async def delete_subscriber(tx: Tx, call: Call, query: SubscriberLookup) -> None:
    """Delete a subscriber."""
    reading.lookup(call, "id", required=True)
    await resthooks.unsubscribe(tx, reading.whole(query.id) or 0)


def _shape(subscriber: Subscriber) -> SubscriberOut:
    return SubscriberOut(subscriber.id, subscriber.slug, subscriber.url, moment(subscriber.created_at))


def _place(subscriber: Subscriber) -> Place:
    return subscriber.created_at, subscriber.id
