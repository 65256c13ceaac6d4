"""Expanding: from an audience to messages in a line, 10,000 a transaction; and the way back when canceled."""

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


class Portion(Struct, frozen=True):
    """`looked` contacts were judged up to `cursor`; the rest of them cannot be reached."""

    cursor: int | None
    looked: int
    queued: int
    failed: int
    variants: dict[str, int] | None
    """How many got each subject of an A/B test."""


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
    """Write the messages of a broadcast, portion by portion, as long as it is sending."""
    while True:
        async with desk.tx() as tx:
            if not await next_portion(tx, id):
                return


async def next_portion(tx: Tx, id: int, size: int = PORTION) -> bool:
    """One portion under the broadcast's lock. False when nothing is left to do."""
    running = await tx.maybe(Running, LOCK, tx.account, id)
    if running is None or running.status != "sending" or running.expanded:
        return False
    if running.cursor == 0:
        tx.record(BroadcastStarted(id, running.name))
        await letters.write(tx, id)
        if running.trial:
            trials.plan(tx, id, running.trial)
    channel = await channels.with_deleted(tx, running.channel_id)
    count = segment_count(channel, plain(running.body))
    metered = await metering.is_metered(tx)
    price = prices.campaign_message(channel.kind, channel.sends_as, pool=channel.pool, metered=metered, segments=count)
    affordable = min(size, await tx.value(int, AFFORDABLE, tx.account, price) or 0) if price else size
    statement, more = await audiences.expansion(tx, trials.part(id, running.audience, running.trial))
    portion = await tx.one(
        Portion, statement, tx.account, audiences.subject(running.audience), channel.schemes, channel.sends_as,
        running.cursor, size, affordable, channel.id, id, count, price, thresholds(running.variants), *more,
    )  # fmt: skip
    await credits.reserve(tx, portion.queued * price, "broadcast", f"broadcast:{id}")
    await tx.run(
        ADVANCE, tx.account, id, portion.cursor or running.cursor, portion.queued + portion.failed,
        portion.looked < size,
    )  # fmt: skip
    await tx.run(COUNT, tx.account, f"broadcast:{id}:queued", portion.queued, f"broadcast:{id}:failed", portion.failed)
    await tx.run(COUNT, tx.account, f"broadcast:{id}:failed.insufficient_credits", portion.failed, "", 0)
    for variant, recipients in (portion.variants or {}).items():
        await tx.run(COUNT, tx.account, f"broadcast:{id}.{variant}:total", recipients, "", 0)
    tx.wake("outbound")
    return portion.looked == size


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

LOCK = sql("""
    select id, name, status, channel_id, body, audience, cursor, expanded, variants, trial from broadcasts
    where account_id = $1 and id = $2 and type in ('broadcast', 'ab_test') for update
""")

# Locked until the commit, so that what is counted on is still there when it is reserved.
AFFORDABLE = sql("select available / $2::bigint from balances where account_id = $1 for update")

ADVANCE = sql("""
    update broadcasts set cursor = $3, total = total + $4, expanded = $5, updated_at = now()
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
