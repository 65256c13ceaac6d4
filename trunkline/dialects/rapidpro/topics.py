"""Topics: what tickets are about."""

from collections.abc import Awaitable
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from trunkline.core.db import Tx
from trunkline.core.errors import Invalid, NotFound
from trunkline.dialects.base import Answer, Call, Paged
from trunkline.dialects.rapidpro import lists, reading
from trunkline.dialects.rapidpro.dialect import rapidpro
from trunkline.dialects.rapidpro.errors import Rejected, SystemObject
from trunkline.dialects.rapidpro.fields import Text, name_rules
from trunkline.dialects.rapidpro.reading import Body
from trunkline.dialects.rapidpro.wire import Moment, moment
from trunkline.dialects.walking import Place, Walk
from trunkline.inbox import topics
from trunkline.inbox.topics import MAX_LENGTH, MAX_TOPICS, Topic

FORM = {"name": Text("The name of the topic.", most=MAX_LENGTH, rules=name_rules(MAX_LENGTH))}


class Counts(Struct, frozen=True):
    open: int
    closed: int


class TopicOut(Struct, frozen=True):
    """`counts` are tickets."""

    uuid: UUID
    name: str
    counts: Counts
    system: bool
    created_on: Moment


class TopicLookup(Struct):
    uuid: Annotated[str | None, Meta(description="The topic to change; without it a new one is made.")] = None


@rapidpro.get("/topics.json")
async def list_topics(tx: Tx, walk: Walk) -> Paged[TopicOut]:
    """List the topics of your tickets. General is always there."""
    page = await walk.page(lists.walked(await topics.all_of(tx), _place), _place)
    counts = await topics.counts(tx)
    rows = [_shape(each, counts.get(each.id, {})) for each in page.rows]
    return Paged(rows, next=page.next, previous=page.previous)


@rapidpro.post("/topics.json", fields=FORM, raises=(NotFound,), answers={201: TopicOut})
async def write_topic(tx: Tx, call: Call, body: Body, query: TopicLookup) -> TopicOut | Answer[TopicOut]:
    """Create a topic, or rename one."""
    uuid = reading.uuid_lookup(call)
    if uuid is None:
        reading.refuse_full(sum(not each.is_default for each in await topics.all_of(tx)), MAX_TOPICS)
        name = (await reading.read(tx, call, FORM, body))["name"]
        return Answer(_shape(await _unique(topics.create(tx, name)), {}), 201)
    topic = await topics.by_uuid(tx, uuid)
    if topic.is_default:
        raise SystemObject("modify")
    name = (await reading.read(tx, call, FORM, body))["name"]
    renamed = await _unique(topics.rename(tx, topic, name))
    return _shape(renamed, (await topics.counts(tx)).get(topic.id, {}))


async def _unique(writing: Awaitable[Topic]) -> Topic:
    """All else about the name was checked before."""
    try:
        return await writing
    except Invalid:
        raise Rejected({"name": ["This field must be unique."]}) from None


def _shape(topic: Topic, counts: dict[str, int]) -> TopicOut:
    return TopicOut(
        uuid=topic.uuid,
        name=topic.name,
        counts=Counts(counts.get("open", 0), counts.get("closed", 0)),
        system=topic.is_default,
        created_on=moment(topic.created_at),
    )


def _place(topic: Topic) -> Place:
    return topic.created_at, topic.id
