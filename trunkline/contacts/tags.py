"""Tags of contacts and of conversations: each has a name that is unique in its kind, and a colour."""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Literal

from msgspec import Struct

from trunkline.contacts import names
from trunkline.contacts.events import TagsChanged, batches
from trunkline.contacts.records import TagRef
from trunkline.core.db import Tx, sql
from trunkline.core.errors import Conflict, Invalid, NotFound

Kind = Literal["contact", "conversation"]
DEFAULT_COLOR = "#8B5CF6"


class Tag(Struct, frozen=True):
    """`count` is how many living contacts wear it."""

    id: int
    kind: Kind
    name: str
    color: str
    description: str
    created_at: datetime
    count: int


async def create(tx: Tx, name: str, *, color: str | None = None, kind: Kind = "contact", description: str = "") -> Tag:
    name = names.required(name)
    id = await tx.value(int, INSERT, tx.account, kind, name, names.key(name), _color(color), description[:1000])
    if id is None:
        raise Conflict("tag_exists", "A tag with this name already exists.", field="name")
    return await get(tx, id, kind)


async def get(tx: Tx, id: int, kind: Kind = "contact") -> Tag:
    tag = await tx.maybe(Tag, SELECT, tx.account, id, kind) if 0 < id < 2**63 else None
    if tag is None:
        raise NotFound("tag", id)
    return tag


async def find(tx: Tx, wanted: Sequence[str], kind: Kind = "contact") -> dict[str, TagRef]:
    """Tags by the names asked for, however those are written; unknown names are left out."""
    keys = {name: names.key(name) for name in wanted}
    found = {key: TagRef(*tag) for key, *tag in await tx.rows(BY_KEYS, tx.account, kind, list(keys.values()))}
    return {name: found[key] for name, key in keys.items() if key in found}


async def known(tx: Tx, ids: Iterable[int], kind: Kind = "contact") -> set[int]:
    """Which of these ids are tags of this kind."""
    wanted = [id for id in ids if 0 < id < 2**63]
    return set(await tx.column(int, KNOWN, tx.account, kind, wanted)) if wanted else set()


async def all(tx: Tx, kind: Kind = "contact") -> list[Tag]:
    """Every tag by name, with its count."""
    return await tx.fetch(Tag, ALL, tx.account, kind)


async def update(
    tx: Tx, id: int, *, name: str | None = None, color: str | None = None, description: str | None = None
) -> Tag:
    """Change what is given."""
    kind = await tx.value(str, LOCK, tx.account, id) if 0 < id < 2**63 else None
    if kind is None:
        raise NotFound("tag", id)
    new = names.required(name) if name is not None else None
    key = names.key(new) if new else None
    if key and await tx.value(int, RIVAL, tx.account, kind, key, id):
        raise Conflict("tag_exists", "A tag with this name already exists.", field="name")
    await tx.run(UPDATE, tx.account, id, new, key, _color(color) if color is not None else None, description)
    return await get(tx, id, kind)  # pyright: ignore[reportArgumentType]


async def delete(tx: Tx, id: int, kind: Kind = "contact") -> None:
    """Delete a tag; what wore it stays, without it."""
    await get(tx, id, kind)
    await tx.run(UNLINK_CONTACTS, tx.account, id)
    await tx.run(UNLINK_CONVERSATIONS, tx.account, id)
    await tx.run(DELETE, tx.account, id)


async def get_or_create(tx: Tx, wanted: Sequence[str], kind: Kind = "contact") -> list[TagRef]:
    """The tags with these names, in order and each once; unknown names become tags."""
    tidied = [name for name in (names.tidy(name, "tag") for name in wanted) if name]
    by_key = {names.key(name): name for name in reversed(tidied)}
    if not by_key:
        return []
    found = {key: TagRef(*tag) for key, *tag in await tx.rows(BY_KEYS, tx.account, kind, list(by_key))}
    while missing := sorted(key for key in by_key if key not in found):
        await tx.run(INSERT_NAMES, tx.account, kind, [by_key[key] for key in missing], missing)
        found |= {key: TagRef(*tag) for key, *tag in await tx.rows(BY_KEYS, tx.account, kind, missing)}
    return [found[key] for key in dict.fromkeys(map(names.key, tidied))]


async def of(tx: Tx, contacts: Sequence[int]) -> dict[int, list[int]]:
    """The tag ids of each contact."""
    found: dict[int, list[int]] = {id: [] for id in contacts}
    for contact, tag in await tx.rows(OF, tx.account, list(contacts)):
        found[contact].append(tag)
    return found


async def add(tx: Tx, contacts: Sequence[int], tags: Sequence[int]) -> int:
    """Tag contacts; returns how many tags were put on. Only what is new becomes an event."""
    if not contacts or not tags:
        return 0
    rows = await tx.rows(ADD, tx.account, sorted(set(contacts)), sorted(set(tags)))
    await _record(tx, added=rows)
    return len(rows)


