"""Events of resthooks: what subscribers were told."""

from typing import Annotated, Any

from msgspec import Meta, Struct

from trunkline.dialects.base import Paged, Tx
from trunkline.dialects.rapidpro.dialect import rapidpro
from trunkline.dialects.rapidpro.wire import Moment, moment
from trunkline.dialects.walking import Place, Walk
from trunkline.webhooks import resthooks
from trunkline.webhooks.resthooks import Occurrence


class ResthookEventOut(Struct, frozen=True):
    """`data` is the body that subscribers got."""

    resthook: str
    data: dict[str, Any]
    created_on: Moment


class ResthookEventQuery(Struct):
    resthook: Annotated[str | None, Meta(description="Only events of the resthook with this slug.")] = None


@rapidpro.get("/resthook_events.json")
async def list_resthook_events(tx: Tx, walk: Walk, query: ResthookEventQuery) -> Paged[ResthookEventOut]:
    """List what your resthooks told lately, the newest first."""
    page = await walk.page(
        lambda span: resthooks.events(
            tx, query.resthook or None, after=span.after, limit=span.limit, oldest_first=span.oldest_first
        ),
        _place,
    )
    return Paged([_shape(each) for each in page.rows], next=page.next, previous=page.previous)


def _shape(event: Occurrence) -> ResthookEventOut:
    return ResthookEventOut(event.slug, event.data, moment(event.created_at))


def _place(event: Occurrence) -> Place:
    return event.created_at, event.id
