"""Waiting: who is in a flow and what would wake them. One row per contact, gone as soon as nobody waits."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct

from trunkline.core.db import Tx, sql

LIFETIME = timedelta(days=30)
"""No session waits longer than this after it began."""


class Waiting(Struct, frozen=True):
    """A stored session. `version` is the fence: whoever changes the row leaves a higher one."""

    contact_id: int
    uuid: UUID
    type: str
    flow_id: int
    version: int
    state: bytes
    wait: str
    timeout_at: datetime | None
    expires_at: datetime


class Entry(Struct, frozen=True):
    """A session on its way into the table. `flow_id` and `node` are where it waits."""

    contact_id: int
    uuid: str
    type: str
    flow_id: int
    node: str | None
    state: bytes
    wait: str
    timeout_at: datetime | None
    expires_at: datetime
    created_at: datetime


class Due(Struct, frozen=True):
    account: int
    contact_id: int
    version: int


async def of(tx: Tx, contacts: Sequence[int]) -> dict[int, Waiting]:
    """The waiting session of each contact that has one. Lock the contacts first (see `people_in.lock`)."""
    return {row.contact_id: row for row in await tx.fetch(Waiting, OF, tx.account, list(contacts))}


async def put(tx: Tx, entries: Sequence[Entry]) -> None:
    """Store sessions, each in place of what its contact had."""
    if not entries:
        return
    fields = (
        "contact_id",
        "uuid",
        "type",
        "flow_id",
        "node",
        "state",
        "wait",
        "timeout_at",
        "expires_at",
        "created_at",
    )
    await tx.run(PUT, tx.account, *([getattr(entry, name) for entry in entries] for name in fields))


async def end(tx: Tx, contacts: Iterable[int]) -> list[UUID]:
    """Nobody waits for these contacts any more; returns the sessions that did."""
    ids = list(contacts)
    return await tx.column(UUID, END, tx.account, ids) if ids else []


async def in_flow(tx: Tx, flow: int, after: int, limit: int) -> list[int]:
    """Contacts that wait in a flow, in order, those after `after`."""
    return await tx.column(int, IN_FLOW, tx.account, flow, after, limit)


async def claim(tx: Tx, limit: int, lease_seconds: float) -> list[Due]:
    """Sessions of all accounts whose time has come, by the database's clock, leased; in a system transaction."""
    return await tx.fetch(Due, CLAIM, limit, lease_seconds)


OF = sql("""
    select contact_id, uuid, type, flow_id, version, state, wait, timeout_at, expires_at
    from flow_sessions where account_id = $1 and contact_id = any($2::bigint[])
""")

PUT = sql("""
    insert into flow_sessions as s (account_id, contact_id, uuid, type, flow_id, node, state, wait, timeout_at,
        expires_at, due_at, created_at)
    select $1, contact_id, uuid, type, flow_id, node, state, wait, timeout_at, expires_at,
        least(timeout_at, expires_at), created_at
    from unnest($2::bigint[], $3::uuid[], $4::text[], $5::bigint[], $6::uuid[], $7::bytea[], $8::text[],
        $9::timestamptz[], $10::timestamptz[], $11::timestamptz[])
        as given (contact_id, uuid, type, flow_id, node, state, wait, timeout_at, expires_at, created_at)
    on conflict (account_id, contact_id) do update set uuid = excluded.uuid, type = excluded.type,
        flow_id = excluded.flow_id, node = excluded.node, version = s.version + 1, state = excluded.state,
        wait = excluded.wait, timeout_at = excluded.timeout_at, expires_at = excluded.expires_at,
        due_at = excluded.due_at, created_at = excluded.created_at, modified_at = now()
""")

END = sql("delete from flow_sessions where account_id = $1 and contact_id = any($2::bigint[]) returning uuid")

IN_FLOW = sql("""
    select contact_id from flow_sessions where account_id = $1 and flow_id = $2 and contact_id > $3
    order by contact_id limit $4
""")

CLAIM = sql(
    """
    with due as (
        select account_id, contact_id from flow_sessions where due_at <= now()
        order by due_at limit $1 for update skip locked
    )
    update flow_sessions s set due_at = now() + make_interval(secs => $2)
    from due where s.account_id = due.account_id and s.contact_id = due.contact_id
    returning s.account_id as account, s.contact_id, s.version
    """,
    system=True,
)
