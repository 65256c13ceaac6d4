"""Contacts: made, found, changed, deleted. Lists and search are in listing.py."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from trunkline.contacts import companies, names, urns
from trunkline.contacts import fields as custom
from trunkline.contacts.changing import change_status as change_status
from trunkline.contacts.changing import rename as rename
from trunkline.contacts.changing import set_fields as set_fields
from trunkline.contacts.changing import update as update
from trunkline.contacts.events import ContactDeleted, batches, record_created, record_members
from trunkline.contacts.listing import Filter as Filter
from trunkline.contacts.listing import page as page
from trunkline.contacts.listing import page_and_total as page_and_total
from trunkline.contacts.listing import total as total
from trunkline.contacts.records import (
    COLUMNS,
    STATUSES,
    Contact,
    NewContact,
    checked_values,
    load,
    with_tags,
)
from trunkline.contacts.records import Changes as Changes
from trunkline.contacts.urns import Address
from trunkline.core.db import Tx, sql
from trunkline.core.errors import Conflict, Invalid, NotFound
from trunkline.core.ids import new_uuid
from trunkline.core.urns import Urn


async def create(tx: Tx, new: NewContact, *, country: str | None = None, loose_phone: bool = False) -> Contact:
    """A new contact with its addresses.

    Raises `Conflict("contact_exists")` with `contact_id`, `field` and `owners` (field to contact) when an address
    is somebody's already; the phone's owner comes first. `country` completes national numbers. `loose_phone`
    keeps a phone that cannot be dialled as text, without an address.
    """
    columns = _columns(new)
    addresses = _addresses(new, country=country, loose=loose_phone)
    await _refuse_taken(tx, addresses)
    custom_values = await custom.readied(tx, new.fields)
    company_id = await companies.resolve(tx, new.company, new.company_id)
    id = await tx.value(int, NEXT_ID, tx.account, 1)
    assert id is not None
    wanted = [(id, address, n) for n, address in enumerate(addresses)]
    while len(await urns.take(tx, wanted)) < len(addresses):  # lost to somebody who wrote at the same moment
        await urns.free(tx, [id])
        await _refuse_taken(tx, addresses)
    by_field = {address.field: address.urn.path for address in reversed(addresses)}
    phone = by_field.get("phone") or names.tidy(new.phone, "phone")
    await tx.run(
        INSERT,
        tx.account,
        id,
        new_uuid(),
        *columns,
        by_field.get("email"),
        phone,
        company_id,
        custom_values,
        new.metadata,
    )
    if new.is_primary and company_id:
        await companies.set_primary(tx, company_id, id)
    await urns.sync(tx, [id], [])
    record_created(tx, [id], new.source)
    return await get(tx, id)


async def get(tx: Tx, id: int) -> Contact:
    """A living contact with its tags."""
    found = await get_many(tx, [id])
    if not found:
        raise NotFound("contact", id)
    return found[0]


async def get_many(tx: Tx, ids: Sequence[int], *, deleted: bool = False) -> list[Contact]:
    """The contacts in the order of `ids`; unknown ones are left out, deleted ones too unless asked for."""
    by_id = {contact.id: contact for contact in await load(tx, ids, deleted=deleted)}
    return [by_id[id] for id in dict.fromkeys(ids) if id in by_id]


async def by_uuid(tx: Tx, uuids: Sequence[UUID], *, deleted: bool = False) -> dict[UUID, Contact]:
    rows = await tx.fetch(Contact, BY_UUIDS, tx.account, list(uuids), deleted)
    return {contact.uuid: contact for contact in await with_tags(tx, rows)}


async def find(tx: Tx, urn: Urn) -> Contact | None:
    """The living owner of an address."""
    found = (await urns.owners(tx, [urn])).get(urn)
    return next(iter(await get_many(tx, [found])), None) if found else None


async def get_or_create(
    tx: Tx, wanted: Sequence[Urn], *, names: Mapping[Urn, str] | None = None, source: str = ""
) -> list[tuple[int, bool]]:
    """The owner of each address and whether it is new, in the order given. Exactly one contact for each address,
    however many callers want it at once; `names` are for new contacts only.
    """
    owned = await urns.owners(tx, wanted)
    new: dict[Urn, int] = {}
    while missing := [urn for urn in dict.fromkeys(wanted) if urn not in owned]:
        # Somebody may win an address and give it up again before we look, hence the loop.
        ids = await tx.column(int, NEXT_ID, tx.account, len(missing))
        won = await urns.take(tx, [(id, Address(urn, None, "urns"), 0) for urn, id in zip(missing, ids, strict=True)])
        new |= {urn: id for urn, id in zip(missing, ids, strict=True) if urn in won}
        owned |= new
        lost = [urn for urn in missing if urn not in won]
        owned |= await urns.owners(tx, lost) if lost else {}
    if new:
        await _insert_plain(tx, new, names or {}, source)
    return [(owned[urn], urn in new) for urn in wanted]


async def delete(tx: Tx, ids: Sequence[int]) -> list[int]:
    """Delete living contacts and return their ids. Their addresses become free; groups and tags lose them."""
    deleted = await tx.column(int, DELETE, tx.account, list(ids))
    if not deleted:
        return []
    await urns.free(tx, deleted)
    left: dict[int, list[int]] = {}
    for group, contact in await tx.rows(LEAVE_GROUPS, tx.account, deleted):
        left.setdefault(group, []).append(contact)
    for group, members in left.items():
        record_members(tx, group, [], members)
    await tx.run(DROP_TAGS, tx.account, deleted)
    for batch in batches(deleted):
        tx.record(ContactDeleted(batch))
    return deleted


async def touch(
    tx: Tx, ids: Sequence[int], *, inbound: datetime | None = None, outbound: datetime | None = None
) -> None:
    """Note when contacts last wrote to us or were written to. It is not a change of the contact."""
    if ids:
        await tx.run(TOUCH, tx.account, sorted(set(ids)), inbound, outbound)


def _columns(new: NewContact) -> tuple[Any, ...]:
    """The checked plain values, in the order of INSERT."""
    if new.status not in STATUSES:
        raise Invalid({"status": ["The selected status is invalid."]})
    if not 0 <= new.lead_score <= 100:
        raise Invalid({"lead_score": ["The lead score must be between 0 and 100."]})
    checked_values(new.fields, "custom_fields")
    checked_values(new.metadata, "metadata")
    name = names.tidy(new.name, "name")
    first, last = names.tidy(new.first_name, "first_name"), names.tidy(new.last_name, "last_name")
    if name:
        first, last = names.split(name)
    texts = (names.tidy(getattr(new, field), field) for field in TEXTS)
    return (
        name or names.join(first, last),
        first or "",
        last or "",
        *texts,
        new.is_primary,
        new.lead_score,
        new.status,
        new.do_not_disturb,
        new.bot_active,
        new.owner_id,
        new.source,
    )


def _addresses(new: NewContact, *, country: str | None, loose: bool) -> list[Address]:
    found: list[Address] = []
    if typed := names.tidy(new.phone, "phone"):
        phone = urns.read_phone(typed, country=country, loose=loose)
        found += [phone] if phone else []
    if new.email and new.email.strip():
        found.append(urns.read_email(new.email))
    found += [Address(urn, None, "urns") for urn in new.urns]
    return list({address.urn: address for address in reversed(found)}.values())[::-1]


async def _refuse_taken(tx: Tx, addresses: Sequence[Address]) -> None:
    owned = await urns.owners(tx, [address.urn for address in addresses]) if addresses else {}
    taken = {address.field: owned[address.urn] for address in reversed(addresses) if address.urn in owned}
    if taken:
        field = next(address.field for address in addresses if address.urn in owned)
        raise Conflict(
            "contact_exists",
            f"A contact with this {field} already exists in this workspace.",
            contact_id=taken[field],
            field=field,
            owners=taken,
        )


async def _insert_plain(tx: Tx, new: Mapping[Urn, int], named: Mapping[Urn, str], source: str) -> None:
    rows = []
    for urn, id in new.items():
        name = names.tidy(named.get(urn, "")[: names.MOST["name"]], "name") or ""
        email, phone = (urn.path if urn.scheme == scheme else None for scheme in ("mailto", "tel"))
        rows.append((id, new_uuid(), name, *names.split(name), email, phone))
    await tx.run(INSERT_PLAIN, tx.account, source, *map(list, zip(*rows, strict=True)))
    record_created(tx, list(new.values()), source)


TEXTS = (
    "title",
    "buying_role",
    "city",
    "country",
    "timezone",
    "language",
    "avatar",
    "do_not_disturb_reason",
    "notes",
)

NEXT_ID = sql("""
    select nextval('contacts_id_seq') as id from generate_series(1, $2::int) where $1::bigint is not null -- account_id