async def stick(tx: Tx, contacts: Sequence[int], tag: int) -> list[int]:
    """Put one tag on contacts and return those who did not wear it before."""
    rows = await tx.rows(ADD, tx.account, sorted(set(contacts)), [tag]) if contacts else []
    await _record(tx, added=rows)
    return [contact for contact, _ in rows]


async def remove(tx: Tx, contacts: Sequence[int], tags: Sequence[int]) -> int:
    """Untag contacts; returns how many tags came off."""
    if not contacts or not tags:
        return 0
    rows = await tx.rows(REMOVE, tx.account, sorted(set(contacts)), sorted(set(tags)))
    await _record(tx, removed=rows)
    return len(rows)


async def replace(tx: Tx, contacts: Sequence[int], tags: Sequence[int]) -> None:
    """Make these the only tags of the contacts; the differences become events."""
    if not contacts:
        return
    removed = await tx.rows(KEEP_ONLY, tx.account, sorted(set(contacts)), sorted(set(tags)))
    await _record(tx, removed=removed)
    await add(tx, contacts, tags)


async def _record(tx: Tx, *, added: Sequence = (), removed: Sequence = ()) -> None:
    changed = sorted({contact for contact, _ in (*added, *removed)})
    if not changed:
        return
    await tx.run(BUMP, tx.account, changed)
    called = dict(await tx.rows(NAMES, tx.account, sorted({tag for _, tag in (*added, *removed)})))
    for tag, name in called.items():
        for batch in batches(contact for contact, worn in added if worn == tag):
            tx.record(TagsChanged(tag, name, batch, []))
        for batch in batches(contact for contact, worn in removed if worn == tag):
            tx.record(TagsChanged(tag, name, [], batch))


def _color(color: str | None) -> str:
    if color is None:
        return DEFAULT_COLOR
    if not COLOR.fullmatch(color):
        raise Invalid({"color": ["The color must be written #RRGGBB."]})
    return color.upper()


COLOR = re.compile(r"#[0-9a-fA-F]{6}")

COLUMNS = """
    t.id, t.kind, t.name, t.color, t.description, t.created_at,
    (select coalesce(sum(d.value), 0)::bigint from tallies d
        where d.account_id = $1 and d.name = 'tag:' || t.id) as count
"""

INSERT = sql("""
    insert into tags (account_id, kind, name, name_key, color, description) values ($1, $2, $3, $4, $5, $6)
    on conflict (account_id, kind, name_key) do nothing returning id
""")

INSERT_NAMES = sql("""
    insert into tags (account_id, kind, name, name_key)
    select $1, $2, * from unnest($3::text[], $4::text[])
    on conflict (account_id, kind, name_key) do nothing
""")

SELECT = sql(f"select {COLUMNS} from tags t where t.account_id = $1 and t.id = $2 and t.kind = $3")

BY_KEYS = sql("""
    select name_key, id, name, color from tags where account_id = $1 and kind = $2 and name_key = any($3)
""")

KNOWN = sql("select id from tags where account_id = $1 and kind = $2 and id = any($3)")

ALL = sql(f"select {COLUMNS} from tags t where t.account_id = $1 and t.kind = $2 order by t.name_key")

LOCK = sql("select kind from tags where account_id = $1 and id = $2 for update")

RIVAL = sql("select id from tags where account_id = $1 and kind = $2 and name_key = $3 and id <> $4")

UPDATE = sql("""
    update tags set name = coalesce($3, name), name_key = coalesce($4, name_key), color = coalesce($5, color),
        description = coalesce($6, description)
    where account_id = $1 and id = $2
""")

UNLINK_CONTACTS = sql("delete from contact_tags where account_id = $1 and tag_id = $2")

UNLINK_CONVERSATIONS = sql("delete from conversation_tags where account_id = $1 and tag_id = $2")

DELETE = sql("delete from tags where account_id = $1 and id = $2")

OF = sql("""
    select contact_id, tag_id from contact_tags where account_id = $1 and contact_id = any($2) order by tag_id
""")

# The contact rows are locked in order first: nobody deletes them meanwhile, and two bulk edits cannot deadlock.
ADD = sql("""
    with living as materialized (
        select id from contacts where account_id = $1 and id = any($2) and deleted_at is null
        order by id for no key update
    )
    insert into contact_tags (account_id, tag_id, contact_id)
    select $1, t.id, living.id from living cross join tags t
    where t.account_id = $1 and t.id = any($3) and t.kind = 'contact'
    on conflict do nothing
    returning contact_id, tag_id
""")

_REMOVE = """
    with held as materialized (
        select id from contacts where account_id = $1 and id = any($2) order by id for no key update
    )
    delete from contact_tags where account_id = $1 and contact_id in (select id from held) and tag_id {which}
    returning contact_id, tag_id
"""
REMOVE, KEEP_ONLY = (sql(_REMOVE.format(which=which)) for which in ("= any($3)", "<> all($3)"))

BUMP = sql("""
    update contacts set updated_at = now() where account_id = $1 and id in (
        select id from contacts where account_id = $1 and id = any($2) order by id for no key update)
""")

NAMES = sql("select id, name from tags where account_id = $1 and id = any($2)")
