"""Statuses: what became of messages. Evidence only moves forward; credits and counts follow in the same transaction.

queued, sending and errored belong to the sender; unknown, sent, delivered, read and failed are evidence. A later
`sent` or `delivered` beats `failed` as long as the message was not known to be sent; `delivered` beats every
`failed`, `read` beats all; `canceled` is final.
"""

from collections import Counter
from collections.abc import Sequence
from operator import itemgetter

from msgspec import Struct

from trunkline.billing import credits
from trunkline.channels.base import Status
from trunkline.core.db import Tx, column, sql
from trunkline.messaging.events import MessagesChanged


class Change(Struct, frozen=True, gc=False):
    """One piece of evidence about a message of this account."""

    id: int
    status: str
    external_id: str | None = None
    reason: str | None = None
    error: str | None = None
    provider_code: str | None = None


class Move(Struct, frozen=True, gc=False):
    """Messages that really moved, all alike, before and after: most of a batch have one move."""

    ids: list[int]
    before: str
    status: str
    conversation_id: int | None
    broadcast_id: int | None
    credits: int
    credit_before: str
    credit_state: str
    reason: str | None
    reason_before: str | None
    handed_over: bool
    variant: int | None
    calls_back: bool
    moved: bool


async def apply_many(tx: Tx, changes: Sequence[Change]) -> list[Move]:
    """Apply evidence in bulk and return what moved. Repeats and stale reports change nothing."""
    moves = [move for wave in _waves(changes) for move in await _apply(tx, wave)]
    if moves:
        await _settle(tx, moves)
        await _count(tx, moves)
        rows = [(id, m.status, m.conversation_id, m.broadcast_id, m.reason) for m in moves for id in m.ids]
        calling = sorted({id for m in moves if m.calls_back for id in m.ids})
        taken = sorted(id for m in moves if _is_taken_now(m) for id in m.ids)
        tx.record(MessagesChanged(sorted(rows, key=itemgetter(0)), calling, taken))
    return moves


class Reported(Struct, frozen=True):
    """What delivery reports moved, and those that name no message of ours, or none yet."""

    moves: list[Move]
    unknown: list[Status]


async def report(tx: Tx, channel_id: int, statuses: Sequence[Status]) -> Reported:
    """Delivery reports of a channel. A report may only touch messages of this channel and account."""
    ids = await tx.rows(
        REPORTED,
        tx.account,
        channel_id,
        [s.external_id or "" for s in statuses],
        [s.message_id or 0 for s in statuses],
    )
    found: dict[int, int | None] = dict(ids)
    changes = [
        Change(id, s.status, s.external_id, s.reason, s.detail, s.code)
        for n, s in enumerate(statuses, start=1)
        if (id := found.get(n))
    ]
    return Reported(await apply_many(tx, changes), [s for n, s in enumerate(statuses, start=1) if not found.get(n)])


async def stats(tx: Tx) -> dict[str, int]:
    """Messages of this account per state, every state named."""
    counted: dict[str, int] = dict(await tx.rows(STATS, tx.account))
    return {state: counted.get(state, 0) for state in STATES}


STATES = (
    "queued", "sending", "errored", "unknown", "sent", "delivered", "read", "failed", "canceled", "received", "handled",
)  # fmt: skip


def _waves(changes: Sequence[Change]) -> list[list[Change]]:
    """Evidence about one message in its order; each wave has a message once."""
    if len({change.id for change in changes}) == len(changes):  # as nearly always
        return [list(changes)] if changes else []
    waves: list[list[Change]] = []
    seen: Counter[int] = Counter()
    for change in changes:
        if seen[change.id] == len(waves):
            waves.append([])
        waves[seen[change.id]].append(change)
        seen[change.id] += 1
    return waves


async def _apply(tx: Tx, wave: list[Change]) -> list[Move]:
    moves: list[Move] = []
    while wave:
        wave = sorted(wave, key=lambda change: change.id)  # all who write several lock them in one order
        columns = [column(values) for values in zip(*map(_row, wave), strict=True)]
        found = await tx.fetch(Move, APPLY, tx.account, *columns)
        moves += [move for move in found if move.moved]
        raced = {id for move in found if not move.moved for id in move.ids}
        # Somebody else wrote between our look and our write: judge again by what is there now.
        wave = [change for change in wave if change.id in raced]
    return moves


