"""Lines: where outbound messages wait, by lane, channel, account and broadcast. Claiming from a line is a lease.

A claim pushes `run_at` forward by the database's clock; that moment together with the message is the fence of
whoever holds it. Lines are found by skipping through the queue's key, so a million rows cost as much as one.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from trunkline.core.db import Database, Tx, sql

LEASE_SECONDS = 30
PACE_MARGIN = 0.97
"""A paced channel stays a little under its rate, so that jitter never breaks a provider's window."""
PACE_SLACK = 0.03
"""Seconds that a paced channel may be ahead of its steady beat. With the margin it makes room for our own delays: in no
second there are more messages than the rate."""


LineKey = tuple[int, int, int, int]
"""Lane, channel, account, broadcast."""


class Line(Struct, frozen=True):
    lane: int
    channel_id: int
    account_id: int
    broadcast_id: int
    rate: float | None
    ready_in: float = 0.0
    """Seconds until a paced channel may go on; a moment at most, else the line is not due."""

    @property
    def key(self) -> LineKey:
        return self.lane, self.channel_id, self.account_id, self.broadcast_id


class Claimed(Struct, frozen=True, gc=False):
    """A leased message with what rendering and sending need. `before` is its status when it was claimed."""

    id: int
    leased_until: datetime
    attempts: int
    before: str
    uuid: UUID
    contact_id: int
    conversation_id: int | None
    scheme: str
    address: str
    body: str | None
    html: str | None
    subject: str | None
    attachments: list[dict[str, Any]] | None
    quick_replies: list[Any] | None
    headers: dict[str, Any] | None
    template_id: int | None
    credits: int
    credit_state: str
    expired: bool
    suppressed: bool
    contact_status: str | None
    waited: float
    """Seconds since it was queued, or since its moment when it was scheduled."""
    variant: int | None = None
    """Which subject of an A/B test it gets, counted from 1."""


async def due(database: Database, limit: int = 256) -> list[Line]:
    """Lines with something to send now, urgent lanes first. None while the installation is held."""
    async with database.system() as tx:
        return await tx.fetch(Line, DUE, limit, PACE_SLACK)


async def claim(tx: Tx, line: Line, limit: int, sends_as: str) -> list[Claimed]:
    """Lease up to `limit` messages of a line. `mark` those that will really be sent before the commit.

    What was being sent already belongs to a worker that died; `before` tells. The messages stay locked until the
    commit, so nobody cancels one that is about to leave. A broadcast that was paused meanwhile gives nothing.
    """
    if line.rate is not None:
        limit = min(limit, await tx.value(int, ALLOWANCE, line.channel_id, interval(line.rate), PACE_SLACK) or 0)
        if limit <= 0:
            return []
    claimed = await tx.fetch(
        Claimed, CLAIM, line.account_id, line.lane, line.channel_id, line.broadcast_id, limit,
        float(LEASE_SECONDS), sends_as,
    )  # fmt: skip
    if line.rate is not None and claimed:
        await tx.run(PACE, line.channel_id, interval(line.rate), len(claimed))
    return claimed


async def mark(tx: Tx, messages: Sequence[Claimed]) -> None:
    """These are being sent: the last word in the database before a message leaves us."""
    await tx.run(MARK, tx.account, [message.id for message in messages], [message.attempts for message in messages])


def interval(rate: float) -> float:
    """Seconds between two messages of a paced channel."""
    return 1 / (rate * PACE_MARGIN)


async def release(tx: Tx, line: Line, held: Sequence[Claimed]) -> None:
    """Take finished messages out of the queue."""
    if held:
        await tx.run(RELEASE, *_place(line), *_fences(held))


async def postpone(tx: Tx, line: Line, held: Sequence[tuple[Claimed, float]]) -> None:
    """Let messages wait again, each for its own number of seconds."""
    messages, seconds = zip(*held, strict=True)
    ids = [message.id for message in messages]
    await tx.run(POSTPONE, *_place(line), *_fences(messages), ids, seconds)


async def renew(tx: Tx, line: Line, held: Sequence[Claimed]) -> dict[int, datetime]:
    """Extend leases of messages that are still being sent; returns the new fence per message."""
    return dict(await tx.rows(RENEW, *_place(line), *_fences(held), float(LEASE_SECONDS)))


def _fences(held: Sequence[Claimed]) -> tuple[list[datetime], list[int]]:
    """The few moments at which the leases end, and whose they are."""
    return list({message.leased_until for message in held}), [message.id for message in held]


async def pause(tx: Tx, channel_id: int, seconds: float) -> None:
    """The provider asked for a rest: nothing is claimed for this channel until then."""
    await tx.run(PAUSE, channel_id, seconds)


def _place(line: Line) -> tuple[int, int, int, int]:
    return line.account_id, line.lane, line.channel_id, line.broadcast_id


