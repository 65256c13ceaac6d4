"""Allowances: what an agency gives its sub-accounts at the start of each month of their own calendars.

What is spent in a month is taken from the allowance first. What is left of it at the end returns to the agency, or
stays if it rolls over. A month that began while nothing ran, or while the agency had not enough, is caught up with.
"""

from datetime import date

from msgspec import Struct

from trunkline.accounts import audit
from trunkline.billing import credits, transfers
from trunkline.core import clock
from trunkline.core.db import Database, Tx, sql
from trunkline.core.errors import OutOfCredits

PORTION = 500


class Allowance(Struct, frozen=True):
    """`month` is the last one given for, none before the first; `current` the one it is there now.

    `left` is what is still there of it.
    """

    email: str
    monthly: int
    roll_over: bool
    month: date | None
    current: date
    left: int


async def put(tx: Tx, account_id: int, monthly: int, *, roll_over: bool = False) -> None:
    """Set what a sub-account gets each month, in a system transaction of its agency.

    The first month's comes at once, or OutOfCredits; another number counts from the next month on.
    """
    credits.is_positive(monthly)
    if not await tx.run(PUT, account_id, monthly, roll_over):
        return
    details = {"monthly": monthly, "roll_over": roll_over}
    await audit.record(tx, "allowance.set", f"account:{account_id}", details)
    if await tx.value(bool, IS_FIRST, account_id):
        await turn(tx, account_id)


async def own(tx: Tx) -> tuple[int, bool] | None:
    """What the account of `tx` gets each month from its agency, and whether what is left of it stays."""
    rows = await tx.rows(OWN, tx.account)
    return (rows[0][0], rows[0][1]) if rows else None


async def turn(tx: Tx, account_id: int) -> bool:
    """Begin the month that follows the last one given for, if it has begun there; in a system transaction of the
    agency. Whoever comes second finds nothing to do. Raises OutOfCredits, and then nothing is changed.
    """
    # Balances in the order of every transfer, the agency's first; then nothing moves until the commit.
    for account in (tx.account, account_id):
        await tx.run(ENSURE, account)
        await tx.run(LOCK, account)
    old = await tx.maybe(Allowance, CURRENT, account_id, clock.now())
    if old is None or old.month == old.current:
        return False
    left = old.left
    if left and not old.roll_over:
        left -= await transfers.reclaim(tx, account_id, left, reason="allowance_over")
    if old.monthly:
        await transfers.transfer(tx, old.email, old.monthly, reason="allowance")
    month = _following(old.month) if old.month else old.current
    await tx.run(TURN, account_id, month, left + old.monthly)
    return True


async def catch_up(database: Database) -> int:
    """Begin all months that have begun, in transactions of their own. Returns how many."""
    turned, after = 0, 0
    while True:
        async with database.system() as tx:
            due = await tx.rows(DUE, clock.now(), after, PORTION)
        for account_id, agency_id in due:
            turned += await _catch_up(database, agency_id, account_id)
        if len(due) < PORTION:
            return turned
        after = due[-1][0]


async def _catch_up(database: Database, agency_id: int, account_id: int) -> int:
    turned = 0
    try:
        while True:
            async with database.system(agency_id, cause="allowance") as tx:
                if not await turn(tx, account_id):
                    return turned
            turned += 1
    except OutOfCredits:
        return turned  # the agency's; the next time


def _following(month: date) -> date:
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


# An allowance of nothing is none, but ends what was there.
PUT = sql(
    """
    insert into allowances (account_id, monthly, roll_over)
    select $1, $2::bigint, $3::boolean where $2::bigint > 0 or exists (select from allowances where account_id = $1)
    on conflict (account_id) do update set monthly = excluded.monthly, roll_over = excluded.roll_over
    """,
    system=True,
)

OWN = sql("select monthly, roll_over from allowances where account_id = $1")

IS_FIRST = sql("select month is null from allowances where account_id = $1", system=True)

ENSURE = sql("insert into balances (account_id) values ($1) on conflict do nothing", system=True)

LOCK = sql("select from balances where account_id = $1 for update", system=True)

USED = """
    (w.opening - coalesce(b.available, 0) + (
        select coalesce(sum(case when l.target = 'available' then l.amount when l.source = 'available' then -l.amount
            end), 0)
        from ledger l where l.account_id = w.account_id and l.id > w.since
            and (l.source in ('granted', 'agency') or l.target in ('granted', 'agency'))
    ))::bigint
"""
"""What went out since the month began: what came in and is not there any more."""

CURRENT = sql(
    f"""
    select a.email, w.monthly, w.roll_over, w.month, account_month(a.id, $2) as current,
        greatest(0, least(coalesce(b.available, 0), w.given, w.given - {USED})) as left
    from allowances w
    join accounts a on a.id = w.account_id and a.deleted_at is null
    left join balances b on b.account_id = w.account_id
    where w.account_id = $1 and (w.month is null or w.month < account_month(a.id, $2)) for update of w
    """,
    system=True,
)

TURN = sql(
    """
    update allowances set month = $2, given = $3,
        opening = (select available from balances where account_id = $1),
        since = (select coalesce(max(id), 0) from ledger where account_id = $1)
    where account_id = $1
    """,
    system=True,
)

DUE = sql(
    """
    select a.id, a.parent_id from allowances w
    join accounts a on a.id = w.account_id and a.deleted_at is null
    join accounts p on p.id = a.parent_id and p.deleted_at is null
    where w.account_id > $2 and (w.month is null or w.month < account_month(a.id, $1))
    order by w.account_id limit $3
    """,
    system=True,
)
