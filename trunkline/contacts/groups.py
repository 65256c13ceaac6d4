"""Groups: named sets of contacts, kept by hand or, with a query, by themselves (smart.py).

Lists, segments and audiences of the dialects are groups.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from trunkline.contacts import names, searching
from trunkline.contacts.events import GroupCreated, GroupDeleted, record_members
from trunkline.core.db import Tx, sql
from trunkline.core.errors import Conflict, NotFound
from trunkline.core.ids import new_uuid


class Group(Struct, frozen=True):
    """`size` is the number of members; `query` is None for a group kept by hand.

    A smart group is `initializing` until everybody was `looked` at, and `invalid` when its query has a `problem`.
    `system` groups are the product's own.
    """

    id: int
    uuid: UUID
    name: str
    query: str | None
    created_at: datetime
    size: int
    status: str
    looked: int
    problem: str | None
    system: bool


class GroupRef(Struct, frozen=True):
    id: int
    uuid: UUID
    name: str


async def create(tx: Tx, name: str, *, query: str | None = None, uuid: UUID | None = None) -> Group:
    """A group kept by hand; or with a query, which raises `Invalid({"query": […]})` if it cannot define one."""
    name = names.required(name)
    given = None if query is None else await searching.defining(tx, query)
    values = (None, [], "ready") if given is None else (given.text, given.touches, "initializing")
    id = await tx.value(int, INSERT, tx.account, uuid or new_uuid(), name, names.key(name), *values)
    if id is None:
        raise Conflict("group_exists", "A group with this name already exists.", field="name")
    if given is not None:
        tx.enqueue("jobs", "group.fill", [id, 0], f"group:{id}", None)
    tx.record(GroupCreated(id))
    return await get(tx, id)


async def get(tx: Tx, id: int) -> Group:
    found = await get_many(tx, [id])
    if not found:
        raise NotFound("group", id)
    return found[0]


async def get_many(tx: Tx, ids: Sequence[int]) -> list[Group]:
    """The groups in the order of `ids`; unknown ones are left out."""
    rows = await tx.fetch(Group, BY_IDS, tx.account, [id for id in ids if 0 < id < 2**63])
    by_id = {group.id: group for group in rows}
    return [by_id[id] for id in dict.fromkeys(ids) if id in by_id]


async def by_uuid(tx: Tx, uuids: Sequence[UUID]) -> dict[UUID, Group]:
    return {group.uuid: group for group in await tx.fetch(Group, BY_UUIDS, tx.account, list(uuids))}


async def find(tx: Tx, name: str) -> Group | None:
    """The group with this name, however it is written."""
    return await tx.maybe(Group, BY_KEY, tx.account, names.key(name))


async def by_names(tx: Tx, wanted: Sequence[str]) -> dict[str, Group]:
    """The group of each name, however it is written; names of none are left out."""
    keys = {name: names.key(name) for name in wanted}
    rows = await tx.fetch(Group, BY_NAMES, tx.account, list(set(keys.values())))
    found = {names.key(group.name): group for group in rows}
    return {name: found[key] for name, key in keys.items() if key in found}


async def all(tx: Tx) -> list[Group]:
    """Every group, the newest first, with its size."""
    return await tx.fetch(Group, ALL, tx.account)


async def rename(tx: Tx, id: int, name: str) -> Group:
    name = names.required(name)
    await get(tx, id)
    if await tx.value(int, RIVAL, tx.account, names.key(name), id):
        raise Conflict("group_exists", "A group with this name already exists.", field="name")
    await tx.run(RENAME, tx.account, id, name, names.key(name))
    return await get(tx, id)


async def delete(tx: Tx, id: int) -> None:
    """Delete a group; its members stay contacts."""
    await get(tx, id)
    await tx.run(DELETE_MEMBERS, tx.account, id)
    await tx.run(DELETE, tx.account, id)
    tx.record(GroupDeleted(id))


async def add(tx: Tx, group: int, contacts: Sequence[int]) -> list[int]:
    """Add living contacts and return those that were not members before; a smart group takes nobody by hand."""
    await _refuse_smart(tx, group)
    added = await tx.column(int, ADD, tx.account, group, list(contacts)) if contacts else []
    await _bump(tx, added)
    record_members(tx, group, added, [])
    return added


async def remove(tx: Tx, group: int, contacts: Sequence[int]) -> list[int]:
    """Remove contacts and return those that were members; a smart group loses nobody by hand."""
    await _refuse_smart(tx, group)
    removed = await tx.column(int, REMOVE, tx.account, group, list(contacts)) if contacts else []
    await _bump(tx, removed)
    record_members(tx, group, [], removed)
    return removed


async def replace(tx: Tx, contact: int, groups: Sequence[int]) -> None:
    """Make these the only groups of the contact that are kept by hand."""
    present = await tx.column(int, OF_BY_HAND, tx.account, contact)
    for group in present:
        if group not in groups:
            await remove(tx, group, [contact])
    for group in dict.fromkeys(groups):
        if group not in present:
            await add(tx, group, [contact])


async def of(tx: Tx, contacts: Sequence[int]) -> dict[int, list[GroupRef]]:
    """The groups of each contact, the oldest first."""
    found: dict[int, list[GroupRef]] = {id: [] for id in contacts}
    for contact, *group in await tx.rows(OF, tx.account, list(contacts)):
        found[contact].append(GroupRef(*group))
    return found


async def members(tx: Tx, group: int, *, after: int = 0, limit: int = 1000) -> list[int]:
    """Member ids in order of id, those after `after`."""
    return await tx.column(int, MEMBERS, tx.account, group, after, limit)


async def _refuse_smart(tx: Tx, group: int) -> None:
    if name := await tx.value(str, SMART, tx.account, group):
        raise Conflict("smart_group", f"The group {name} fills itself by its query.", group=group)


async def _bump(tx: Tx, contacts: list[int]) -> None:
    if contacts:
        await tx.run(BUMP, tx.account, contacts)


COLUMNS = """
    g.id, g.uuid, g.name, g.query, g.created_at,
    (select coalesce(sum(d.value), 0)::bigint from tallies d
        where d.account_id = $1 and d.name = 'group:' || g.id) as size,
    g.status, g.looked, g.problem, g.system
