"""Keypads: what people press in calls of simulator channels, kept until the worker that leads the call takes it."""

from collections.abc import Sequence

from trunkline.channels.talking import Keypress, Strokes
from trunkline.core.db import Tx, sql
from trunkline.core.errors import NotFound


async def press(tx: Tx, channel_id: int, presses: Sequence[Keypress]) -> None:
    """Keep keys for the calls that go on with these numbers. Raises `NotFound("call")`."""
    for one in presses:
        if not await tx.run(PRESS, tx.account, channel_id, one.urn.path, one.keys, one.hangs_up):
            raise NotFound("call", one.urn.path)


async def take(tx: Tx, call: int) -> Strokes:
    """All that was pressed in a call since the last time, in order."""
    rows = sorted(await tx.rows(TAKE, tx.account, call))
    return Strokes("".join(keys for _, keys, _ in rows), any(gone for _, _, gone in rows))


PRESS = sql("""
    insert into simulator_keys (account_id, call_id, keys, hangs_up)
    select account_id, id, $4, $5 from calls
    where account_id = $1 and channel_id = $2 and address = $3 and status = 'in_progress' order by id desc limit 1
""")

TAKE = sql("delete from simulator_keys where account_id = $1 and call_id = $2 returning id, keys, hangs_up")
