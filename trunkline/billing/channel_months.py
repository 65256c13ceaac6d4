"""Channel months: what a connected channel of a metered account costs, once for each month that it begins in.

The month in which a channel is connected is free, and so is the one in which an account becomes metered. What
cannot be paid is owed: the channel works on, and the charge is tried again until it is paid.
"""

from datetime import date

from msgspec import Struct

from trunkline.billing import credits, prices
from trunkline.billing.events import ChannelUnpaid
from trunkline.core import clock
from trunkline.core.db import Database, Tx, sql
from trunkline.core.errors import OutOfCredits

PORTION = 1000


class Owed(Struct, frozen=True):
    channel_id: int
    month: date
    amount: int
    told: bool


async def catch_up(database: Database) -> int:
    """Charge the months that have begun, and what is owed of earlier ones. Returns how many were paid."""
    async with database.system() as tx:
        await tx.run(BEGIN, clock.now(), prices.CHANNEL_MONTH)
    paid, after = 0, 0
    while True:
        async with database.system() as tx:
            debtors = await tx.column(int, DEBTORS, after, PORTION)
        for account in debtors:
            async with database.tx(account, cause="month") as tx:
                paid += await pay(tx)
        if len(debtors) < PORTION:
            return paid
        after = debtors[-1]


async def pay(tx: Tx) -> int:
    """Pay what the account of `tx` owes, the oldest first, as far as its credits go. Returns how many months."""
    owed = await tx.fetch(Owed, OWED, tx.account)
    paid = 0
    try:
        for one in owed:
            await credits.charge(tx, one.amount, "channel_month", f"channel:{one.channel_id}")
            paid += 1
    except OutOfCredits:
        pass
    if paid:
        done = owed[:paid]
        await tx.run(PAID, tx.account, [one.channel_id for one in done], [one.month for one in done], clock.now())
    fresh = [one for one in owed[paid:] if not one.told]
    for one in fresh:
        tx.record(ChannelUnpaid(one.channel_id, one.month, one.amount))
    if fresh:
        await tx.run(TOLD, tx.account)
    return paid


async def owed(tx: Tx) -> int:
    """How many credits the account of `tx` owes for its channels."""
    return await tx.value(int, SUM, tx.account) or 0


# Only this month: for one in which nothing ran nobody pays.
BEGIN = sql(
    """
    insert into channel_months (account_id, channel_id, month, amount)
    select c.account_id, c.id, here.month, $2 from accounts a
    join channels c on c.account_id = a.id and c.active and c.deleted_at is null
    cross join lateral (
        select account_month(a.id, $1) as month, account_midnight(a.id, account_month(a.id, $1)) as began
    ) here
    where a.metered and a.deleted_at is null and a.id > 0 and c.created_at < here.began
        and (a.parent_id is not null or exists (
            select from ledger l where l.account_id = a.id and l.at < here.began and l.source = 'granted'))
    on conflict do nothing
    """,
    system=True,
)

DEBTORS = sql(
    """
    select distinct o.account_id from channel_months o
    join accounts a on a.id = o.account_id and a.metered and a.deleted_at is null
    where o.paid_at is null and o.account_id > $1 order by o.account_id limit $2
    """,
    system=True,
)

OWED = sql("""
    select channel_id, month, amount, told from channel_months where account_id = $1 and paid_at is null
    order by month, channel_id for update
""")

PAID = sql("""
    update channel_months m set paid_at = $4 from unnest($2::bigint[], $3::date[]) as p (channel_id, month)
    where m.account_id = $1 and m.channel_id = p.channel_id and m.month = p.month
""")

TOLD = sql("update channel_months set told = true where account_id = $1 and paid_at is null")

SUM = sql("select sum(amount)::bigint from channel_months where account_id = $1 and paid_at is null")
