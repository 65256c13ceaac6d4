"""Recharges: an agency is asked to sell credits to a sub-account that runs low, and asked only once.

A request opens when the balance comes down to the threshold, and has one key for all tries to tell the agency. It
closes when credits come with that key, when the balance is above the threshold again because credits came, or after
a day; never because something reserved was given back. While it is open there is no other.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from trunkline.accounts import subaccounts
from trunkline.billing.events import RechargeRequested
from trunkline.core import clock, ids
from trunkline.core.db import Tx, sql
from trunkline.core.events import Happened
from trunkline.core.jobs import Desk, job

REST = timedelta(minutes=10)
PATIENCE = timedelta(hours=24)


class Recharge(Struct, frozen=True):
    """A request as the agency sees it; open as long as `closed_at` is none."""

    sub_account_id: int
    key: str
    balance: int
    threshold: int
    amount: int
    opened_at: datetime
    closed_at: datetime | None


async def latest(tx: Tx, limit: int = 100) -> list[Recharge]:
    """The requests to the agency of `tx`, the newest first."""
    return await tx.fetch(Recharge, LATEST, tx.account, limit)


async def credits_low(tx: Tx, happened: Sequence[Happened]) -> None:
    """The balance of a sub-account came down to its threshold; a reaction."""
    await _consider(tx, crossed=True)


async def credits_granted(tx: Tx, happened: Sequence[Happened]) -> None:
    """Credits came, perhaps past the agency; a reaction."""
    await tx.run(CLOSE_RISEN, tx.account, clock.now())


@job("recharge.consider", apart=True)
async def consider(desk: Desk, crossed: bool) -> None:
    """A rest is over, or a day has gone by: see whether credits are still wanted."""
    async with desk.database.system(desk.account, desk.call.actor, desk.call.cause) as tx:
        await _consider(tx, crossed=crossed)


class _Need(Struct, frozen=True):
    agency_id: int
    email: str
    name: str
    threshold: int
    amount: int
    url: str
    available: int
    opened_at: datetime | None
    is_open: bool


async def _consider(tx: Tx, *, crossed: bool) -> None:
    """Open a request for the account of this system transaction if it needs one, now or when it may be."""
    need = await tx.maybe(_Need, NEED, tx.account)
    if need is None:
        return
    now = clock.now()
    fresh = crossed and not need.is_open
    soonest = need.opened_at + (REST if fresh else PATIENCE) if need.opened_at else now
    if soonest <= now:
        await _open(tx, need, now)
    elif fresh:
        consider.later(tx, True, at=soonest)


async def _open(tx: Tx, need: _Need, now: datetime) -> None:
    await tx.run(CLOSE, tx.account, now)
    key, sub = f"ar_{ids.ulid()}", tx.account
    opened = await tx.run(OPEN, need.agency_id, sub, key, need.available, need.threshold, need.amount, now)
    if not opened:
        return  # somebody else just did
    consider.later(tx, False, at=now + PATIENCE)
    async with subaccounts.inside(tx, need.agency_id):
        tx.record(
            RechargeRequested(
                key, sub, need.email, need.name, need.available, need.threshold, need.amount, need.url, now
            )
        )


LATEST = sql("""
    select sub_account_id, key, balance, threshold, amount, opened_at, closed_at from recharges
    where account_id = $1 order by id desc limit $2
""")

# Each setting is the sub-account's own, else its agency's. The account's row is the lock of its requests.
NEED = sql(
    """
    select p.id as agency_id, a.email, a.name, asked.threshold, asked.amount, asked.url,
        coalesce(b.available, 0) as available, r.opened_at, r.id is not null and r.closed_at is null as is_open
    from accounts a
    join accounts p on p.id = a.parent_id and p.deleted_at is null
    cross join lateral (select low_credits(a.id) as threshold,
        coalesce(a.settings ->> 'auto_recharge_amount', p.settings ->> 'auto_recharge_amount')::bigint as amount,
        coalesce(a.settings ->> 'auto_recharge_url', p.settings ->> 'auto_recharge_url') as url
    ) asked
    left join balances b on b.account_id = a.id
    left join lateral (
        select id, opened_at, closed_at from recharges r where r.sub_account_id = a.id order by id desc limit 1
    ) r on true
    where a.id = $1 and a.metered and a.deleted_at is null
        and asked.threshold >= coalesce(b.available, 0) and asked.amount > 0 and asked.url > ''
    for no key update of a
    """,
    system=True,
)

CLOSE = sql("update recharges set closed_at = $2 where sub_account_id = $1 and closed_at is null", system=True)

CLOSE_RISEN = sql(
    """
    update recharges r set closed_at = $2 from balances b
    where r.sub_account_id = $1 and r.closed_at is null and b.account_id = $1 and b.available > r.threshold
    """,
    system=True,
)

OPEN = sql(
    """
    insert into recharges (account_id, sub_account_id, key, balance, threshold, amount, opened_at)
    values ($1, $2, $3, $4, $5, $6, $7) on conflict (sub_account_id) where closed_at is null do nothing
    """,
    system=True,
)
