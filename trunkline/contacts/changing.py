"""How contacts change: one by a form, many at once by flows, actions and bulk edits."""

from collections.abc import Mapping, Sequence
from typing import Any

from trunkline.contacts import companies, names, urns
from trunkline.contacts import fields as custom
from trunkline.contacts.events import ContactStatusChanged, ContactUpdated, batches, record_members
from trunkline.contacts.records import STATUSES, Changes, Contact, Status, checked_values, load
from trunkline.core.db import Tx, sql
from trunkline.core.errors import Conflict, Invalid, NotFound


async def update(
    tx: Tx, id: int, changes: Changes, *, country: str | None = None, loose_phone: bool = False
) -> Contact:
    """Change what is given and return the contact as it is now; nothing is written when nothing differs."""
    if not 0 < id < 2**63 or await tx.value(int, LOCK, tx.account, id) is None:
        raise NotFound("contact", id)
    [before] = await load(tx, [id])
    given = changes.given()
    changed = await _set_addresses(tx, before, given, country=country, loose=loose_phone)
    after = await _after(tx, before, given)
    differing = [name for name in SET if getattr(before, name) != after[name]]
    if differing:
        await tx.run(UPDATE, tx.account, id, *(after[name] for name in SET))
    if "status" in differing:
        await _leave_groups(tx, [id], after["status"])
        tx.record(ContactStatusChanged([id], after["status"]))
    if after["is_primary"] and after["company_id"] and {"is_primary", "company_id"} & set(differing):
        await companies.set_primary(tx, after["company_id"], id)
    if not changed and not differing:
        return before
    tx.record(ContactUpdated(id, [*changed, *_named(before, after, differing)]))
    [contact] = await load(tx, [id])
    return contact


async def change_status(tx: Tx, ids: Sequence[int], status: Status) -> list[int]:
    """Set the status and return who changed. The blocked and the stopped leave every group."""
    if status not in STATUSES:
        raise Invalid({"status": ["The selected status is invalid."]})
    changed = await tx.column(int, SET_STATUS, tx.account, list(ids), status)
    await _leave_groups(tx, changed, status)
    for batch in batches(changed):
        tx.record(ContactStatusChanged(batch, status))
    return changed


async def rename(tx: Tx, new_names: Mapping[int, str | None]) -> list[int]:
    """Set the full names of many contacts, by id; returns who changed."""
    rows = [(id, name, *names.split(name)) for id, name in _tidied(new_names, "name")]
    return await _many(tx, RENAME, rows, "name")


async def set_language(tx: Tx, languages: Mapping[int, str | None]) -> list[int]:
    return await _many(tx, SET_LANGUAGE, _tidied(languages, "language"), "language")


async def set_timezone(tx: Tx, timezones: Mapping[int, str | None]) -> list[int]:
    return await _many(tx, SET_TIMEZONE, _tidied(timezones, "timezone"), "timezone")


async def set_fields(tx: Tx, values: Mapping[int, Mapping[str, Any]]) -> list[int]:
    """Merge custom fields into many contacts, by id; None or "" clears a field. Returns who changed."""
    rows = []
    for id, given in values.items():
        checked_values(given, "fields")
        readied = await custom.readied(tx, given)
        rows.append((id, readied, [key for key in given if key not in readied]))
    if not rows:
        return []
    ids, merged, cleared = (list(column) for column in zip(*rows, strict=True))
    texts = [custom.as_json(value) for value in merged]
    changed = await tx.column(int, SET_FIELDS, tx.account, ids, texts, [custom.as_json(keys) for keys in cleared])
    for id in changed:
        tx.record(ContactUpdated(id, [f"fields.{key}" for key in values[id]]))
    return changed


async def _many(tx: Tx, statement: Any, rows: Sequence[tuple[Any, ...]], name: str) -> list[int]:
    if not rows:
        return []
    changed = await tx.column(int, statement, tx.account, *map(list, zip(*rows, strict=True)))
    for id in changed:
        tx.record(ContactUpdated(id, [name]))
    return changed


def _tidied(values: Mapping[int, str | None], field: str) -> list[tuple[int, str]]:
    return sorted((id, names.tidy(value, field) or "") for id, value in values.items())


async def _set_addresses(
    tx: Tx, before: Contact, given: dict[str, Any], *, country: str | None, loose: bool
) -> list[str]:
    """Write email and phone with their addresses; returns which of them changed."""
    changed = []
    if "phone" in given:
        typed = names.tidy(given["phone"], "phone")
        address = urns.read_phone(typed, country=country, loose=loose) if typed else None
        text = address.urn.path if address else typed
        await _set_address(tx, before.id, "tel", address)
        if text != before.phone:
            await tx.run(SET_PHONE, tx.account, before.id, text)
            changed.append("phone")
    if "email" in given:
        typed = (given["email"] or "").strip()
        address = urns.read_email(typed) if typed else None
        await _set_address(tx, before.id, "mailto", address)
        if (address.urn.path if address else None) != before.email:
            changed.append("email")
    return changed


async def _set_address(tx: Tx, id: int, scheme: str, address: urns.Address | None) -> None:
    if await urns.set_first(tx, id, scheme, address):
        return
    assert address is not None
    owner = (await urns.owners(tx, [address.urn])).get(address.urn)
    raise Conflict(
        "contact_exists",
        f"A contact with this {address.field} already exists in this workspace.",
        contact_id=owner,
        field=address.field,
        owners={address.field: owner},
    )


