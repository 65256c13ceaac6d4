"""Expanding: from an audience to messages in a line, 10,000 a transaction; and the way back when canceled.

Portions are marked off one after the other, under the broadcast's lock and for a moment only. Their messages are
written side by side: that is nearly all of the work, and the database has more than one processor for it.
"""

import asyncio
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct

from trunkline.billing import credits, metering, prices
from trunkline.campaigns import audiences, exclusions, letters, trials
from trunkline.campaigns.events import BroadcastCompleted, BroadcastFailed, BroadcastStarted
from trunkline.core import clock
from trunkline.core.db import Database, Tx, sql
from trunkline.core.errors import Invalid
from trunkline.core.jobs import Desk, job
from trunkline.core.text import compile
from trunkline.messaging import channels, statuses
from trunkline.messaging.sending import segment_count

PORTION = 10_000
HANDS = 2
END = 2**63 - 1
"""The cursor of a broadcast whose whole audience is marked off."""
UNPAID = 2**31
"""More than a portion holds: where nothing is paid, all can be."""
LOOK_AGAIN = timedelta(seconds=5)


class Running(Struct, frozen=True):
    id: int
    name: str
    status: str
    channel_id: int
    body: str
    audience: dict[str, Any]
    cursor: int
    expanded: bool
    variants: list[dict[str, Any]] | None
    trial: dict[str, Any] | None


class Bounds(Struct, frozen=True):
    """Where a portion ends, and how many contacts it has. None can be in the last one."""

    upto: int | None
    looked: int


class Portion(Struct, frozen=True):
    """Contacts after one id, up to another."""

    after: int
    upto: int


class Written(Struct, frozen=True):
    """Who is in neither could not be reached."""

    queued: int
    failed: int
    variants: dict[str, int] | None
    """How many got each subject of an A/B test."""


class Stopped(Exception):
    """The broadcast was paused or canceled while a portion was written: nothing of it stays."""


class Begun(Struct, frozen=True):
    """`failure` says why it did not start after all."""

    name: str
    failure: str | None
    audience: dict[str, Any]


@job("broadcast.begin")
async def begin(tx: Tx, id: int, scheduled: str) -> None:
    """The moment of a scheduled broadcast has come, unless it was moved or canceled meanwhile."""
    begun = await tx.maybe(Begun, BEGIN, tx.account, id, datetime.fromisoformat(scheduled))
    if begun is None:
        return
    if begun.failure:
        tx.record(BroadcastFailed(id, begun.name, begun.failure))
        return
    try:
        await exclusions.check(tx, begun.audience.get("exclude") or {})
    except Invalid:  # nobody is written to who was to be left out
        why = "A group, a tag or a field by which people are left out is gone."
        await tx.run(FAIL, tx.account, id, why)
        tx.record(BroadcastFailed(id, begun.name, why))
        return
    await audiences.check_filled(tx, begun.audience)
    expand.later(tx, id, key=f"broadcast:{id}")


@job("broadcast.expand", apart=True)
async def expand(desk: Desk, id: int) -> None:
    """Mark off and write the portions of a broadcast as long as it is sending."""
    try:
        async with asyncio.TaskGroup() as hands:
            for _ in range(HANDS):
                hands.create_task(_expand(desk, id))
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None


async def _expand(desk: Desk, id: int) -> None:
    wrote = True
    while wrote:
        async with desk.tx() as tx:
            await mark_off(tx, id)
        try:
            async with desk.tx() as tx:
                wrote = await write_next(tx, id)
        except Stopped:
            return


async def mark_off(tx: Tx, id: int, size: int = PORTION) -> None:
    """Say which contacts come next, if there are any and the broadcast is sending."""
    running = await tx.maybe(Running, LOCK, tx.account, id)
    if running is None or running.status != "sending" or running.expanded or running.cursor == END:
        return
    if running.cursor == 0:
        tx.record(BroadcastStarted(id, running.name))
        await letters.write(tx, id)
        if running.trial:
            trials.plan(tx, id, running.trial)
    statement, more = await audiences.bounds(tx, trials.part(id, running.audience, running.trial))
    subject = audiences.subject(running.audience)
    found = await tx.one(Bounds, statement, tx.account, subject, running.cursor, size, *more)
    if found.upto is not None:
        await tx.run(MARK_OFF, tx.account, id, running.cursor, found.upto)
    await tx.run(ADVANCE, tx.account, id, END if found.looked < size else found.upto, 0)