def _row(change: Change) -> tuple[object, ...]:
    return change.id, change.status, change.external_id, change.reason, change.error, change.provider_code


async def _settle(tx: Tx, moves: list[Move]) -> None:
    """Move the credits of a batch in at most four entries."""
    sums: Counter[tuple[str, str]] = Counter()
    for m in moves:
        if m.credit_before != m.credit_state:
            sums[m.credit_before, m.credit_state] += m.credits * len(m.ids)
    reference = f"message:{min(min(m.ids) for m in moves)}"
    if amount := sums["reserved", "captured"]:
        await credits.capture(tx, amount, "messages", reference)
    if amount := sums["reserved", "refunded"]:
        await credits.refund(tx, amount, "messages", reference)
    if amount := sums["captured", "refunded"]:
        await credits.refund_spent(tx, amount, "messages", reference)
    if amount := sums["refunded", "captured"]:
        await credits.recapture(tx, amount, "messages", reference)


async def _count(tx: Tx, moves: list[Move]) -> None:
    """Progress of broadcasts, as deltas: nobody scans messages to draw a bar."""
    deltas: Counter[str] = Counter()
    for m in moves:
        if m.broadcast_id is None:
            continue
        for owner in (f"{m.broadcast_id}", f"{m.broadcast_id}.{m.variant}") if m.variant else (f"{m.broadcast_id}",):
            for state, delta in _steps(m):
                deltas[f"broadcast:{owner}:{state}"] += delta * len(m.ids)
    deltas = Counter({name: delta for name, delta in deltas.items() if delta})
    if deltas:
        await tx.run(COUNT, tx.account, list(deltas), list(deltas.values()))


def _steps(m: Move) -> list[tuple[str, int]]:
    """`returned` counts what failed after it was handed over, `bounced` what a mailbox did not take.

    What failed is counted by its reason as well: `failed.suppressed`, `failed.unknown` where none was told.
    """
    steps = [(_counted(m.before), -1), (_counted(m.status), 1)]
    gone, back = m.status == "failed", m.before == "failed"
    if gone:
        steps.append((f"failed.{m.reason or 'unknown'}", 1))
    if back:
        steps.append((f"failed.{m.reason_before or 'unknown'}", -1))
    if gone != back and m.handed_over:
        steps.append(("returned", 1 if gone else -1))
    bounced, unbounced = gone and m.reason in BOUNCES, back and m.reason_before in BOUNCES
    if bounced != unbounced:
        steps.append(("bounced", 1 if bounced else -1))
    return steps


def _is_taken_now(m: Move) -> bool:
    return m.broadcast_id is None and not m.handed_over and m.status in ("sent", "delivered", "read")


def _counted(status: str) -> str:
    """Waiting in any form counts as queued."""
    return "queued" if status in ("queued", "sending", "errored") else status


BOUNCES = frozenset({"hard_bounce", "soft_bounce", "reputation", "invalid", "rejected"})
"""Why a mail failed that came back, at once or later."""

