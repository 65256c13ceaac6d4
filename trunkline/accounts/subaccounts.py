"""Sub-accounts: what an agency sees and does below itself. Whoever is not below it does not exist."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

from trunkline.accounts import accounts, audit, links, mailing, profiles, users
from trunkline.accounts.accounts import COLUMNS, Account
from trunkline.accounts.events import SubAccountCreated, SubAccountDeleted
from trunkline.accounts.profiles import Profile
from trunkline.core import ids, mailaddr
from trunkline.core.db import Tx, sql
from trunkline.core.errors import Conflict, Forbidden, NotFound


@asynccontextmanager
async def installation(tx: Tx) -> AsyncIterator[Tx]:
    """A system transaction of the agency: `tx` if it is one, else a new one that commits apart."""
    if tx.system:
        yield tx
        return
    async with tx.database.system(tx.account, tx.actor, tx.cause, tx.depth) as system:
        yield system


@asynccontextmanager
async def inside(tx: Tx, account_id: int) -> AsyncIterator[Tx]:
    """The same system transaction, standing at another account: events and jobs belong to that one meanwhile."""
    await tx.flush()
    before, tx.account = tx.account, account_id
    try:
        yield tx
        await tx.flush()
    finally:
        tx.account = before


async def create(
    tx: Tx,
    name: str,
    email: str,
    *,
    timezone: str | None = None,
    country: str | None = None,
    profile: Profile | None = None,
) -> Account:
    """A workspace below the agency of `tx`, without credits: `agencies.open` gives it some."""
    async with installation(tx) as system:
        agency = await get_agency(system)
        account = await accounts.create(
            system,
            name,
            parent=agency.uuid,
            email=email,
            timezone=timezone or agency.timezone,
            country=country or agency.country,
            languages=agency.languages,
        )
        if profile is not None:
            await profiles.put(system, account.id, profile)
        system.record(SubAccountCreated(account.id, account.email or ""))
        await audit.record(system, "sub_account.created", f"account:{account.id}")
        return account


async def add_owner(tx: Tx, account: Account, name: str) -> str | None:
    """Let the address of a new sub-account sign in as its owner, in a system transaction of the agency.

    Returns the password made for it, to be shown once and mailed; none for somebody who can sign in elsewhere already.
    """
    async with inside(tx, account.id):
        password = await _add_owner(tx, account, name)
        await _write(tx, account, password)
        return password


async def _add_owner(tx: Tx, account: Account, name: str) -> str | None:
    made = await users.create(tx, account.email or "", "owner", name=name)
    if made.password or await tx.value(bool, KNOWN_ELSEWHERE, made.member.id, account.id):
        return made.password
    password = ids.token(24)
    await users.set_password(tx, made.member.id, password)
    return password


async def _write(tx: Tx, account: Account, password: str | None) -> None:
    if tx.database.tools is None or tx.database.tools.mail_relay is None:
        return
    way_in = f"this password:\n{password}\n\nChange it once you are in" if password else "the password you have"
    text = LETTER.format(name=account.name, link=await links.url(tx, "/login"), email=account.email, way_in=way_in)
    await mailing.mail(tx, account.email or "", f"Your account {account.name} is open", text)


async def listed(tx: Tx, after: int = 0, limit: int = 100) -> list[Account]:
    """In the order in which they were made; `after` is the id of the last one seen."""
    async with installation(tx) as system:
        agency = await get_agency(system)
        return await system.fetch(Account, LIST, agency.id, after, limit)


async def find(tx: Tx, email: str) -> Account:
    """The sub-account with this address; another agency's and the agency's own are as unknown as any."""
    async with installation(tx) as system:
        agency = await get_agency(system)
        account = await system.maybe(Account, FIND, agency.id, address(email))
    if account is None:
        raise NotFound("sub_account")
    return account


async def delete(tx: Tx, email: str) -> Account:
    """Nobody gets in any more and nothing leaves, at once; its rows stay. Its address can be used for a new one."""
    async with installation(tx) as system:
        agency = await get_agency(system)
        account = await system.maybe(Account, DELETE, agency.id, address(email))
        if account is None:
            raise NotFound("sub_account")
        await system.run(REVOKE_KEYS, account.id)
        await system.run(END_SESSIONS, account.id)
        system.record(SubAccountDeleted(account.id))
        await audit.record(system, "sub_account.deleted", f"account:{account.id}")
        await audit.record(system, "account.deleted", f"account:{account.id}", account=account.id)
        return account


async def suspend(tx: Tx, email: str, *, on: bool) -> Account:
    """Stop a sub-account's sending and its programs, or let them go on. What the operator stopped stays so."""
    async with installation(tx) as system:
        agency = await get_agency(system)
        account = await find(system, email)
        if on == account.suspended:
            return account
        changed = await system.maybe(Account, SUSPEND if on else RESUME, agency.id, account.id)
        if changed is None:
            raise Conflict("suspended_by_operator", "The operator of this installation suspended this account.")
        action = "sub_account.suspended" if on else "sub_account.resumed"
        await audit.record(system, action, f"account:{account.id}")
        await audit.record(system, "account.suspended" if on else "account.resumed", account=account.id)
        return changed


