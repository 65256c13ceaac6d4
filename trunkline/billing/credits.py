"""Credits: a balance for each account, and the double-entry ledger that explains it.

Credits lie in books: `granted` and `agency` are where they come from, `available` and `reserved` make the
balance, `spent` is where they end. Every change moves an amount from one book to another: one update of the
balance, whose condition alone decides whether there is enough, and one row of the ledger, in one statement.
"""

from datetime import datetime

from msgspec import Struct

from trunkline.billing.events import CreditsLow
from trunkline.core.db import Statement, Tx, sql
from trunkline.core.errors import Conflict, Invalid, OutOfCredits

MOST = 1_000_000_000_000


class Balance(Struct, frozen=True):
    available: int
    reserved: int


class Entry(Struct, frozen=True):
    """A row of the ledger; `available` is what was left after it."""

    id: int
    at: datetime
    source: str
    target: str
    amount: int
    available: int
    reason: str
    reference: str
    description: str
    actor: str


class Difference(Struct, frozen=True):
    """An account whose balance is not the sum of its ledger."""

    account_id: int
    available: int
    reserved: int
    ledger_available: int
    ledger_reserved: int


async def balance(tx: Tx) -> Balance:
    return await tx.maybe(Balance, BALANCE, tx.account) or Balance(0, 0)


async def reserve(tx: Tx, amount: int, reason: str, reference: str = "") -> None:
    """Put credits aside for something that may still fail. Raises OutOfCredits and then moves nothing."""
    await _spend(tx, RESERVE, amount, reason, reference)


async def reserve_up_to(tx: Tx, amount: int, reason: str, reference: str = "") -> int:
    """Put aside as many as there are, `amount` at most, and return how many."""
    return await _spend_up_to(tx, RESERVE_UP_TO, amount, reason, reference)


async def capture(tx: Tx, amount: int, reason: str, reference: str = "") -> None:
    """What was reserved is spent."""
    await _move(tx, CAPTURE, amount, reason, reference)


async def refund(tx: Tx, amount: int, reason: str, reference: str = "") -> None:
    """What was reserved is available again."""
    await _move(tx, REFUND, amount, reason, reference)


async def charge(tx: Tx, amount: int, reason: str, reference: str = "") -> None:
    """Spend at once. Raises OutOfCredits and then moves nothing."""
    await _spend(tx, CHARGE, amount, reason, reference)


async def refund_spent(tx: Tx, amount: int, reason: str, reference: str = "") -> None:
    """What was spent is available again: proof came late that it bought nothing."""
    await _move(tx, REFUND_SPENT, amount, reason, reference)


async def recapture(tx: Tx, amount: int, reason: str, reference: str = "") -> int:
    """What was given back is spent after all: proof came late that it bought something.

    Takes what is there, `amount` at most, and returns how many.
    """
    return await _spend_up_to(tx, RECAPTURE, amount, reason, reference)


async def statement(tx: Tx, before: int | None = None, limit: int = 50) -> list[Entry]:
    """The ledger, the newest first; `before` is the id of the last entry seen."""
    return await tx.fetch(Entry, LEDGER, tx.account, before, limit)


async def check(tx: Tx) -> Difference | None:
    """Whether the balance is what the ledger says; none is good news."""
    return await tx.maybe(Difference, CHECK, tx.account)


async def check_all(tx: Tx) -> list[Difference]:
    """The accounts whose balances are wrong, in a system transaction."""
    return await tx.fetch(Difference, CHECK_ALL)


def is_positive(amount: int) -> bool:
    """Whether there is anything to move. Nothing is fine; less than nothing, or more than all, is refused."""
    if isinstance(amount, bool) or not 0 <= amount <= MOST:
        raise Invalid({"amount": [f"The amount must be a whole number from 0 to {MOST}."]})
    return amount > 0


async def warn(tx: Tx, before: int, after: int) -> None:
    """Record that the balance came down to the account's threshold, if it just did."""
    threshold = await tx.value(int, THRESHOLD, tx.account)
    _warn(tx, before, after, threshold)


class _Moved(Struct, frozen=True):
    amount: int
    available: int
    threshold: int | None


async def _move(tx: Tx, move: Statement, amount: int, reason: str, reference: str) -> None:
    if is_positive(amount) and await _run(tx, move, amount, reason, reference) is None:
        raise Conflict("credits_not_reserved", "More credits than were reserved.")