# The cost must not hang on what the planner believes of a table that grows by a million rows in a minute: the first
# message from an id on, in order, can only be found by the key, and is then found again by where it lies. What was
# handed over for the first time is counted for its day in the same breath.
APPLY = sql("""
    with old as materialized (
        select m.ctid, m.id, m.status as before, m.credits, m.credit_state as credit_before, m.conversation_id,
            m.broadcast_id, c.status, c.external_id, c.reason, c.error, c.provider_code,
            m.reason as reason_before, m.sent_at is not null as handed_over, m.variant, m.channel_id, m.user_id,
            coalesce(m.metadata ? 'callback_url', false) as calls_back
        from unnest($2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[])
            as c (id, status, external_id, reason, error, provider_code)
        cross join lateral (
            select m.ctid, m.* from messages m where m.account_id = $1 and m.id >= c.id order by m.id limit 1
        ) m
        where m.id = c.id and m.direction = 'out' and case c.status
            when 'errored' then m.status in ('queued', 'sending', 'errored')
            when 'unknown' then m.status in ('queued', 'sending', 'errored')
            when 'sent' then m.status in ('queued', 'sending', 'errored', 'unknown')
                or m.status = 'failed' and m.sent_at is null
            when 'delivered' then m.status not in ('delivered', 'read', 'canceled')
            when 'read' then m.status not in ('read', 'canceled')
            when 'failed' then m.status in ('queued', 'sending', 'errored', 'unknown', 'sent')
            when 'canceled' then m.status in ('queued', 'errored')
            else false end
    ), new as (
    update messages m set
        status = old.status,
        external_id = coalesce(old.external_id, m.external_id),
        reason = case when old.status in ('failed', 'errored', 'canceled', 'unknown') then old.reason end,
        error = case when old.status in ('failed', 'errored', 'unknown') then old.error end,
        provider_code = coalesce(old.provider_code, m.provider_code),
        sent_at = case when old.status in ('sent', 'delivered', 'read') then coalesce(m.sent_at, now())
            else m.sent_at end,
        delivered_at = case when old.status in ('delivered', 'read') then coalesce(m.delivered_at, now())
            else m.delivered_at end,
        read_at = case when old.status = 'read' then now() else m.read_at end,
        failed_at = case when old.status = 'failed' then now()
            when old.status in ('sent', 'delivered', 'read') then null else m.failed_at end,
        credit_state = case
            when m.credit_state = 'none' then 'none'
            when old.status in ('failed', 'canceled') then 'refunded'
            when old.status in ('unknown', 'sent', 'delivered', 'read') then 'captured'
            else m.credit_state end
    from old
    where m.account_id = $1 and m.ctid = old.ctid and m.id = old.id and m.status = old.before
        and m.credit_state = old.credit_before
    returning m.id, old.before, m.status, old.conversation_id, old.broadcast_id, old.credits,
        old.credit_before, m.credit_state, m.reason, old.reason_before, old.handed_over, old.variant, old.channel_id,
        old.user_id, old.calls_back
    ), gone as (
        select channel_id, user_id from new where not handed_over and status in ('sent', 'delivered', 'read')
    ), counted as (
        insert into daily (account_id, name, day, subject, value)
        select $1, name, account_day($1, now()), subject, value from (
            select 'messages.out' as name,
                (select c.sends_as from channels c where c.account_id in ($1, 0) and c.id = gone.channel_id) as subject,
                count(*) as value
            from gone group by channel_id
            union all
            select 'messages.sent_by', user_id::text, count(*) from gone where user_id is not null group by user_id
        ) fact
    )
    select array_agg(id) as ids, before, status, conversation_id, broadcast_id, credits, credit_before, credit_state,
        reason, reason_before, handed_over, variant, calls_back, moved
    from (
        select *, true as moved from new
        union all
        select id, before, status, conversation_id, broadcast_id, credits, credit_before, credit_before, null,
            reason_before, handed_over, variant, channel_id, user_id, calls_back, false
        from old where id not in (select id from new)
    ) message
    group by before, status, conversation_id, broadcast_id, credits, credit_before, credit_state, reason,
        reason_before, handed_over, variant, calls_back, moved
""")

# Scalar subqueries on purpose: each report is a probe or two of a key, whatever the planner believes.
REPORTED = sql("""
    select r.position, coalesce(
        (select max(m.id) from messages m where m.account_id = $1 and m.channel_id = $2 and m.direction = 'out'
            and m.external_id = r.external_id),
        (select m.id from messages m where m.account_id = $1 and m.channel_id = $2 and m.direction = 'out'
            and m.id = r.message_id)) as id
    from unnest($3::text[], $4::bigint[]) with ordinality as r (external_id, message_id, position)
    order by r.position
""")

COUNT = sql("""
    insert into tallies (account_id, name, value) select $1, name, value from unnest($2::text[], $3::bigint[])
        as delta (name, value)
""")

STATS = sql("select status, count(*) from messages where account_id = $1 group by status")