DUE = sql(
    """
    with recursive line as (
        (select lane, channel_id, account_id, broadcast_id, run_at from outbound
         order by lane, channel_id, account_id, broadcast_id, run_at limit 1)
        union all
        select next.* from line l cross join lateral (
            select o.lane, o.channel_id, o.account_id, o.broadcast_id, o.run_at from outbound o
            where (o.lane, o.channel_id, o.account_id, o.broadcast_id)
                > (l.lane, l.channel_id, l.account_id, l.broadcast_id)
            order by o.lane, o.channel_id, o.account_id, o.broadcast_id, o.run_at limit 1
        ) next
    )
    select l.lane, l.channel_id, l.account_id, l.broadcast_id, c.rate,
        case when c.rate is null then 0 else greatest(0, coalesce(
            extract(epoch from p.next_at - clock_timestamp()) - $2::float8, 0)) end::float8 as ready_in
    from line l
    join accounts a on a.id = l.account_id and not a.suspended and a.deleted_at is null
    left join channels c on c.id = l.channel_id and c.account_id in (l.account_id, 0) and c.active
    left join broadcasts b on b.account_id = l.account_id and b.id = l.broadcast_id
    left join paces p on p.channel_id = l.channel_id
    where l.run_at <= clock_timestamp()
        and (l.broadcast_id = 0 or b.status = 'sending')
        and (p.paused_until is null or p.paused_until <= clock_timestamp())
        and (c.rate is null or p.next_at is null or p.next_at <= clock_timestamp() + interval '0.5 seconds')
        and not exists (select from installation where name = 'held' and value = 'true')
    order by l.lane, l.run_at limit $1
    """,
    system=True,
)

# What is locked stays where it lies, so it is found again by its place.
CLAIM = sql("""
    with due as materialized (
        select ctid, id from outbound
        where account_id = $1 and lane = $2 and channel_id = $3 and broadcast_id = $4 and run_at <= clock_timestamp()
            and ($4 = 0 or exists (select from broadcasts where account_id = $1 and id = $4 and status = 'sending'))
        order by run_at, id limit $5 for update skip locked
    ), leased as (
        update outbound o set run_at = now() + make_interval(secs => $6), attempts = o.attempts + 1
        from due
        where o.account_id = $1 and o.ctid = due.ctid and o.id = due.id
        returning o.id, o.run_at, o.attempts
    )
    select l.id, l.run_at as leased_until, l.attempts, m.status as before, m.uuid, m.contact_id, m.conversation_id,
        m.scheme, m.address, m.body, m.html, m.subject, m.attachments, m.quick_replies, m.headers,
        m.template_id, m.credits, m.credit_state, coalesce(m.expires_at <= now(), false) as expired,
        exists (select from suppressions s where s.account_id = $1 and s.kind = $7
            and s.address = case m.scheme when 'whatsapp' then '+' || m.address else m.address end) as suppressed,
        (select c.status from contacts c where c.account_id = $1 and c.id = m.contact_id and c.deleted_at is null)
            as contact_status,
        greatest(0, extract(epoch from clock_timestamp() - coalesce(m.scheduled_at, m.created_at)))::float8 as waited,
        m.variant
    from leased l
    join messages m on m.account_id = $1 and m.id = l.id
    order by l.id for update of m
""")

MARK = sql("""
    update messages m set status = 'sending', attempts = s.attempts
    from unnest($2::bigint[], $3::int[]) as s (id, attempts)
    where m.account_id = $1 and m.id = any($2) and m.id = s.id
""")

ALLOWANCE = sql("""
    with lock as (
        insert into paces (channel_id) values ($1)
        on conflict (channel_id) do update set channel_id = excluded.channel_id returning next_at
    )
    select floor(($3::float8 - greatest(0, extract(epoch from next_at - clock_timestamp()))) / $2::float8)::int + 1
    from lock
""")

PACE = sql("""
    update paces set next_at = greatest(next_at, clock_timestamp()) + make_interval(secs => $2::float8 * $3::int)
    where channel_id = $1
""")

# Arrays instead of a join: the planner, whose statistics of a queue are always old, must walk the key.
_HELD = """
    where o.account_id = $1 and o.lane = $2 and o.channel_id = $3 and o.broadcast_id = $4
        and o.run_at = any($5::timestamptz[]) and o.id = any($6::bigint[])
"""

RELEASE = sql("delete from outbound o" + _HELD)

POSTPONE = sql(
    "update outbound o set run_at = clock_timestamp() + make_interval(secs => again.seconds)"
    " from unnest($7::bigint[], $8::float8[]) as again (id, seconds)" + _HELD + "and again.id = o.id"
)

RENEW = sql("update outbound o set run_at = now() + make_interval(secs => $7)" + _HELD + "returning o.id, o.run_at")

PAUSE = sql("""
    insert into paces (channel_id, paused_until) values ($1, clock_timestamp() + make_interval(secs => $2))
    on conflict (channel_id) do update set paused_until = excluded.paused_until
""")
