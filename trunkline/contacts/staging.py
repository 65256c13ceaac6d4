"""Staging: rows of an import on their way from the file into the contacts."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from trunkline.contacts import names, urns
from trunkline.contacts.urns import Address
from trunkline.core.db import Tx, sql
from trunkline.core.ids import new_uuid
from trunkline.core.urns import Urn


class Draft(Struct, eq=False):
    """A checked row. `tel` is set if the phone can be dialled; `rows` is how many rows are in it,
    `needs` are its addresses that nobody owns yet, `fields` the custom ones.
    """

    line: int
    email: str | None = None
    phone: str | None = None
    raw: str | None = None
    mail: Urn | None = None
    tel: Urn | None = None
    name: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    company: str | None = None
    job_title: str | None = None
    city: str | None = None
    country: str | None = None
    timezone: str | None = None
    lead_score: int | None = None
    company_id: int | None = None
    contact_id: int = 0
    is_new: bool = False
    fields: dict[str, Any] = {}
    needs: set[Urn] = msgspec.field(default_factory=set)
    rows: int = 1

    def urns(self) -> list[Urn]:
        return [urn for urn in (self.tel, self.mail) if urn]

    def addresses(self) -> Iterator[tuple[int, Address, int]]:
        for urn in self.needs:
            yield self.contact_id, Address(urn, self.raw if urn.scheme == "tel" else None, "row"), 0

    def absorb(self, later: "Draft") -> None:
        """A later row of the same contact: what it says wins, what it leaves blank stays."""
        if later.phone:
            self.phone, self.tel, self.raw = later.phone, later.tel, later.raw
        if later.name or later.first_name or later.last_name:
            self.name = later.name
        for field in MERGED:
            if (value := getattr(later, field)) is not None:
                setattr(self, field, value)
        self.fields = {**self.fields, **later.fields}
        self.rows += later.rows

    def row(self, account: int) -> tuple[object, ...]:
        """A known contact keeps its first address when the row names one of its others."""
        keeps_email = not self.is_new and self.mail not in self.needs
        keeps_phone = not self.is_new and self.tel is not None and self.tel not in self.needs
        return (
            account,
            self.line,
            self.contact_id,
            new_uuid(),
            None if keeps_email else self.email,
            None if keeps_phone else self.phone,
            self.name or names.join(self.first_name, self.last_name),
            self.first_name or "",
            self.last_name or (" " if self.name and not self.is_new else ""),
            self.job_title,
            self.company_id,
            self.city,
            self.country,
            self.timezone,
            self.lead_score,
        )


async def prepare(tx: Tx) -> None:
    """Make the staging table of this transaction."""
    await tx.run(CREATE)


async def new_ids(tx: Tx, count: int) -> list[int]:
    return await tx.column(int, NEW_IDS, tx.account, count) if count else []


async def write(tx: Tx, drafts: Sequence[Draft], source: str) -> None:
    """Insert the new contacts and update the known ones. The addresses have been taken before."""
    if not drafts:
        return
    await tx.run(CLEAR)
    await tx.copy("import_rows", COLUMNS, (draft.row(tx.account) for draft in drafts))
    await _drop_replaced(tx, {draft.contact_id: draft for draft in drafts if not draft.is_new})
    for scored in {draft.lead_score is not None for draft in drafts}:
        await tx.run(UPSERT[scored], tx.account, source)


async def _drop_replaced(tx: Tx, known: dict[int, Draft]) -> None:
    """A new email or phone takes the place of the contact's first one."""
    if not known:
        return
    emails, numbers = [], []
    for id, email, phone in await tx.rows(CURRENT, tx.account, list(known)):
        draft = known[id]
        if email and email != draft.email and draft.mail in draft.needs:
            emails.append(email)
        if phone and draft.phone and phone != draft.phone and (not draft.tel or draft.tel in draft.needs):
            numbers.append(phone)
    await urns.drop(tx, list(known), "mailto", emails)
    await urns.drop(tx, list(known), "tel", numbers)


MERGED = (
    "email",
    "mail",
    "first_name",
    "last_name",
    "company",
    "job_title",
    "city",
    "country",
    "timezone",
    "lead_score",
    "company_id",
)

COLUMNS = (
    "account_id",
    "line",
    "contact_id",
    "uuid",
    "email",
    "phone",
    "name",
    "first_name",
    "last_name",
    "title",
    "company_id",
    "city",
    "country",
    "timezone",
    "lead_score",
)

# The temporary twin of the table in the schema (account_id and all) hides it until the commit.
CREATE = sql(
    "create temporary table if not exists import_rows (like public.import_rows) on commit drop -- with account_id"
)

CLEAR = sql("truncate import_rows -- every account_id in it is ours")

NEW_IDS = sql("""
    select nextval('contacts_id_seq') from generate_series(1, $2::int) where $1::bigint is not null -- account_id
""")

CURRENT = sql("select id, email, phone from contacts where account_id = $1 and id = any($2) for no key update")

# An upsert looks each row up by its key. A join would be planned by what the planner knows of the account's rows,
# which after a large import is nothing. Blank names are '' here, other blanks null; the last name ' ' empties it.
_UPSERT = """
    insert into contacts as c (account_id, id, uuid, name, first_name, last_name, email, phone, title, company_id,
        city, country, timezone, lead_score, source)
    overriding system value
    select account_id, contact_id, uuid, name, first_name, last_name, email, phone, title, company_id,
        city, country, timezone, {score}, $2
    from import_rows where account_id = $1 and lead_score is {present}
    order by contact_id
    on conflict (account_id, id) do update set
        name = case when excluded.name = '' then c.name when excluded.first_name <> '' and excluded.last_name <> ''
            then excluded.name else trim(coalesce(nullif(excluded.first_name, ''), c.first_name) || ' '
                || trim(coalesce(nullif(excluded.last_name, ''), c.last_name))) end,
        first_name = coalesce(nullif(excluded.first_name, ''), c.first_name),
        last_name = trim(coalesce(nullif(excluded.last_name, ''), c.last_name)),
        email = coalesce(excluded.email, c.email), phone = coalesce(excluded.phone, c.phone),
        title = coalesce(excluded.title, c.title), company_id = coalesce(excluded.company_id, c.company_id),
        city = coalesce(excluded.city, c.city), country = coalesce(excluded.country, c.country),
        timezone = coalesce(excluded.timezone, c.timezone), lead_score = {new_score}, updated_at = now()
    where (c.first_name, c.last_name, c.email, c.phone, c.title, c.company_id, c.city, c.country, c.timezone,
            c.lead_score)
        is distinct from (coalesce(nullif(excluded.first_name, ''), c.first_name),
            trim(coalesce(nullif(excluded.last_name, ''), c.last_name)), coalesce(excluded.email, c.email),
            coalesce(excluded.phone, c.phone), coalesce(excluded.title, c.title),
            coalesce(excluded.company_id, c.company_id), coalesce(excluded.city, c.city),
            coalesce(excluded.country, c.country), coalesce(excluded.timezone, c.timezone), {new_score})
"""
UPSERT = {
    True: sql(_UPSERT.format(score="lead_score", present="not null", new_score="excluded.lead_score")),
    False: sql(_UPSERT.format(score="0", present="null", new_score="c.lead_score")),
}