"""

INSERT = sql("""
    insert into groups (account_id, uuid, name, name_key, query, touches, status) values ($1, $2, $3, $4, $5, $6, $7)
    on conflict (account_id, name_key) do nothing returning id
""")

BY_IDS = sql(f"select {COLUMNS} from groups g where g.account_id = $1 and g.id = any($2)")

BY_UUIDS = sql(f"select {COLUMNS} from groups g where g.account_id = $1 and g.uuid = any($2)")

BY_NAMES = sql(f"select {COLUMNS} from groups g where g.account_id = $1 and g.name_key = any($2)")

BY_KEY = sql(f"select {COLUMNS} from groups g where g.account_id = $1 and g.name_key = $2")

ALL = sql(f"select {COLUMNS} from groups g where g.account_id = $1 order by g.id desc")

RIVAL = sql("select id from groups where account_id = $1 and name_key = $2 and id <> $3")

RENAME = sql("update groups set name = $3, name_key = $4 where account_id = $1 and id = $2")

DELETE_MEMBERS = sql("delete from group_members where account_id = $1 and group_id = $2")

DELETE = sql("delete from groups where account_id = $1 and id = $2")

# The contact rows are locked in order first: nobody deletes them meanwhile, and two bulk edits cannot deadlock.
ADD = sql("""
    with living as materialized (
        select id from contacts where account_id = $1 and id = any($3) and deleted_at is null
        order by id for no key update
    )
    insert into group_members (account_id, group_id, contact_id)
    select $1, g.id, living.id from groups g cross join living where g.account_id = $1 and g.id = $2
    on conflict do nothing
    returning contact_id
""")

# An array, so that each membership is one probe of the key: next to a subquery the planner reads the whole group.
REMOVE = sql("""
    with held as materialized (
        select id from contacts where account_id = $1 and id = any($3) order by id for no key update
    )
    delete from group_members where account_id = $1 and group_id = $2 and contact_id = any(array(select id from held))
    returning contact_id
""")

BUMP = sql("""
    update contacts set updated_at = now() where account_id = $1 and id = any(array(
        select id from contacts where account_id = $1 and id = any($2) order by id for no key update))
""")

OF = sql("""
    select m.contact_id, g.id, g.uuid, g.name
    from group_members m join groups g on g.account_id = m.account_id and g.id = m.group_id
    where m.account_id = $1 and m.contact_id = any($2) order by g.id
""")

OF_BY_HAND = sql("""
    select g.id from group_members m join groups g on g.account_id = m.account_id and g.id = m.group_id
    where m.account_id = $1 and m.contact_id = $2 and g.query is null order by g.id
""")

SMART = sql("select name from groups where account_id = $1 and id = $2 and query is not null")

MEMBERS = sql("""
    select contact_id from group_members where account_id = $1 and group_id = $2 and contact_id > $3
    order by contact_id limit $4
""")
