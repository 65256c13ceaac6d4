"""Cards: contacts and companies as a mirror elsewhere keeps them. Every id is a uuid, the newest comes first."""

from collections.abc import AsyncIterator
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from msgspec import Struct

from trunkline.core.db import Tx, sql

Behind = tuple[datetime, int]
"""created_at and id of the last row seen."""


class CompanyCard(Struct, frozen=True):
    id: int
    uuid: UUID
    name: str
    website: str | None
    industry: str | None
    deal_value: Decimal
    stage: UUID | None
    position: int
    logo_url: str | None
    notes: str | None
    last_contact_at: datetime | None
    is_customer: bool
    created_by: UUID | None
    created_at: datetime
    updated_at: datetime


class ContactCard(Struct, frozen=True):
    """`phone` is the form that was typed, where it was kept."""

    id: int
    uuid: UUID
    company: UUID | None
    name: str
    email: str | None
    phone: str | None
    title: str | None
    role: str | None
    notes: str | None
    is_primary: bool
    owner: UUID | None
    created_at: datetime
    updated_at: datetime


async def companies(tx: Tx, *, after: Behind | None = None, limit: int | None = 500) -> list[CompanyCard]:
    return await tx.fetch(CompanyCard, COMPANIES, tx.account, *(after or (None, 0)), limit)


async def all_companies(tx: Tx) -> AsyncIterator[CompanyCard]:
    """Every company, in flat memory."""
    async for rows in tx.stream(COMPANIES, tx.account, None, 0, None):
        for row in rows:
            yield CompanyCard(*row)


async def companies_total(tx: Tx) -> int:
    return await tx.value(int, COUNT_COMPANIES, tx.account) or 0


async def contacts(
    tx: Tx, company_id: int | None = None, *, after: Behind | None = None, limit: int | None = 500
) -> list[ContactCard]:
    """People of one company, or everybody."""
    behind = after or (None, 0)
    if company_id is None:
        return await tx.fetch(ContactCard, CONTACTS, tx.account, *behind, limit)
    return await tx.fetch(ContactCard, COLLEAGUES, tx.account, *behind, limit, company_id)


async def all_contacts(tx: Tx, company_id: int | None = None) -> AsyncIterator[ContactCard]:
    """Everybody, or all people of one company, in flat memory."""
    statement, company = (CONTACTS, ()) if company_id is None else (COLLEAGUES, (company_id,))
    async for rows in tx.stream(statement, tx.account, None, 0, None, *company):
        for row in rows:
            yield ContactCard(*row)


COMPANIES = sql("""
    select c.id, c.uuid, c.name, c.website, c.industry, c.deal_value, s.uuid as stage, c.position, c.logo_url, c.notes,
        c.last_contact_at, c.is_customer, u.uuid as created_by, c.created_at, c.updated_at
    from companies c
    left join stages s on s.account_id = c.account_id and s.id = c.stage_id
    left join users u on u.id = c.created_by
    where c.account_id = $1 and c.deleted_at is null
        and ($2::timestamptz is null or (c.created_at, c.id) < ($2, $3::bigint))
    order by c.created_at desc, c.id desc limit $4
""")

COUNT_COMPANIES = sql("select count(*) from companies where account_id = $1 and deleted_at is null")

# The row's own lookups are subqueries, so that the walk over the index of contacts sets the order and the pace.
_CONTACT = """
    c.id, c.uuid,
    (select k.uuid from companies k where k.account_id = c.account_id and k.id = c.company_id) as company,
    c.name, c.email,
    coalesce((select n.raw from urns n where n.account_id = c.account_id and n.contact_id = c.id and n.scheme = 'tel'
        order by n.priority, n.id limit 1), c.phone) as phone,
    c.title, c.buying_role as role, c.notes, c.is_primary,
    (select u.uuid from users u where u.id = c.owner_id) as owner, c.created_at, c.updated_at
"""
_WALK = """
    c.account_id = $1 and c.deleted_at is null
        and ($2::timestamptz is null or (c.created_at, c.id) < ($2, $3::bigint))
"""

CONTACTS = sql(f"""
    select {_CONTACT} from contacts c where {_WALK} order by c.created_at desc, c.id desc limit $4
""")

COLLEAGUES = sql(f"""
    select {_CONTACT} from contacts c where {_WALK} and c.company_id = $5 order by c.created_at desc, c.id desc limit $4
""")
