"""Transfers: credits that the operator grants, and those that an agency gives to its sub-accounts."""

from uuid import UUID

from msgspec import Struct

from trunkline.accounts import accounts, audit, settings, subaccounts
from trunkline.accounts.accounts import Account
from trunkline.billing import credits
from trunkline.billing.events import CreditsGranted
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


class Opened(Struct, frozen=True):
    """A new sub-account and its first credits."""

    account: Account
    balance: int


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
        await audit.record(
            tx, "credits.transferred", f"account:{done.sub_account_id}", {"amount": amount, "reason": reason}
        )
    if done.agency_paid:
        await credits.warn(tx, done.agency_available + amount, done.agency_available)
    repeated = done.outcome == "repeated"
    return Transfer(done.sub_account_id, done.sub_account_uuid, amount, done.balance, repeated)


async def open_subaccount(
    tx: Tx, name: str, email: str, *, timezone: str | None = None, country: str | None = None
) -> Opened:
    """A new sub-account of the agency of `tx` with the agency's `starting_credits`; both or neither."""
    async with subaccounts.installation(tx) as system:
        account = await subaccounts.create(system, name, email, timezone=timezone, country=country)
        first = settings.value(await accounts.get(system, tx.account), "starting_credits")
        if not first:
            return Opened(account, 0)
        given = await transfer(system, account.email or "", first, reason="starting_credits")
        return Opened(account, given.balance)


async def balances(tx: Tx) -> dict[int, credits.Balance]:
    """What the sub-accounts of the agency of `tx` have, by account; those that never had any are left out."""
    async with subaccounts.installation(tx) as system:
        rows = await system.rows(BELOW, tx.account)
    return {id: credits.Balance(available, reserved) for id, available, reserved in rows}


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

BELOW = sql(
    """
    select b.account_id, b.available, b.reserved from balances b
    join accounts a on a.id = b.account_id where a.parent_id = $1 and a.deleted_at is null
    """,
    system=True,
)
