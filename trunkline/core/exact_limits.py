"""Strict rate limits, exact over all processes: the hits of each bucket are a row that is locked to count."""

import math
from datetime import datetime

from msgspec import Struct

from trunkline.core.db import Database, Tx, sql
from trunkline.core.limits import Bucket, Verdict


class Window(Struct, frozen=True):
    hits: list[datetime]
    now: datetime


async def hit(database: Database, account: int, key: str, bucket: Bucket) -> Verdict:
    """Count one request of `key` against `bucket`; a refused one costs nothing.

    A transaction of its own: the hit stays though the request fails, and the row is locked only while counting.
    """
    async with database.tx(account) as tx:
        name = f"{bucket.name}:{key}"
        window = await _lock(tx, name)
        since = window.now.timestamp() - bucket.per_seconds
        recent = [hit for hit in window.hits if hit.timestamp() > since]
        allowed = len(recent) < bucket.limit
        if allowed:
            recent.append(window.now)
            await tx.run(UPDATE, account, name, recent)
    reset = max(0.0, recent[0].timestamp() - since) if recent else 0.0
    return Verdict(allowed, bucket.limit, bucket.limit - len(recent), reset, 0 if allowed else max(1, math.ceil(reset)))


async def _lock(tx: Tx, name: str) -> Window:
    window = await tx.maybe(Window, LOCK, tx.account, name)
    if window is None:
        await tx.run(INSERT, tx.account, name)
        window = await tx.one(Window, LOCK, tx.account, name)
    return window


# The clock is read after the lock is held, so that hits are stamped in the order in which they count.
LOCK = sql("""
    with locked as materialized (
        select hits from rate_windows where account_id = $1 and bucket = $2 for update
    )
    select hits, clock_timestamp() as now from locked
""")

INSERT = sql("""
    insert into rate_windows (account_id, bucket, hits) values ($1, $2, '{}')
    on conflict (account_id, bucket) do nothing
""")

UPDATE = sql("""
    update rate_windows set hits = $3 where account_id = $1 and bucket = $2
""")
