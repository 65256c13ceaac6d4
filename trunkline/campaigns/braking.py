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
        tx.record(BroadcastBraked(speed.id, speed.name, speed.bounced, speed.tried, why))
        tx.record(BroadcastChanged(speed.id, "paused"))


# Tried is whatever has an outcome from the other side, good or bad.
SPEEDS = sql("""
    select b.id, b.name, counted.bounced::bigint, counted.tried::bigint
    from broadcasts b cross join lateral (
        select coalesce(sum(value) filter (where name = 'broadcast:' || b.id || ':bounced'), 0) as bounced,
            coalesce(sum(value) filter (where name <> 'broadcast:' || b.id || ':bounced'), 0) as tried
        from tallies t where t.account_id = $1 and t.name = any(array[
            'broadcast:' || b.id || ':bounced', 'broadcast:' || b.id || ':sent', 'broadcast:' || b.id || ':delivered',
            'broadcast:' || b.id || ':read', 'broadcast:' || b.id || ':failed'])
    ) counted
    where b.account_id = $1 and b.id = any($2::bigint[]) and b.channel = 'email' and b.status = 'sending' and b.brake
""")

PAUSE = sql("""
    update broadcasts set status = 'paused', failure = $3, updated_at = now()
    where account_id = $1 and id = $2 and status = 'sending' and brake
""")
