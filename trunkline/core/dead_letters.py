"""Dead letters of one account: background work that failed for good, tried again or thrown away by its owner.

The operator's view of all accounts is in jobs.py.
"""

from datetime import datetime

from msgspec import Struct

from trunkline.core.db import Tx, sql
from trunkline.core.errors import NotFound


class Letter(Struct, frozen=True):
    """`name` is the job's, or the event's whose reaction failed. Its arguments may be secret: they stay out."""

    id: int
    queue: str
    name: str
    attempts: int
    error: str
    failed_at: datetime


async def page(tx: Tx, before: int | None = None, limit: int = 50) -> list[Letter]:
    """The newest first; `before` is the id of the last one seen."""
    return await tx.fetch(Letter, PAGE, tx.account, before, limit)


async def replay(tx: Tx, id: int) -> None:
    """Put it back into its queue with all tries ahead."""
    for queue, statement in REPLAY.items():
        if await tx.run(statement, tx.account, id):
            tx.wake(queue)
            return
    raise NotFound("dead_letter", id)


async def discard(tx: Tx, id: int) -> None:
    if not await tx.run(DISCARD, tx.account, id):
        raise NotFound("dead_letter", id)


PAGE = sql("""
    select id, queue, name, attempts, left(error, 4000) as error, failed_at from dead_letters
    where account_id = $1 and ($2::bigint is null or id < $2) order by id desc limit $3
""")

_REPLAY = """
    with letter as (delete from dead_letters where account_id = $1 and id = $2 and queue = '{queue}' returning *)
    insert into {queue} (account_id, key, name, args, actor, cause, depth)
    select account_id, key, name, args, actor, cause, depth from letter
"""

REPLAY = {queue: sql(_REPLAY.format(queue=queue)) for queue in ("inbound", "jobs")}
REPLAY["events"] = sql("""
    with letter as (delete from dead_letters where account_id = $1 and id = $2 and queue = 'events' returning *)
    insert into events (account_id, type, data, actor, cause, depth)
    select account_id, name, args, actor, cause, depth from letter
""")

DISCARD = sql("delete from dead_letters where account_id = $1 and id = $2")
