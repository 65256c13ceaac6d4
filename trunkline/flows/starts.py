"""Starts: a flow for many contacts at once. Who they are is worked out from the row; how far it came is counted.

A row with a `message` sends that instead of starting the flow that it came from; flow 0 is none.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec
from msgspec import Struct

from trunkline.contacts import people
from trunkline.contacts.records import NewContact
from trunkline.core import urns
from trunkline.core.db import Tx, sql
from trunkline.core.errors import Invalid, NotFound
from trunkline.core.ids import new_uuid
from trunkline.core.urns import BadUrn, Urn
from trunkline.flows import events, ringing
from trunkline.flows.facts import StartChanged
from trunkline.flows.outcomes import Done
from trunkline.flows.stock import Stock

Origin = Literal["ui", "api", "zapier", "flow", "trigger"]

RUNNING = ("pending", "queued", "started")


class Start(Struct, frozen=True):
    """`total` is final when `expanded`; `started` counts contacts that had their turn."""

    id: int
    uuid: UUID
    flow_id: int
    message: dict[str, Any] | None
    broadcast_id: int | None
    origin: Origin
    status: str
    groups: list[int]
    contacts: list[int]
    query: str | None
    exclude_groups: list[int]
    exclude_in_flow: bool
    exclude_started: bool
    params: dict[str, Any] | None
    run_summary: dict[str, Any] | None
    history: dict[str, Any] | None
    cursor: int
    expanded: bool
    total: int
    failure: str | None
    created_by: str
    created_at: datetime
    modified_at: datetime
    started: int

    @property
    def total_known(self) -> int | None:
        return self.total if self.expanded else None


class NewStart(Struct, frozen=True, kw_only=True):
    """Groups and contacts by id. `exclude_started` leaves out who was in this flow before."""

    flow_id: int
    origin: Origin = "api"
    groups: Sequence[int] = ()
    contacts: Sequence[int] = ()
    urns: Sequence[Urn] = ()
    query: str | None = None
    exclude_groups: Sequence[int] = ()
    exclude_in_flow: bool = False
    exclude_started: bool = False
    create_contact: bool = False
    params: Mapping[str, Any] | None = None
    run_summary: Mapping[str, Any] | None = None
    history: Mapping[str, Any] | None = None
    message: Mapping[str, Any] | None = None
    numbered: bool = False
    """Whether its message counts among the broadcasts."""


async def create(tx: Tx, new: NewStart) -> Start:
    """Begin a start; contacts enter the flow as the workers come to them. Unknown addresses become contacts."""
    [start] = await create_many(tx, [new])
    return start


async def create_many(tx: Tx, wanted: Sequence[NewStart]) -> list[Start]:
    if not wanted:
        return []
    rows = [await _row(tx, new) for new in wanted]
    ids = await tx.column(int, INSERT, tx.account, tx.actor, *(list(column) for column in zip(*rows, strict=True)))
    for id in ids:
        tx.record(StartChanged(id, "pending"))
    return await get_many(tx, ids)


async def get(tx: Tx, id: int) -> Start:
    found = await get_many(tx, [id])
    if not found:
        raise NotFound("start", id)
    return found[0]


async def get_many(tx: Tx, ids: Sequence[int]) -> list[Start]:
    return await tx.fetch(Start, BY_IDS, tx.account, [id for id in ids if 0 < id < 2**63])


async def page(
    tx: Tx,
    *,
    uuid: UUID | None = None,
    flow_id: int | None = None,
    origins: Sequence[Origin] = ("ui", "api", "zapier"),
    after: datetime | None = None,
    before: datetime | None = None,
    cursor: tuple[datetime, int] | None = None,
    limit: int = 250,
    oldest_first: bool = False,
) -> list[Start]:
    """By the time of their last change, the newest first; `cursor` is (modified_at, id) of the last one seen."""
    at, id = cursor or (None, None)
    return await tx.fetch(
        Start, PAGE[oldest_first], tx.account, at, id, limit, uuid, list(origins), after, before, flow_id
    )


async def interrupt(tx: Tx, id: int) -> None:
    """Stop a start: who has not had a turn yet will not get one."""
    if await tx.value(int, SET_STATUS, tx.account, id, "interrupted", list(RUNNING)) is None:
        await get(tx, id)
        return
    await ringing.cancel(tx, id)
    tx.record(StartChanged(id, "interrupted"))


async def from_flows(tx: Tx, stock: Stock, happened: Sequence[tuple[Done, events.SessionTriggered]]) -> None:
    """Starts that actions of flows asked for."""
    wanted = []
    for _, event in happened:
        if flow := stock.named(event.flow.uuid):
            recipients = await _recipients(tx, stock, event)
            excluded = bool(event.exclusions.get("in_a_flow"))
            wanted.append(
                NewStart(
                    flow_id=flow.id,
                    origin="flow",
                    exclude_in_flow=excluded,
                    create_contact=event.create_contact,
                    run_summary=event.run_summary,
                    history=event.history,
                    **recipients,
                )
            )
    await create_many(tx, wanted)


async def messages_from_flows(tx: Tx, stock: Stock, happened: Sequence[tuple[Done, events.BroadcastCreated]]) -> None:
    """Messages for many that actions of flows asked for; their texts are evaluated already."""
    wanted = []
    for one, event in happened:
        message: dict[str, Any] = {"translations": event.translations, "base_language": event.base_language}
        if event.template:
            message |= {"template": event.template, "template_variables": event.template_variables}
        recipients = await _recipients(tx, stock, event)
        wanted.append(NewStart(flow_id=one.part.flow_id, origin="flow", message=message, **recipients))
    await create_many(tx, wanted)


async def _recipients(tx: Tx, stock: Stock, event: events.SessionTriggered | events.BroadcastCreated) -> dict[str, Any]:
    uuids = [UUID(contact.uuid) for contact in event.contacts]
    contacts = await people.by_uuid(tx, uuids) if uuids else {}
    return {
        "groups": [stock.groups[group.uuid] for group in event.groups if group.uuid in stock.groups],
        "contacts": [contact.id for contact in contacts.values()],
        "urns": [urn for text in event.urns if (urn := _urn(text))],
        "query": event.contact_query or None,
    }


def _urn(text: str) -> Urn | None:
    try:
        return urns.parse(text)
    except BadUrn:
        return None


async def _row(tx: Tx, new: NewStart) -> tuple[object, ...]:
    contacts = list(new.contacts)
    if new.urns:
        contacts += [id for id, _ in await people.get_or_create(tx, list(new.urns), source="flow")]
    if new.create_contact:
        contacts.append((await people.create(tx, NewContact(source="flow"))).id)
    if not contacts and not new.groups and not new.query:
        raise Invalid(message="Must specify at least one group, contact or URN")
    documents = (new.params, new.run_summary, new.history, new.message)
    return (
        new_uuid(),
        new.flow_id,
        new.origin,
        _array(new.groups),
        _array(sorted(set(contacts))),
        new.query,
        _array(new.exclude_groups),
        new.exclude_in_flow,
        new.exclude_started,
        *(DOCUMENT.encode(one).decode() if one is not None else None for one in documents),
        new.numbered,
    )


def _array(ids: Sequence[int]) -> str:
    """As the database writes an array: one of arrays would have to be rectangular."""
    return "{" + ",".join(map(str, ids)) + "}"


DOCUMENT = msgspec.json.Encoder(decimal_format="number")

_COLUMNS = """s.id, s.uuid, s.flow_id, s.message, s.broadcast_id, s.origin, s.status, s.groups, s.contacts, s.query,
    s.exclude_groups, s.exclude_in_flow, s.exclude_started, s.params, s.run_summary, s.history, s.cursor, s.expanded,
    s.total, s.failure, s.created_by, s.created_at, s.modified_at,
    (select coalesce(sum(t.value), 0)::bigint from tallies t
        where t.account_id = $1 and t.name = 'start:' || s.id) as started"""

INSERT = sql("""
    insert into flow_starts (account_id, created_by, uuid, flow_id, origin, groups, contacts, query, exclude_groups,
        exclude_in_flow, exclude_started, params, run_summary, history, message,
        broadcast_id)
    select $1, $2, uuid, flow_id, origin, groups::bigint[], contacts::bigint[], query, exclude_groups::bigint[],
        exclude_in_flow, exclude_started, params::jsonb, run_summary::jsonb, history::jsonb, message::jsonb,
        case when numbered then nextval('broadcasts_id_seq') end
    from unnest($3::uuid[], $4::bigint[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::boolean[],
        $11::boolean[], $12::text[], $13::text[], $14::text[], $15::text[], $16::boolean[])
        as given (uuid, flow_id, origin, groups, contacts, query, exclude_groups, exclude_in_flow, exclude_started,
        params, run_summary, history, message, numbered)
    returning id
""")

BY_IDS = sql(f"select {_COLUMNS} from flow_starts s where s.account_id = $1 and s.id = any($2::bigint[]) order by s.id")

_BEHIND = {
    True: "(s.modified_at, s.id) > (coalesce($2::timestamptz, '-infinity'), coalesce($3::bigint, 0))",
    False: "(s.modified_at, s.id) < (coalesce($2::timestamptz, 'infinity'), coalesce($3::bigint, 0))",
}

PAGE = {
    oldest_first: sql(f"""
        select {_COLUMNS} from flow_starts s
        where s.account_id = $1 and {behind}
            and s.message is null and ($5::uuid is null or s.uuid = $5) and s.origin = any($6::text[])
            and s.modified_at >= coalesce($7::timestamptz, '-infinity')
            and s.modified_at <= coalesce($8::timestamptz, 'infinity')
            and ($9::bigint is null or s.flow_id = $9)
        order by s.modified_at {"asc" if oldest_first else "desc"}, s.id {"asc" if oldest_first else "desc"} limit $4
    """)
    for oldest_first, behind in _BEHIND.items()
}

SET_STATUS = sql("""
    update flow_starts set status = $3, modified_at = now()
    where account_id = $1 and id = $2 and status = any($4::text[]) returning id
""")
