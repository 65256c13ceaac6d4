"""Reached: whom a broadcast was sent to learns so when it is over; while it sends, that would cost more than a send."""

from collections.abc import Sequence

from trunkline.campaigns.events import BroadcastChanged
from trunkline.core.db import Tx, sql
from trunkline.core.events import Happened
from trunkline.core.jobs import job

PORTION = 5_000
OVER = ("paused", "canceled")


async def on_end(tx: Tx, happened: Sequence[Happened]) -> None:
    """Reaction: a broadcast completed, or was stopped half-way."""
    for one in happened:
        if not isinstance(one.event, BroadcastChanged) or one.event.status in OVER:
            note.later(tx, one.event.id, 0, key=f"reached:{one.event.id}")


@job("broadcast.reached")
async def note(tx: Tx, id: int, after: int) -> None:
    """Note when people were last written to, a portion at a time."""
    last = await tx.value(int, NOTE, tx.account, id, after, PORTION)
    if last is not None:
        note.later(tx, id, last, key=f"reached:{id}")


NOTE = sql("""
    with portion as materialized (
        select contact_id, sent_at from messages
        where account_id = $1 and broadcast_id = $2 and contact_id > $3 order by contact_id limit $4
    ), noted as (
        update contacts c set last_contacted_at = greatest(c.last_contacted_at, p.sent_at)
        from portion p
        where c.account_id = $1 and c.id = p.contact_id and p.sent_at > coalesce(c.last_contacted_at, '-infinity')
    )
    select max(contact_id) from portion
""")
