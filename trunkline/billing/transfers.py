"""Transfers: credits that the operator grants, and those that an agency gives to its sub-accounts."""

from uuid import UUID

from msgspec import Struct

from trunkline.accounts import audit, subaccounts
from trunkline.billing import credits
from trunkline.billing.events import CreditsGranted
from trunkline.core import clock
from trunkline.core.db import Tx, sql
from trunkline.core.errors import Conflict, Forbidden, Invalid, NotFound, OutOfCredits


class Grant(Struct, frozen=True):
    """`metered_now`: from now on the account pays for what it sends. `repeated`: the first answer, again."""

    amount: int
    balance: int
    metered_now: bool
    repeated: bool


class Transfer(Struct, frozen=True):
    """The answer to an agency; `balance` is what the sub-account had right after the transfer."""

    account_id: int
    account_uuid: UUID
    amount: int
    balance: int
    repeated: bool


async def grant(
    tx: Tx, amount: int, *, description: str = "", idempotency_key: str | None = None, reason: str = "grant"
) -> Grant:
    """Credits from the operator for the account of `tx`. The first ones make a top-level account metered."""
    _check(amount, idempotency_key)
    await tx.run(ENSURE, tx.account)
    await tx.run(LOCK, tx.account)
    earlier = await tx.maybe(_Earlier, EARLIER, tx.account, idempotency_key) if idempotency_key else None
    if earlier:
        if (earlier.source, earlier.target, earlier.amount) != ("granted", "available", amount):
            raise Conflict("duplicate_request", REUSED)
        return Grant(amount, earlier.available, metered_now=False, repeated=True)
    metered_now = await tx.run(METER, tx.account) == 1
    row = (amount, reason, _clean(description), idempotency_key, tx.actor)
    balance = await tx.value(int, GRANT, tx.account, *row) or 0
    tx.record(CreditsGranted(amount, balance, reason))
    await audit.record(tx, "credits.granted", f"account:{tx.account}", {"amount": amount, "balance": balance})
    return Grant(amount, balance, metered_now, repeated=False)


async def transfer(
    tx: Tx,
    email: str,
    amount: int,
    *,
    description: str = "",
    idempotency_key: str | None = None,
    reason: str = "transfer",
) -> Transfer:
    """Credits from the agency of `tx` for its sub-account with this address; only a metered agency pays.

    With the same key the same answer comes again and nothing is moved; a key that was used for another amount
    or address is a Conflict. An address that is unknown, another agency's or its own is not found.
    """
    _check(amount, idempotency_key)
    try:
        address = subaccounts.address(email)
    except NotFound:
        address = ""  # the database tells first whether this is an agency at all
    if tx.system:
        await tx.run(STAND_AT, str(tx.account))
    row = (address, amount, reason, _clean(description), idempotency_key, tx.actor)
    done = await tx.one(_Done, TRANSFER, *row)
    _refuse(done, amount)
    if done.outcome == "done":
        tx.wake("events")
        await tx.run(CLOSE, tx.account, done.sub_account_id, idempotency_key, done.balance, clock.now())
        await _write_down(tx, done.sub_account_id, amount, reason, row[3] if idempotency_key is None else None)
    if done.agency_paid:
        await credits.warn(tx, done.agency_available + amount, done.agency_available)
    repeated = done.outcome == "repeated"
    return Transfer(done.sub_account_id, done.sub_account_uuid, amount, done.balance, repeated)


async def reclaim(tx: Tx, account_id: int, most: int = credits.MOST, *, reason: str) -> int:
    """What a sub-account has, `most` at most, returns to the agency of `tx`; tells how many. A deleted one counts."""
    if tx.system:
        await tx.run(STAND_AT, str(tx.account))
    moved = await tx.value(int, RECLAIM, account_id, most, reason, tx.actor) or 0
    if moved:
        details = {"amount": moved, "reason": reason}
        await audit.record(tx, "credits.reclaimed", f"account:{account_id}", details)
    return moved


async def _write_down(tx: Tx, account_id: int, amount: int, reason: str, description: str | None) -> None:
    """The audit log also tells what was done before just like this, without a key to say that it is the same."""
    details: dict[str, object] = {"amount": amount, "reason": reason}
    subject = f"account:{account_id}"
    if description is not None and (await tx.value(int, LIKE_THIS, tx.account, subject, amount, description) or 0) > 1:
        details["looks_repeated"] = True
    await audit.record(tx, "credits.transferred", subject, details)


class _Earlier(Struct, frozen=True):
    source: str
    target: str
    amount: int
    available: int


class _Done(Struct, frozen=True):
    outcome: str
    sub_account_id: int
    sub_account_uuid: UUID
    balance: int
    agency_available: int
    agency_paid: bool


def _refuse(done: _Done, amount: int) -> None:
    match done.outcome:
        case "not_an_agency":
            raise Forbidden("This account is not an agency.", code="not_an_agency")
        case "not_found":
            raise NotFound("sub_account")
        case "key_reused":
            raise Conflict("duplicate_request", REUSED)
        case "insufficient":
            raise OutOfCredits(done.agency_available, amount)


def _check(amount: int, key: str | None) -> None:
    if not credits.is_positive(amount):
        raise Invalid({"amount": ["The amount must be at least 1."]})
    if key is not None and not (1 <= len(key) <= 255 and key.isprintable()):
        raise Invalid({"idempotency_key": ["The idempotency key must have 1 to 255 printable characters."]})


def _clean(description: str) -> str:
    return description.replace("\0", "")[:500]


REUSED = "This idempotency key was used for another request."

ENSURE = sql("insert into balances (account_id) values ($1) on conflict do nothing")

LOCK = sql("select 1 from balances where account_id = $1 for update")

EARLIER = sql("""
    select source, target, amount, available from ledger where account_id = $1 and idempotency_key = $2
""")

METER = sql("""
    update accounts set metered = true
    where id = $1 and not metered and parent_id is null
        and not exists (
            select from ledger where account_id = $1 and source = 'granted' and target = 'available')
""")

GRANT = sql("""
    with moved as (
        update balances set available = available + $2 where account_id = $1 returning available
    )
    insert into ledger
        (account_id, source, target, amount, available, reason, description, idempotency_key, actor)
    select $1, 'granted', 'available', $2, available, $3, $4, $5, $6 from moved
    returning available
""")

# The function judges by the account of the transaction, which a system transaction has not set.
STAND_AT = sql("select set_config('trunkline.account', $1, true)", system=True)

TRANSFER = sql("""
    select outcome, sub_account_id, sub_account_uuid, balance, agency_available, agency_paid
    from transfer_credits($1, $2, $3, $4, $5, $6)
""")

RECLAIM = sql("select moved from reclaim_credits($1, $2, $3, $4)")

# What was asked for has come: by its key, or by whatever lifts the balance above the threshold.
CLOSE = sql("""
    update recharges set closed_at = $5
    where account_id = $1 and sub_account_id = $2 and closed_at is null and (key = $3 or threshold < $4)
""")

LIKE_THIS = sql("""
    select count(*) from ledger
    where account_id = $1 and at > now() - interval '10 minutes' and target = 'agency' and reference = $2
        and amount = $3 and description = $4
""")