""")

INSERT = sql("""
    insert into contacts (account_id, id, uuid, name, first_name, last_name,
        title, buying_role, city, country, timezone, language, avatar, do_not_disturb_reason, notes,
        is_primary, lead_score, status, do_not_disturb, bot_active, owner_id, source,
        email, phone, company_id, fields, metadata, unsubscribed_at)
    overriding system value
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22,
        $23, $24, $25, $26, $27, case when $18 = 'stopped' then now() end)
""")

INSERT_PLAIN = sql("""
    insert into contacts (account_id, source, id, uuid, name, first_name, last_name, email, phone)
    overriding system value
    select $1, $2, * from unnest($3::bigint[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[])
""")

BY_UUIDS = sql(f"""
    select {COLUMNS} from contacts c where c.account_id = $1 and c.uuid = any($2) and (c.deleted_at is null or $3)
""")

DELETE = sql("""
    update contacts set deleted_at = now(), updated_at = now(), is_primary = false
    where account_id = $1 and id in (
        select id from contacts where account_id = $1 and id = any($2) and deleted_at is null
        order by id for no key update)
    returning id
""")

LEAVE_GROUPS = sql("""
    delete from group_members where account_id = $1 and contact_id = any($2) returning group_id, contact_id
""")

DROP_TAGS = sql("delete from contact_tags where account_id = $1 and contact_id = any($2)")

TOUCH = sql("""
    update contacts set
        last_inbound_at = greatest(last_inbound_at, $3), last_seen_at = greatest(last_seen_at, $3),
        last_contacted_at = greatest(last_contacted_at, $4)
    where account_id = $1 and id in (
        select id from contacts where account_id = $1 and id = any($2) order by id for no key update)
""")
