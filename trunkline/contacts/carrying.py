"""Carrying: contacts that come from another server with their uuids, addresses, groups and notes, a page at once."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from trunkline.contacts import consents, fields, groups, names, urns
from trunkline.contacts.events import ContactsImported, batches
from trunkline.contacts.groups import Group
from trunkline.contacts.records import Status
from trunkline.contacts.urns import Address
from trunkline.core.db import Tx, sql
from trunkline.core.text import clean
from trunkline.core.urns import Urn

STOP_KINDS = {"tel": "sms", "whatsapp": "whatsapp", "mailto": "email"}


class Remark(Struct, frozen=True):
    """`email` is the writer's, who may be nobody here."""

    text: str
    at: datetime
    email: str | None


class Carried(Struct, frozen=True, kw_only=True):
    uuid: UUID
    name: str | None
    status: Status
    language: str | None
    urns: Sequence[Urn]
    fields: Mapping[str, Any]
    groups: Sequence[tuple[UUID, str]]
    """Uuid and name; one that is here under another uuid is known by its name."""
    notes: Sequence[Remark]
    created_at: datetime
    updated_at: datetime
    seen_at: datetime | None


class Outcome(Struct):
    """`taken` are addresses that others here have, by contact."""

    created: int
    known: int
    taken: dict[UUID, list[Urn]]


async def carry(tx: Tx, given: Sequence[Carried], source: str) -> Outcome:
    """Contacts whose uuid is here already stay as they are. Nobody hears of those that are new."""
    people = {one.uuid: one for one in given}
    ids = dict(await tx.rows(INSERT, tx.account, source, *await _columns(tx, list(people.values()))))
    made = {id: people[uuid] for uuid, id in ids.items()}
    taken = await _give_addresses(tx, made)
    await _join(tx, made)
    await _note(tx, made)
    await _stop(tx, made, source)
    for batch in batches(list(made)):
        tx.record(ContactsImported(source, batch, []))
    return Outcome(len(made), len(people) - len(made), taken)


async def _columns(tx: Tx, people: Sequence[Carried]) -> list[list[Any]]:
    types: dict[str, fields.Type] = {each.key: each.type for each in await fields.all(tx)}
    rows = [
        (
            one.uuid,
            name := clean(one.name or "")[:255],
            *names.split(name),
            one.status,
            one.language,
            fields.as_json(
                {
                    key: fields.stored(types[key], value)
                    for key, value in one.fields.items()
                    if key in types and value not in (None, "")
                }
            ),
            one.created_at,
            one.updated_at,
            one.seen_at,
        )
        for one in people
    ]
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(10)]


async def _give_addresses(tx: Tx, made: Mapping[int, Carried]) -> dict[UUID, list[Urn]]:
    wanted = [
        (id, Address(urn, None, "urns"), place)
        for id, one in made.items()
        for place, urn in enumerate(dict.fromkeys(one.urns))
    ]
    won = await urns.take(tx, wanted)
    await urns.sync(tx, list(made), [])
    owners = await urns.owners(tx, won)
    taken: dict[UUID, list[Urn]] = {}
    for id, address, _ in wanted:
        if owners.get(address.urn) != id:
            taken.setdefault(made[id].uuid, []).append(address.urn)
    return taken


async def _join(tx: Tx, made: Mapping[int, Carried]) -> None:
    """Groups with a query find their members by themselves."""
    known = {group.uuid: group for group in await groups.all(tx)}
    by_name = {names.key(group.name): group for group in known.values()}
    members = [
        (group.id, id)
        for id, one in made.items()
        for group in _groups(one, known, by_name)
        if group.query is None and one.status == "active"
    ]
    if members:
        await tx.run(JOIN, tx.account, *(list(column) for column in zip(*members, strict=True)))


def _groups(one: Carried, known: Mapping[UUID, Group], by_name: Mapping[str, Group]) -> Iterable[Group]:
    for uuid, name in one.groups:
        if group := known.get(uuid) or by_name.get(names.key(name)):
            yield group


async def _note(tx: Tx, made: Mapping[int, Carried]) -> None:
    rows = [(id, clean(each.text), each.at, each.email or "") for id, one in made.items() for each in one.notes]
    if rows:
        await tx.run(NOTE, tx.account, *(list(column) for column in zip(*rows, strict=True)))


async def _stop(tx: Tx, made: Mapping[int, Carried], source: str) -> None:
    """Who said stop there is not written to from here."""
    for id, one in made.items():
        for urn in one.urns if one.status == "stopped" else ():
            if kind := STOP_KINDS.get(urn.scheme):
                await consents.opt_out(tx, kind, urn.path, source, contact_id=id)


INSERT = sql("""
    insert into contacts (account_id, source, uuid, name, first_name, last_name, status, language, fields, created_at,
        updated_at, last_seen_at)
    select $1, $2, uuid, name, first_name, last_name, status, language, fields::jsonb, created_at, updated_at, seen_at
    from unnest($3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
        $10::timestamptz[], $11::timestamptz[], $12::timestamptz[])
        as g (uuid, name, first_name, last_name, status, language, fields, created_at, updated_at, seen_at)
    on conflict (account_id, uuid) do nothing returning uuid, id
""")

JOIN = sql("""
    insert into group_members (account_id, group_id, contact_id)
    select $1, * from unnest($2::bigint[], $3::bigint[]) on conflict do nothing
""")

NOTE = sql("""
    insert into contact_notes (account_id, contact_id, body, created_at, user_id)
    select $1, g.contact_id, g.body, g.at, m.user_id
    from unnest($2::bigint[], $3::text[], $4::timestamptz[], $5::text[]) with ordinality
        as g (contact_id, body, at, email, place)
    left join users u on u.email = g.email
    left join memberships m on m.account_id = $1 and m.user_id = u.id
    order by g.place
""")
