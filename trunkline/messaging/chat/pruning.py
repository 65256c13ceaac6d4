"""Pruning: browsers that opened a chat window and never said anything are forgotten after a month."""

from trunkline.core.db import sql
from trunkline.core.jobs import Desk, job

BATCH = 5000


@job("chat.prune", apart=True)
async def prune(desk: Desk) -> None:
    """Forget the silent ones, a batch at a time."""
    while True:
        async with desk.database.system() as tx:
            if await tx.run(PRUNE, BATCH) < BATCH:
                break


PRUNE = sql(
    """
    delete from chat_visitors where (account_id, id) in (
        select account_id, id from chat_visitors where seq = 0 and seen_at < now() - interval '30 days' limit $1)
    """,
    system=True,
)
