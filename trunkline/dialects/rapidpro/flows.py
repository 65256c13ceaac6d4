"""Flows."""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta, Struct

from trunkline.dialects.base import Paged, Tx
from trunkline.dialects.rapidpro import reading
from trunkline.dialects.rapidpro.dialect import rapidpro
from trunkline.dialects.rapidpro.wire import Moment, Ref, moment
from trunkline.dialects.walking import Place, Walk
from trunkline.flows import listing, runs
from trunkline.flows.listing import Filter
from trunkline.flows.stored import Stored

TYPES = {
    "message": "messaging",
    "voice": "voice",
    "background": "messaging_background",
    "survey": "messaging_offline",
}
SHOWN = {ours: theirs for theirs, ours in TYPES.items()}


class RunsOut(Struct, frozen=True):
    """How many runs are in which state."""

    active: int
    waiting: int
    completed: int
    interrupted: int
    expired: int
    failed: int


class ResultOut(Struct, frozen=True):
    key: str
    name: str
    categories: list[str]
    node_uuids: list[str]


class FlowOut(Struct, frozen=True):
    """`expires` are the minutes after which a contact who does not answer leaves."""

    uuid: UUID
    name: str
    type: str
    archived: bool
    labels: list[Ref]
    expires: int
    runs: RunsOut
    results: list[ResultOut]
    parent_refs: list[str]
    created_on: Moment
    modified_on: Moment


class FlowQuery(Struct):
    uuid: Annotated[str | None, Meta(description="Only the flow with this UUID.")] = None
    type: Annotated[str | None, Meta(description="Only flows of this type: message, voice, background or survey.")] = (
        None
    )
    archived: Annotated[str | None, Meta(description="true: only archived flows; false: only the others.")] = None
    before: Annotated[str | None, Meta(description="Changed at this time or before.")] = None
    after: Annotated[str | None, Meta(description="Changed at this time or after.")] = None


@rapidpro.get("/flows.json")
async def list_flows(tx: Tx, walk: Walk, query: FlowQuery) -> Paged[FlowOut]:
    """List the flows of your workspace, the newest first, with what they save and how many runs they have."""
    after, before = reading.between(query.after, query.before)
    filter = Filter(
        uuid=reading.uuid(query.uuid),
        type=TYPES.get(query.type) if query.type else None,
        archived=reading.flag(query.archived),
        since=after,
        until=before,
    )
    if query.type and filter.type is None:
        return Paged([])
    page = await walk.page(
        lambda span: listing.page(tx, filter, after=span.after, limit=span.limit, oldest_first=span.oldest_first),
        _place,
    )
    counts = await runs.counts(tx, [flow.id for flow in page.rows])
    return Paged([_shape(flow, counts[flow.id]) for flow in page.rows], next=page.next, previous=page.previous)


def _shape(flow: Stored, counts: Mapping[str, int]) -> FlowOut:
    return FlowOut(
        uuid=flow.uuid,
        name=flow.name,
        type=SHOWN[flow.type],
        archived=flow.archived,
        labels=[],
        expires=flow.expires_after if flow.type in ("messaging", "voice") else 0,
        runs=RunsOut(**counts),
        results=[_result(each) for each in flow.info.get("results", ())],
        parent_refs=flow.info.get("parent_refs", []),
        created_on=moment(flow.created_at),
        modified_on=moment(flow.modified_at),
    )


def _result(result: Mapping[str, Any]) -> ResultOut:
    return ResultOut(result["key"], result["name"], result["categories"], result["node_uuids"])


def _place(flow: Stored) -> Place:
    return flow.created_at, flow.id
