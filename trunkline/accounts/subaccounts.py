"""Sub-accounts: what an agency sees and does below itself. Whoever is not below it does not exist."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from trunkline.accounts import accounts, audit
from trunkline.accounts.accounts import COLUMNS, Account
from trunkline.accounts.events import SubAccountCreated, SubAccountDeleted
from trunkline.core import mailaddr
from trunkline.core.db import Tx, sql
from trunkline.core.errors import Forbidden, NotFound


@asynccontextmanager
async def installation(tx: Tx) -> AsyncIterator[Tx]:
    """A system transaction of the agency: `tx` if it is one, else a new one that commits apart."""
    if tx.system:
        yield tx
        return
    async with tx.database.system(tx.account, tx.actor, tx.cause, tx.depth) as system:
        yield system


async def create(tx: Tx, name: str, email: str, *, timezone: str | None = None, country: str | None = None) -> Account:
    """A workspace below the agency of `tx`, without credits: `transfers.open_subaccount` gives it some."""
    async with installation(tx) as system:
        agency = await _agency(system)
        account = await accounts.create(
            system,
            name,
            parent=agency.uuid,
            email=email,
            timezone=timezone or agency.timezone,
            country=country or agency.country,
            languages=agency.languages,
        )
        system.record(SubAccountCreated(account.id, account.email or ""))
        await audit.record(system, "sub_account.created", f"account:{account.id}")
        return account


async def listed(tx: Tx, after: int = 0, limit: int = 100) -> list[Account]:
    """In the order in which they were made; `after` is the id of the last one seen."""
    async with installation(tx) as system:
        agency = await _agency(system)
        return await system.fetch(Account, LIST, agency.id, after, limit)


async def find(tx: Tx, email: str) -> Account:
    """The sub-account with this address; another agency's and the agency's own are as unknown as any."""
    async with installation(tx) as system:
        agency = await _agency(system)
        account = await system.maybe(Account, FIND, agency.id, address(email))
    if account is None:
        raise NotFound("sub_account")
    return account


async def delete(tx: Tx, email: str) -> Account:
    """Nobody gets in any more; its rows stay. Its address can be used for a new one."""
    async with installation(tx) as system:
        agency = await _agency(system)
        account = await system.maybe(Account, DELETE, agency.id, address(email))
        if account is None:
            raise NotFound("sub_account")
        system.record(SubAccountDeleted(account.id))
        await audit.record(system, "sub_account.deleted", f"account:{account.id}")
        await audit.record(system, "account.deleted", f"account:{account.id}", account=account.id)
        return account


def address(email: str) -> str:
    """The stored spelling; what is no address at all is nobody's."""
    try:
        return mailaddr.parse(email)
    except ValueError:
        raise NotFound("sub_account") from None


async def _agency(tx: Tx) -> Account:
    account = await accounts.get(tx, tx.account)
    if account.kind != "agency":
        raise Forbidden("This account is not an agency.", code="not_an_agency")
    return account


LIST = sql(
    f"""
    select {COLUMNS} from accounts where parent_id = $1 and id > $2 and deleted_at is null
    order by id limit $3
    """,
    system=True,
)

FIND = sql(f"select {COLUMNS} from accounts where parent_id = $1 and email = $2 and deleted_at is null", system=True)

DELETE = sql(
    f"""
    update accounts set deleted_at = now() where parent_id = $1 and email = $2 and deleted_at is null
    returning {COLUMNS}
    """,
    system=True,
)
