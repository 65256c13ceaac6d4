"""Runs: who went through which flow, by which way, and what came of it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from trunkline.accounts import accounts, settings
from trunkline.contacts import named, people, refs
from trunkline.contacts.named import Named
from trunkline.core import phones
from trunkline.dialects.base import Call, Paged, Tx
from trunkline.dialects.rapidpro import reading
from trunkline.dialects.rapidpro.contact_shapes import MASK
from trunkline.dialects.rapidpro.dialect import rapidpro
from trunkline.dialects.rapidpro.wire import Moment, Ref, moment, moment_or_none
from trunkline.dialects.walking import Place, Walk
from trunkline.flows import runs, stored
from trunkline.flows.runs import Filter, Run

OFFICIAL = "rapidpro-python/"
SIX_DIGITS = len("2016-10-13T11:54:32.525277Z")


class RunContactOut(Struct, frozen=True):
    """`ref` and `anon_display` are told where addresses are hidden."""

    uuid: UUID
    name: str | None
    urn: str | None
    urn_display: str | None
    ref: str | UnsetType = UNSET
    anon_display: str | UnsetType = UNSET


class StartRefOut(Struct, frozen=True):
    uuid: UUID


class StepOut(Struct, frozen=True):
    node: UUID
    time: Moment


class ValueOut(Struct, frozen=True):
    name: str
    value: str
    category: str | None
    node: str
    time: Moment
    input: str | None


class RunOut(Struct, frozen=True):
    uuid: UUID
    flow: Ref
    contact: RunContactOut | None
    start: StartRefOut | None
    responded: bool
    path: list[StepOut] | None
    values: dict[str, ValueOut]
    created_on: Moment
    modified_on: Moment
    exited_on: Moment | None
    exit_type: str | None
    id: int


class RunQuery(Struct):
    uuid: Annotated[str | None, Meta(description="Only the run with this UUID.")] = None
    id: Annotated[str | None, Meta(description="Only the run with this number.")] = None
    flow: Annotated[str | None, Meta(description="Only runs of the flow with this UUID.")] = None
    contact: Annotated[str | None, Meta(description="Only runs of the contact with this UUID.")] = None
    responded: Annotated[str | None, Meta(description="true: only runs in which the contact answered.")] = None
    before: Annotated[str | None, Meta(description="Changed at this time or before.")] = None
    after: Annotated[str | None, Meta(description="Changed at this time or after.")] = None
    reverse: Annotated[str | None, Meta(description="true: the oldest change first.")] = None
    paths: Annotated[str | None, Meta(description="false: without the paths.")] = None


@rapidpro.get("/runs.json")
async def list_runs(tx: Tx, call: Call, walk: Walk, query: RunQuery) -> Paged[RunOut]:
    """List the runs of your flows, the last changed first, with their paths and values."""
    reading.exclusive(call, "contact", "flow")
    filter = await _filter(tx, query)
    if filter is None:
        return Paged([])
    page = await walk.page(
        lambda span: runs.page(tx, filter, cursor=span.after, limit=span.limit, oldest_first=span.oldest_first),
        _place,
        oldest_first=reading.flag(query.reverse) or False,
    )
    # The official client cannot read a path that is null.
    without: Any = [] if OFFICIAL in (call.header("user-agent") or "") else None
    paths = reading.flag(query.paths) is not False
    return Paged(await _shapes(tx, page.rows, paths, without), next=page.next, previous=page.previous)


async def _filter(tx: Tx, query: RunQuery) -> Filter | None:
    """None when nothing can be found."""
    uuid, id, flow = reading.uuid(query.uuid), reading.whole(query.id), reading.uuid(query.flow, "flow")
    after, before = reading.between(query.after, query.before)
    flow_id = contact_id = None
    if flow is not None:
        found = (await stored.by_uuid(tx, [flow])).get(flow)
        if found is None:
            return None
        flow_id = found.id
    if query.contact:
        contact = reading.loose_uuid(query.contact)
        known = (await people.by_uuid(tx, [contact])).get(contact) if contact else None
        if known is None:
            return None
        contact_id = known.id
    return Filter(
        uuid=uuid,
        id=id,
        flow_id=flow_id,
        contact_id=contact_id,
        responded=reading.flag(query.responded) or False,
        after=after,
        before=before,
    )


async def _shapes(tx: Tx, rows: Sequence[Run], paths: bool, without: Any) -> list[RunOut]:
    anon = settings.value(await accounts.current(tx), "anon")
    contacts = {
        id: _contact(contact, anon) for id, contact in (await named.of(tx, {row.contact_id for row in rows})).items()
    }
    return [_shape(row, contacts, _path(row) if paths else without) for row in rows]


def _shape(run: Run, contacts: Mapping[int, RunContactOut], path: list[StepOut] | None) -> RunOut:
    return RunOut(
        uuid=run.uuid,
        flow=Ref(run.flow_uuid, run.flow_name),
        contact=contacts.get(run.contact_id),
        start=StartRefOut(run.start_uuid) if run.start_uuid else None,
        responded=run.responded,
        path=path,
        values={key: _value(result) for key, result in run.results.items()},
        created_on=moment(run.created_at),
        modified_on=moment(run.modified_at),
        exited_on=moment_or_none(run.exited_at),
        exit_type=None if run.status in runs.OPEN else run.status,
        id=run.id,
    )


def _path(run: Run) -> list[StepOut]:
    return [StepOut(node, moment(at)) for node, at in zip(run.nodes, run.arrivals, strict=True)]


def _value(result: Mapping[str, Any]) -> ValueOut:
    return ValueOut(
        name=result["name"],
        value=result["value"],
        category=result.get("category") or None,
        node=result["node_uuid"],
        time=_time(result["created_on"]),
        input=result.get("input") or None,
    )


def _time(kept: str) -> Any:
    """Most are kept as they are told."""
    return kept if len(kept) == SIX_DIGITS and kept[-1] == "Z" else moment(datetime.fromisoformat(kept))


def _contact(contact: Named, anon: bool) -> RunContactOut:
    urn = contact.urn
    if anon:
        ref = refs.of(contact.id)
        hidden = f"{urn.scheme}:{MASK}" if urn else None
        return RunContactOut(contact.uuid, contact.name, hidden, None, ref, contact.name or ref)
    shown = phones.national(urn.path) if urn and urn.scheme == "tel" else urn.path if urn else None
    return RunContactOut(contact.uuid, contact.name, str(urn) if urn else None, shown)


def _place(run: Run) -> Place:
    return run.modified_at, run.id