async def activity(tx: Tx, ids: list[int]) -> dict[int, datetime]:
    """When somebody or a program was last seen in these sub-accounts of the agency of `tx`."""
    async with installation(tx) as system:
        agency = await get_agency(system)
        return dict(await system.rows(ACTIVITY, agency.id, ids))


def address(email: str) -> str:
    """The stored spelling; what is no address at all is nobody's."""
    try:
        return mailaddr.parse(email)
    except ValueError:
        raise NotFound("sub_account") from None


async def get_agency(tx: Tx) -> Account:
    """The account of a system transaction, which must be an agency."""
    account = await accounts.get(tx, tx.account)
    if account.kind != "agency":
        raise Forbidden("This account is not an agency.", code="not_an_agency")
    return account


LETTER = """The account {name} was opened for you on Trunkline.

Sign in here:
{link}

with the address {email} and {way_in}.
"""

SUSPEND = sql(
    f"""
    update accounts set suspended = true, settings = settings || '{{"suspended_by": "agency"}}'
    where parent_id = $1 and id = $2 and deleted_at is null returning {COLUMNS}
    """,
    system=True,
)

RESUME = sql(
    f"""
    update accounts set suspended = false, settings = settings - 'suspended_by'
    where parent_id = $1 and id = $2 and deleted_at is null and settings ->> 'suspended_by' = 'agency'
    returning {COLUMNS}
    """,
    system=True,
)

ACTIVITY = sql(
    """
    select a.id, greatest(
        (select max(k.last_used_at) from api_keys k where k.account_id = a.id),
        (select max(s.seen_at) from memberships m join sessions s on s.user_id = m.user_id
            where m.account_id = a.id and (s.account_id = a.id or s.account_id is null))) as at
    from accounts a where a.parent_id = $1 and a.id = any($2::bigint[]) and a.deleted_at is null
    """,
    system=True,
)

# Who belongs to another living account, switched off or not, keeps the password known there.
KNOWN_ELSEWHERE = sql(
    """
    select exists (
        select from users u join memberships m on m.user_id = u.id
        join accounts a on a.id = m.account_id and a.deleted_at is null
        where u.id = $1 and u.password_hash is not null and m.account_id <> $2)
    """,
    system=True,
)

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

REVOKE_KEYS = sql("update api_keys set revoked_at = now() where account_id = $1 and revoked_at is null", system=True)

# Of those who belong here alone; others fall back to an account that still lives.
END_SESSIONS = sql(
    """
    delete from sessions s using memberships m
    where m.account_id = $1 and s.user_id = m.user_id and not exists (
        select from memberships o join accounts a on a.id = o.account_id and a.deleted_at is null
        where o.user_id = m.user_id and o.active)
    """,
    system=True,
)
