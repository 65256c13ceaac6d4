"""Resthooks: names under which flows tell programs what happened."""

from typing import Annotated

from msgspec import Meta, Struct

from trunkline.dialects.base import Paged, Tx
from trunkline.dialects.rapidpro import lists, reading
from trunkline.dialects.rapidpro.dialect import rapidpro
from trunkline.dialects.rapidpro.wire import Moment, moment
from trunkline.dialects.walking import Place, Walk
from trunkline.webhooks import resthooks
from trunkline.webhooks.resthooks import Resthook


class ResthookOut(Struct, frozen=True):
    resthook: str
    modified_on: Moment
    created_on: Moment


class ResthookQuery(Struct):
    reverse: Annotated[str | None, Meta(description="true: the oldest change first.")] = None


@rapidpro.get("/resthooks.json")
async def list_resthooks(tx: Tx, walk: Walk, query: ResthookQuery) -> Paged[ResthookOut]:
    """List the resthooks of your workspace, the last changed first. A flow that calls a new one makes it."""
    found = await resthooks.all_of(tx)
    page = await walk.page(lists.walked(found, _place), _place, oldest_first=reading.flag(query.reverse) or False)
    return Paged([_shape(each) for each in page.rows], next=page.next, previous=page.previous)


def _shape(hook: Resthook) -> ResthookOut:
    return ResthookOut(hook.slug, moment(hook.modified_at), moment(hook.created_at))


def _place(hook: Resthook) -> Place:
    return hook.modified_at, hook.id