async def write_next(tx: Tx, id: int) -> bool:
    """Write a portion that nobody else is writing. False when there is none; raises `Stopped`."""
    portion = await tx.maybe(Portion, TAKE, tx.account, id)
    if portion is None:
        return False
    running = await tx.one(Running, READ, tx.account, id)
    written = await _write(tx, running, portion)
    await tx.run(COUNT, tx.account, f"broadcast:{id}:queued", written.queued, f"broadcast:{id}:failed", written.failed)
    await tx.run(COUNT, tx.account, f"broadcast:{id}:failed.insufficient_credits", written.failed, "", 0)
    for variant, recipients in (written.variants or {}).items():
        await tx.run(COUNT, tx.account, f"broadcast:{id}.{variant}:total", recipients, "", 0)
    await close(tx, id, written.queued + written.failed)
    return True


async def close(tx: Tx, id: int, recipients: int) -> None:
    """Count a portion. The lock comes last, so that others write meanwhile; whoever pauses or cancels was there before
    us, or waits for us."""
    now = await tx.one(Running, LOCK, tx.account, id)
    if now.status != "sending":
        raise Stopped
    await tx.run(ADVANCE, tx.account, id, now.cursor, recipients)
    tx.wake("outbound")


async def _write(tx: Tx, running: Running, portion: Portion) -> Written:
    """The messages of a portion, and the credits for them."""
    id = running.id
    channel = await channels.with_deleted(tx, running.channel_id)
    count = segment_count(channel, plain(running.body))
    metered = await metering.is_metered(tx)
    price = prices.campaign_message(channel.kind, channel.sends_as, pool=channel.pool, metered=metered, segments=count)
    affordable = await tx.value(int, AFFORDABLE, tx.account, price) or 0 if price else UNPAID
    statement, more = await audiences.expansion(tx, trials.part(id, running.audience, running.trial))
    written = await tx.one(
        Written, statement, tx.account, audiences.subject(running.audience), channel.schemes, channel.sends_as,
        portion.after, portion.upto, affordable, channel.id, id, count, price, thresholds(running.variants), *more,
    )  # fmt: skip
    await credits.reserve(tx, written.queued * price, "broadcast", f"broadcast:{id}")
    return written


def thresholds(variants: list[dict[str, Any]] | None) -> list[int] | None:
    """At which percent each subject of an A/B test begins: two halves give 0 and 50."""
    return [sum(v["percent"] for v in variants[:n]) for n in range(len(variants))] if variants else None


def plain(body: str) -> str:
    """A template's own text, for an estimate of its segments: slots count as nothing."""
    return compile(body).render({}, missing="empty")


@job("broadcast.cancel_rest", apart=True)
async def cancel_rest(desk: Desk, id: int) -> None:
    """Cancel what a canceled broadcast still has waiting, and give the credits back.

    What is just being sent is looked at again later: it may come back for another try, or its worker may have died.
    """
    while True:
        async with desk.tx() as tx:
            left = await tx.rows(UNQUEUE, tx.account, id, 2000)
            await statuses.apply_many(tx, [_left(message, status) for message, status in left])
            if not left:
                await tx.run(FORGET, tx.account, id)
                if await tx.value(bool, STILL_SENDING, tx.account, id):
                    cancel_rest.later(tx, id, key=f"broadcast:{id}", at=clock.now() + LOOK_AGAIN)
                return


def _left(message: int, status: str) -> statuses.Change:
    """What becomes of a message that nobody will send any more."""
    if status == "sending":
        return statuses.Change(message, "unknown", reason="ambiguous", error="A worker stopped while it was sending.")
    return statuses.Change(message, "canceled")


