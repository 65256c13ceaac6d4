"""Braking: a campaign whose mails come back too often pauses itself, before the sender's good name is gone."""

from collections.abc import Sequence

from msgspec import Struct

from trunkline.accounts import accounts, settings
from trunkline.campaigns.events import BroadcastBraked, BroadcastChanged
from trunkline.core.db import Tx, sql
from trunkline.core.events import Happened
from trunkline.messaging.statuses import BOUNCES

LEAST = 50
"""Fewer mails than this say nothing about a list."""


class Speed(Struct, frozen=True):
    id: int
    name: str
    bounced: int
    tried: int


async def messages_changed(tx: Tx, happened: Sequence[Happened]) -> None:
    """Reaction: some mails came back; pause the campaigns of which too many did."""
    bounced = {
        broadcast
        for one in happened
        for _, status, _, broadcast, reason in one.event.changes
        if broadcast is not None and status == "failed" and reason in BOUNCES
    }
    if not bounced:
        return
    limit = settings.value(await accounts.current(tx), "bounce_limit")
    if not limit:
        return
    for speed in await tx.fetch(Speed, SPEEDS, tx.account, sorted(bounced)):
        if speed.tried >= LEAST and speed.bounced * 100 >= speed.tried * limit:
            await _pause(tx, speed, limit)


async def _pause(tx: Tx, speed: Speed, limit: int) -> None:
    percent = round(100 * speed.bounced / speed.tried, 1)
    why = f"{speed.bounced} of {speed.tried} mails bounced: {percent} %, and the limit is {limit} %."
    if await tx.run(PAUSE, tx.account, speed.id, why):
        await tx.run(PAUSE_LETTERS, tx.account, speed.id, why)
        tx.record(BroadcastBraked(speed.id, speed.name, speed.bounced, speed.tried, why))
        tx.record(BroadcastChanged(speed.id, "paused"))


# Tried is whatever has an outcome from the other side, good or bad; a drip campaign is judged by all of its letters.
SPEEDS = sql("""
    select distinct b.id, b.name, counted.bounced::bigint, counted.tried::bigint
    from broadcasts r
    join broadcasts b on b.account_id = $1 and b.id = coalesce(r.drip_id, r.id)
    cross join lateral (
        select coalesce(sum(value) filter (where state = 'bounced'), 0) as bounced,
            coalesce(sum(value) filter (where state <> 'bounced'), 0) as tried
        from (select b.id union all select l.id from broadcasts l where l.account_id = $1 and l.drip_id = b.id) one,
            unnest(array['bounced', 'sent', 'delivered', 'read', 'failed']) state, tallies t
        where t.account_id = $1 and t.name = 'broadcast:' || one.id || ':' || state
    ) counted
    where r.account_id = $1 and r.id = any($2::bigint[]) and b.channel = 'email' and b.status = 'sending' and b.brake
""")

PAUSE = sql("""
    update broadcasts set status = 'paused', failure = $3, updated_at = now()
    where account_id = $1 and id = $2 and status = 'sending' and brake
""")

PAUSE_LETTERS = sql("""
    update broadcasts set status = 'paused', failure = $3, updated_at = now()
    where account_id = $1 and drip_id = $2 and status = 'sending'
""")