async def _spend(tx: Tx, move: Statement, amount: int, reason: str, reference: str) -> None:
    if not is_positive(amount):
        return
    moved = await _run(tx, move, amount, reason, reference)
    if moved is None:
        raise OutOfCredits((await balance(tx)).available, amount)
    _warn(tx, moved.available + amount, moved.available, moved.threshold)


async def _spend_up_to(tx: Tx, move: Statement, amount: int, reason: str, reference: str) -> int:
    if not is_positive(amount):
        return 0
    moved = await _run(tx, move, amount, reason, reference)
    if moved is None:
        return 0
    _warn(tx, moved.available + moved.amount, moved.available, moved.threshold)
    return moved.amount


async def _run(tx: Tx, move: Statement, amount: int, reason: str, reference: str) -> _Moved | None:
    return await tx.maybe(_Moved, move, tx.account, amount, reason, reference, tx.actor)


def _warn(tx: Tx, before: int, after: int, threshold: int | None) -> None:
    if threshold is not None and after <= threshold < before:
        tx.record(CreditsLow(after, threshold))


BALANCE = sql("select available, reserved from balances where account_id = $1")

_ROW = """
    insert into ledger (account_id, source, target, amount, available, reason, reference, actor)
    select $1, '{source}', '{target}', amount, available, $3, $4, $5 from moved
    returning amount, available,
        low_credits($1) as threshold
"""

_MOVE = f"""
    with moved as (
        update balances set {{changes}} where account_id = $1 and {{enough}}
        returning $2::bigint as amount, available
    )
    {_ROW}
"""

# Locked before it is read, so that the amount is taken from what is there and not from what was there.
_MOVE_UP_TO = f"""
    with locked as (
        select available from balances where account_id = $1 for update
    ), moved as (
        update balances b set {{changes}} from locked
        where b.account_id = $1 and locked.available > 0
        returning least(locked.available, $2::bigint) as amount, b.available
    )
    {_ROW}
"""

RESERVE = sql(
    _MOVE.format(
        source="available",
        target="reserved",
        changes="available = available - $2, reserved = reserved + $2",
        enough="available >= $2",
    )
)

RESERVE_UP_TO = sql(
    _MOVE_UP_TO.format(
        source="available",
        target="reserved",
        changes="""available = locked.available - least(locked.available, $2),
            reserved = b.reserved + least(locked.available, $2)""",
    )
)

CAPTURE = sql(
    _MOVE.format(source="reserved", target="spent", changes="reserved = reserved - $2", enough="reserved >= $2")
)

REFUND = sql(
    _MOVE.format(
        source="reserved",
        target="available",
        changes="available = available + $2, reserved = reserved - $2",
        enough="reserved >= $2",
    )
)

CHARGE = sql(
    _MOVE.format(source="available", target="spent", changes="available = available - $2", enough="available >= $2")
)

REFUND_SPENT = sql(
    _MOVE.format(source="spent", target="available", changes="available = available + $2", enough="true")
)

RECAPTURE = sql(
    _MOVE_UP_TO.format(
        source="available",
        target="spent",
        changes="available = locked.available - least(locked.available, $2)",
    )
)

THRESHOLD = sql("select low_credits($1)")

LEDGER = sql("""
    select id, at, source, target, amount, available, reason, reference, description, actor from ledger
    where account_id = $1 and ($2::bigint is null or id < $2) order by id desc limit $3
""")

_SUMS = """
    with sums as (
        select account_id,
            sum(amount * ((target = 'available')::int - (source = 'available')::int)) as a,
            sum(amount * ((target = 'reserved')::int - (source = 'reserved')::int)) as r
        from ledger {where} group by account_id
    )
    select account_id, coalesce(b.available, 0) as available, coalesce(b.reserved, 0) as reserved,
        coalesce(sums.a, 0)::bigint as ledger_available, coalesce(sums.r, 0)::bigint as ledger_reserved
    from sums full join (select * from balances {where}) b using (account_id)
    where (coalesce(b.available, 0), coalesce(b.reserved, 0)) <> (coalesce(sums.a, 0), coalesce(sums.r, 0))
"""

CHECK = sql(_SUMS.format(where="where account_id = $1"))

CHECK_ALL = sql(_SUMS.format(where="") + " order by account_id", system=True)