async def finish(database: Database) -> int:
    """Close broadcasts whose last message has an outcome. Returns how many."""
    async with database.system() as tx:
        done = await tx.rows(FINISH)
        for account, id, name in done:
            tx.account = account
            tx.record(BroadcastCompleted(id, name))
            await tx.flush()
        return len(done)


BEGIN = sql("""
    update broadcasts set started_at = now(), updated_at = now(),
        status = case when now() > scheduled_at + late_after then 'failed' else 'sending' end,
        failure = case when now() > scheduled_at + late_after then 'It was too late to start.' end
    where account_id = $1 and id = $2 and status = 'scheduled' and scheduled_at = $3 and deleted_at is null
    returning name, failure, audience
""")

FAIL = sql(
    "update broadcasts set status = 'failed', failure = $3, updated_at = now() where account_id = $1 and id = $2"
)

_RUNNING = """
    select id, name, status, channel_id, body, audience, cursor, expanded, variants, trial from broadcasts
    where account_id = $1 and id = $2 and type in ('broadcast', 'ab_test')
"""

READ = sql(_RUNNING)

LOCK = sql(f"{_RUNNING} for update")

MARK_OFF = sql("insert into broadcast_portions (account_id, broadcast_id, after, upto) values ($1, $2, $3, $4)")

TAKE = sql("""
    delete from broadcast_portions where account_id = $1 and broadcast_id = $2 and after = (
        select p.after from broadcast_portions p join broadcasts b on b.account_id = $1 and b.id = p.broadcast_id
        where p.account_id = $1 and p.broadcast_id = $2 and b.status = 'sending'
        order by p.after limit 1 for update of p skip locked)
    returning after, upto
""")

# Locked until the commit, so that what is counted on is still there when it is reserved.
AFFORDABLE = sql("select available / $2::bigint from balances where account_id = $1 for update")

# Run under the lock: whoever is the last to write sees that nothing else is marked off.
ADVANCE = sql(f"""
    update broadcasts set cursor = $3, total = total + $4, updated_at = now(),
        expanded = $3::bigint = {END} and not exists (
            select from broadcast_portions p where p.account_id = $1 and p.broadcast_id = $2)
    where account_id = $1 and id = $2
""")

COUNT = sql("""
    insert into tallies (account_id, name, value)
    select $1, name, value from (values ($2::text, $3::bigint), ($4::text, $5::bigint)) as delta (name, value)
    where value <> 0
""")

UNQUEUE = sql("""
    with line as (
        select o.*, m.status from broadcasts b join outbound o on o.lane = 2 and o.channel_id = b.channel_id
            and o.account_id = b.account_id and o.broadcast_id = b.id
        join messages m on m.account_id = $1 and m.id = o.id
        where b.account_id = $1 and (b.id = $2 or b.drip_id = $2) and b.status = 'canceled'
            and (m.status <> 'sending' or o.run_at <= clock_timestamp())
        limit $3 for update of o skip locked
    )
    delete from outbound o using line
    where o.account_id = $1 and o.lane = line.lane and o.channel_id = line.channel_id
        and o.broadcast_id = line.broadcast_id and o.run_at = line.run_at and o.id = line.id
    returning o.id, line.status
""")

FORGET = sql("delete from broadcast_portions where account_id = $1 and broadcast_id = $2")

STILL_SENDING = sql("""
    select true from broadcasts b join outbound o on o.lane = 2 and o.channel_id = b.channel_id
        and o.account_id = b.account_id and o.broadcast_id = b.id
    where b.account_id = $1 and (b.id = $2 or b.drip_id = $2) and b.status = 'canceled' limit 1
""")

FINISH = sql(
    """
    update broadcasts b set status = 'sent', completed_at = now(), updated_at = now()
    where b.status = 'sending' and b.expanded and not exists (
        select from outbound o where o.lane = 2 and o.channel_id = b.channel_id and o.account_id = b.account_id
            and o.broadcast_id = b.id)
    returning b.account_id, b.id, b.name
    """,
    system=True,
)