async def _after(tx: Tx, before: Contact, given: dict[str, Any]) -> dict[str, Any]:
    """The values of all settable columns after the change."""
    after = {name: getattr(before, name) for name in SET}
    after |= {name: names.tidy(given[name], name) for name in TEXTS if name in given}
    after |= {name: given[name] for name in PLAIN if name in given}
    if not 0 <= after["lead_score"] <= 100:
        raise Invalid({"lead_score": ["The lead score must be between 0 and 100."]})
    if after["status"] not in STATUSES:
        raise Invalid({"status": ["The selected status is invalid."]})
    after |= _names(before, given)
    if "company" in given or "company_id" in given:
        after["company_id"] = await companies.resolve(tx, given.get("company"), given.get("company_id"))
    if "fields" in given:
        checked_values(given["fields"], "custom_fields")
        readied = await custom.readied(tx, given["fields"])
        after["fields"] = _merged(before.fields, {**dict.fromkeys(given["fields"]), **readied})
    if "metadata" in given:
        after["metadata"] = _merged(before.metadata, given["metadata"])
    checked_values(after["fields"], "custom_fields")
    checked_values(after["metadata"], "metadata")
    return after


def _names(before: Contact, given: dict[str, Any]) -> dict[str, str]:
    """Writing one side of the name rewrites the other; the full name wins over its parts."""
    if given.get("name"):
        name = names.tidy(given["name"], "name") or ""
        first, last = names.split(name)
        return {"name": name, "first_name": first, "last_name": last}
    sides = {side: names.tidy(given[side], side) or "" for side in ("first_name", "last_name") if side in given}
    if not sides:
        return {"name": "", "first_name": "", "last_name": ""} if "name" in given else {}
    parts = {"first_name": before.first_name, "last_name": before.last_name, **sides}
    return {**parts, "name": names.join(parts["first_name"], parts["last_name"])}


def _merged(old: dict[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in {**old, **given}.items() if value is not None}


def _named(before: Contact, after: dict[str, Any], differing: list[str]) -> list[str]:
    """Names for the event: `company` for its id, each custom field by its key."""
    named = ["company" if name == "company_id" else name for name in differing if name != "fields"]
    if "fields" in differing:
        keys = dict.fromkeys([*before.fields, *after["fields"]])
        named += [f"fields.{key}" for key in keys if before.fields.get(key) != after["fields"].get(key)]
    return named


async def _leave_groups(tx: Tx, ids: Sequence[int], status: Status) -> None:
    if not ids or status not in ("blocked", "stopped"):
        return
    left: dict[int, list[int]] = {}
    for group, contact in await tx.rows(LEAVE_GROUPS, tx.account, list(ids)):
        left.setdefault(group, []).append(contact)
    for group, members in left.items():
        record_members(tx, group, [], members)


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
PLAIN = ("is_primary", "lead_score", "status", "do_not_disturb", "bot_active", "owner_id")
SET = ("name", "first_name", "last_name", *TEXTS, *PLAIN, "company_id", "fields", "metadata")

LOCK = sql("""
    select id from contacts where account_id = $1 and id = $2 and deleted_at is null for no key update
""")

UPDATE = sql("""
    update contacts set name = $3, first_name = $4, last_name = $5, title = $6, buying_role = $7, city = $8,
        country = $9, timezone = $10, language = $11, avatar = $12, do_not_disturb_reason = $13, notes = $14,
        is_primary = $15, lead_score = $16, status = $17, do_not_disturb = $18, bot_active = $19, owner_id = $20,
        company_id = $21, fields = $22, metadata = $23, updated_at = now(),
        unsubscribed_at = case when $17 = status then unsubscribed_at when $17 = 'stopped' then now() end
    where account_id = $1 and id = $2
""")

SET_PHONE = sql("update contacts set phone = $3, updated_at = now() where account_id = $1 and id = $2")

SET_STATUS = sql("""
    update contacts set status = $3, updated_at = now(),
        unsubscribed_at = case when $3 = 'stopped' then now() end
    where account_id = $1 and id in (
        select id from contacts where account_id = $1 and id = any($2) and deleted_at is null and status <> $3
        order by id for no key update)
    returning id
""")

RENAME = sql("""
    update contacts c set name = given.name, first_name = given.first, last_name = given.last, updated_at = now()
    from unnest($2::bigint[], $3::text[], $4::text[], $5::text[]) as given (id, name, first, last)
    where c.account_id = $1 and c.id = any($2) and c.id = given.id and c.deleted_at is null and c.name <> given.name
    returning c.id
""")

_SET_TEXT = """
    update contacts c set {column} = nullif(given.value, ''), updated_at = now()
    from unnest($2::bigint[], $3::text[]) as given (id, value)
    where c.account_id = $1 and c.id = any($2) and c.id = given.id and c.deleted_at is null
        and c.{column} is distinct from nullif(given.value, '')
    returning c.id
"""
SET_LANGUAGE, SET_TIMEZONE = (sql(_SET_TEXT.format(column=column)) for column in ("language", "timezone"))

SET_FIELDS = sql("""
    update contacts c set fields = (c.fields || given.merged) - given.cleared, updated_at = now()
    from (
        select id, merged::jsonb, array(select jsonb_array_elements_text(cleared::jsonb)) as cleared
        from unnest($2::bigint[], $3::text[], $4::text[]) as given (id, merged, cleared)
    ) given
    where c.account_id = $1 and c.id = any($2) and c.id = given.id and c.deleted_at is null
        and c.fields is distinct from (c.fields || given.merged) - given.cleared
    returning c.id
""")

LEAVE_GROUPS = sql("""
    delete from group_members where account_id = $1 and contact_id = any($2) returning group_id, contact_id
""")
