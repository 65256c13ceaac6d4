"""Agencies: sub-accounts with all that concerns credits: opened, looked at, closed."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from trunkline.accounts import accounts, settings, subaccounts
from trunkline.accounts.accounts import Account
from trunkline.accounts.profiles import Profile
from trunkline.billing import allowances, transfers
from trunkline.core import clock
from trunkline.core.db import Tx, sql
from trunkline.core.errors import NotFound


class Terms(Struct, frozen=True):
    """What a new sub-account gets: `credits` once, without a number the agency's `starting_credits`."""

    monthly: int = 0
    roll_over: bool = False
    credits: int | None = None


class Opened(Struct, frozen=True):
    """`password` is set if one was made for the new owner: show it once."""

    account: Account
    balance: int
    password: str | None


class Sub(Struct, frozen=True):
    """A sub-account as its agency sees it. `used` is of this month's allowance, `used_today` of all credits.

    `is_behind`: a month has begun for which the agency had not enough.
    """

    id: int
    uuid: UUID
    name: str
    email: str
    timezone: str
    country: str | None
    suspended: bool
    created_at: datetime
    first_name: str
    last_name: str
    business_name: str | None
    description: str | None
    address_line: str | None
    city: str | None
    state: str | None
    postal_code: str | None
    language: str | None
    monthly: int
    roll_over: bool
    used: int
    is_behind: bool
    available: int
    reserved: int
    owed: int
    used_today: int


async def open(
    tx: Tx,
    name: str,
    email: str,
    terms: Terms | None = None,
    *,
    timezone: str | None = None,
    country: str | None = None,
    profile: Profile | None = None,
    with_owner: bool = False,
) -> Opened:
    """A new sub-account of the agency of `tx` with its first credits; all of it or nothing.

    `with_owner` lets the address sign in. Raises OutOfCredits if the agency cannot give what it promises.
    """
    async with subaccounts.installation(tx) as system:
        account = await subaccounts.create(system, name, email, timezone=timezone, country=country, profile=profile)
        person = profile.person if profile else ""
        password = await subaccounts.add_owner(system, account, person) if with_owner else None
        await start(system, account, terms)
        [sub] = await system.fetch(Sub, BELOW, system.account, clock.now(), account.email, 0, 1)
        return Opened(account, sub.available, password)


async def start(tx: Tx, account: Account, terms: Terms | None = None) -> None:
    """The first credits of a new sub-account, in a system transaction of its agency."""
    terms = terms or Terms()
    agency = await accounts.get(tx, tx.account)
    first = settings.value(agency, "starting_credits") if terms.credits is None else terms.credits
    if first:
        await transfers.transfer(tx, account.email or "", first, reason="starting_credits")
    await allowances.put(tx, account.id, terms.monthly, roll_over=terms.roll_over)


async def set_allowance(tx: Tx, email: str, monthly: int, *, roll_over: bool = False) -> Sub:
    """Change what a sub-account of the agency of `tx` gets each month: from the next one on, or now if it had none."""
    async with subaccounts.installation(tx) as system:
        account = await subaccounts.find(system, email)
        await allowances.put(system, account.id, monthly, roll_over=roll_over)
        return await get(system, email)


async def get(tx: Tx, email: str) -> Sub:
    """A sub-account of the agency of `tx`, by its address."""
    async with subaccounts.installation(tx) as system:
        await subaccounts.get_agency(system)
        sub = await system.maybe(Sub, BELOW, tx.account, clock.now(), subaccounts.address(email), 0, 1)
    if sub is None:
        raise NotFound("sub_account")
    return sub


async def listed(tx: Tx, after: int = 0, limit: int = 100) -> list[Sub]:
    """The sub-accounts of the agency of `tx` in the order in which they were made; `after` is an id."""
    async with subaccounts.installation(tx) as system:
        await subaccounts.get_agency(system)
        return await system.fetch(Sub, BELOW, tx.account, clock.now(), None, after, limit)


BELOW = sql(
    f"""
    select a.id, a.uuid, a.name, a.email, a.timezone, a.country, a.suspended, a.created_at,
        coalesce(p.first_name, '') as first_name, coalesce(p.last_name, '') as last_name, p.business_name,
        p.description, p.address_line, p.city, p.state, p.postal_code, p.language,
        coalesce(w.monthly, 0) as monthly, coalesce(w.roll_over, false) as roll_over,
        case when w.month is null then 0 else least(w.given, greatest(0, {allowances.USED})) end as used,
        coalesce(w.month < account_month(a.id, $2), false) as is_behind,
        coalesce(b.available, 0) as available, coalesce(b.reserved, 0) as reserved,
        (select coalesce(sum(amount), 0)::bigint from channel_months o
            where o.account_id = a.id and o.paid_at is null) as owed,
        (select coalesce(sum(case when l.target = 'spent' then l.amount when l.source = 'spent' then -l.amount end), 0)
            from ledger l where l.account_id = a.id and l.at >= account_midnight(a.id, account_day(a.id, $2))
        )::bigint as used_today
    from accounts a
    left join profiles p on p.account_id = a.id
    left join allowances w on w.account_id = a.id
    left join balances b on b.account_id = a.id
    where a.parent_id = $1 and a.deleted_at is null and ($3::text is null or a.email = $3) and a.id > $4
    order by a.id limit $5
    """,
    system=True,
)
