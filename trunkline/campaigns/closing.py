"""Closing: what a deleted sub-account still had under way ends, and what it had left returns to its agency."""

from collections.abc import Sequence
from datetime import timedelta

from trunkline.accounts.events import SubAccountDeleted
from trunkline.accounts.subaccounts import inside
from trunkline.billing import transfers
from trunkline.core import clock
from trunkline.core.db import Tx, sql
from trunkline.core.events import Happened
from trunkline.core.jobs import Desk, job
from trunkline.messaging import statuses

PORTION = 2000
LOOK_AGAIN = timedelta(seconds=30)
MOST_LOOKS = 12


async def begin(tx: Tx, happened: Sequence[Happened]) -> None:
    """Channels go, campaigns and schedules stop, and the rest of the work is handed on; a reaction of the agency's."""
    for one in happened:
        assert isinstance(one.event, SubAccountDeleted)
        account = one.event.account_id
        for statement in (DISCONNECT, STOP_BROADCASTS, STOP_SCHEDULES):
            await tx.run(statement, account)
        finish.later(tx, account, key=f"close:{account}")


@job("sub_account.close", apart=True)
async def finish(desk: Desk, account: int, looks: int = 0) -> None:
    """Cancel what waits to be sent and take back the credits; again, later and later, while something is under way."""
    async with desk.tx() as tx:
        await transfers.reclaim(tx, account, reason="sub_account_deleted")
    while await _cancel(desk, account):
        pass
    async with desk.database.system(desk.account, desk.call.actor, desk.call.cause) as tx:
        await transfers.reclaim(tx, account, reason="sub_account_deleted")
        if looks < MOST_LOOKS and await tx.value(bool, STILL_BUSY, account):
            finish.later(tx, account, looks + 1, key=f"close:{account}", at=clock.now() + LOOK_AGAIN * 2**looks)


async def _cancel(desk: Desk, account: int) -> int:
    """One portion. What a worker that died was sending may have gone out."""
    async with desk.database.system(desk.account, desk.call.actor, desk.call.cause) as tx, inside(tx, account):
        left = await tx.rows(UNQUEUE, account, PORTION)
        await statuses.apply_many(tx, [_left(message, status) for message, status in left])
        return len(left)


def _left(message: int, status: str) -> statuses.Change:
    if status == "sending":
        return statuses.Change(message, "unknown", reason="ambiguous", error="A worker stopped while it was sending.")
    return statuses.Change(message, "canceled")


DISCONNECT = sql(
    "update channels set active = false, deleted_at = now() where account_id = $1 and deleted_at is null", system=True
)

STOP_BROADCASTS = sql(
    """
    update broadcasts set status = 'canceled', completed_at = now(), updated_at = now()
    where account_id = $1 and status in ('scheduled', 'sending', 'paused')
    """,
    system=True,
)

STOP_SCHEDULES = sql("delete from schedules where account_id = $1", system=True)

UNQUEUE = sql(
    """
    with line as (
        select o.*, m.status from outbound o join messages m on m.account_id = o.account_id and m.id = o.id
        where o.account_id = $1 and (m.status <> 'sending' or o.run_at <= clock_timestamp())
        limit $2 for update of o skip locked
    )
    delete from outbound o using line
    where o.account_id = $1 and o.lane = line.lane and o.channel_id = line.channel_id
        and o.broadcast_id = line.broadcast_id and o.run_at = line.run_at and o.id = line.id
    returning o.id, line.status
    """,
    system=True,
)

STILL_BUSY = sql(
    """
    select exists (select from outbound where account_id = $1)
        or exists (select from balances where account_id = $1 and reserved > 0)
    """,
    system=True,
)
