"""Smart groups: filled by a query in the background, then kept by every change of a contact.

A change says what it touched; only the groups whose queries look at that are asked again, and only about the
contacts that changed. People who are not active are in no smart group. A query that a change of the account's
fields has broken leaves its group as it is, marked invalid.
"""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from msgspec import Struct

from trunkline.contacts import environments, groups, searching
from trunkline.contacts import fields as custom
from trunkline.contacts.events import BATCH, GroupFilled, record_members
from trunkline.contacts.groups import Group, GroupRef
from trunkline.contacts.query import Field, Names, Query, QueryError, compiling, parse
from trunkline.contacts.query.conditions import Day, conditions
from trunkline.core import clock
from trunkline.core.db import Tx, sql
from trunkline.core.errors import Conflict, NotFound
from trunkline.core.events import Happened
from trunkline.core.jobs import Desk, job
from trunkline.expressions.environment import Environment

PORTION = 10_000
GROUPS_AT_ONCE = 20
MOST_AT_ONCE = 2 * BATCH
"""So many contacts are looked at within a reaction; more are left to jobs."""


class Smart(Struct, frozen=True):
    id: int
    text: str


class Filling(Struct, frozen=True):
    id: int
    text: str
    cursor: int
    has_members: bool


async def change(tx: Tx, id: int, text: str) -> Group:
    """Give a smart group another query. Who matches no more leaves as the filling comes to them."""
    if (await groups.get(tx, id)).query is None:
        raise Conflict("manual_group", "The group is kept by hand and has no query.")
    query = await searching.defining(tx, text)
    await _refill(tx, id, query)
    return await groups.get(tx, id)


async def using(tx: Tx, field: str) -> list[GroupRef]:
    """The smart groups whose queries look at a custom field."""
    return await tx.fetch(GroupRef, USING, tx.account, f"fields.{field}")


async def refresh(tx: Tx, contacts: Collection[int], touched: Collection[str] | None = None) -> None:
    """Ask again the groups that look at what was touched (None: all of them) about contacts that changed."""
    if not contacts:
        return
    concerned = await tx.fetch(Smart, CONCERNED, tx.account, sorted(touched) if touched is not None else None)
    if not concerned:
        return
    if len(contacts) > MOST_AT_ONCE:
        for ids in _parts(sorted(contacts), BATCH):
            refresh_part.later(tx, ids, sorted(touched) if touched is not None else None)
        return
    reader = await _Reader.of(tx)
    read = [(group.id, query) for group in concerned if (query := reader.try_to(group.text))]
    for part in _parts(read, GROUPS_AT_ONCE):
        await _decide(tx, sorted(contacts), part)


async def contacts_created(tx: Tx, happened: Sequence[Happened]) -> None:
    """Reaction: somebody is new."""
    await refresh(tx, {one.event.contact_id for one in happened})


async def contacts_changed(tx: Tx, happened: Sequence[Happened]) -> None:
    """Reaction: people are not what they were. Those of whom the same changed are looked at together."""
    alike: dict[frozenset[str], set[int]] = {}
    for one in happened:
        touched = frozenset(map(_as_queries_say, one.event.changed))
        alike.setdefault(touched, set()).add(one.event.contact_id)
    for touched, contacts in alike.items():
        await refresh(tx, contacts, touched)


async def contacts_imported(tx: Tx, happened: Sequence[Happened]) -> None:
    """Reaction: a file was read. It may hold names and addresses, and the custom fields that it says."""
    await refresh(tx, {id for one in happened for id in one.event.created})
    brought = {field for one in happened for field in one.event.fields}
    await refresh(tx, {id for one in happened for id in one.event.updated}, {"name", "urns", *brought})


async def statuses_changed(tx: Tx, happened: Sequence[Happened]) -> None:
    """Reaction: people became active, or are not active any more."""
    await refresh(tx, {id for one in happened for id in one.event.contact_ids})


async def contacts_deleted(tx: Tx, happened: Sequence[Happened]) -> None:
    """Reaction: people are gone, perhaps while they were let into a group."""
    await refresh(tx, {id for one in happened for id in one.event.contact_ids})


async def contacts_seen(tx: Tx, happened: Sequence[Happened]) -> None:
    """Reaction: somebody wrote to us."""
    await refresh(tx, {one.event.contact_id for one in happened}, ("last_seen_on", "urns"))


async def tickets_changed(tx: Tx, happened: Sequence[Happened]) -> None:
    """Reaction: a ticket was opened or closed."""
    await refresh(tx, {one.event.contact_id for one in happened}, ("tickets",))


async def fields_retyped(tx: Tx, happened: Sequence[Happened]) -> None:
    """Reaction: the values of a field mean something else now."""
    for key in {one.event.key for one in happened}:
        await reread(tx, f"fields.{key}")


async def settings_changed(tx: Tx, happened: Sequence[Happened]) -> None:
    """Reaction: days begin at other moments, or dates are written another way."""
    if any({"timezone", "date_style"} & set(one.event.names) for one in happened):
        await reread(tx)


@job("group.refresh")
async def refresh_part(tx: Tx, contacts: list[int], touched: list[str] | None) -> None:
    await refresh(tx, contacts, touched)


@job("group.fill", apart=True)
async def fill(desk: Desk, id: int, turn: int) -> None:
    """Look at everybody, portion by portion, unless another filling began meanwhile."""
    while True:
        async with desk.tx() as tx:
            if not await next_portion(tx, id, turn):
                return


async def next_portion(tx: Tx, id: int, turn: int, size: int = PORTION) -> bool:
    """Look at the next contacts under the group's lock. False when nothing is left to do."""
    filling = await tx.maybe(Filling, LOCK_FILLING, tx.account, id, turn)
    if filling is None:
        return False
    try:
        query = (await _Reader.of(tx)).read(filling.text)
    except QueryError as error:
        await tx.run(BREAK, tx.account, id, error.message)
        return False
    few = await searching.narrow(tx, query) if not filling.cursor and not filling.has_members else None
    ids = await tx.column(int, NEXT, tx.account, filling.cursor, size) if few is None else sorted(few)
    if ids:
        await _decide(tx, ids, [(id, query)])
    is_done = few is not None or len(ids) < size
    await tx.run(ADVANCE, tx.account, id, ids[-1] if ids else filling.cursor, len(ids), is_done)
    if is_done:
        tx.record(GroupFilled(id))
    return not is_done


async def reread(tx: Tx, touched: str | None = None) -> None:
    """The account's fields or its ways to write dates have changed: fill anew what that concerns.

    `touched` is the name of a field like `fields.age`; None means dates.
    """
    reader = await _Reader.of(tx)
    for group in await tx.fetch(Smart, ALL_OR_TOUCHED, tx.account, touched):
        try:
            query = reader.read(group.text)
        except QueryError as error:
            await tx.run(BREAK, tx.account, group.id, error.message)
            continue
        if touched or any(isinstance(one.reading, Day) for one in conditions(query.root)):
            await _refill(tx, group.id, query)


class _Reader:
    """Reads the queries of an account's smart groups, which know of fields alone."""

    def __init__(self, environment: Environment, known: Names):
        self._environment, self._known = environment, known

    @classmethod
    async def of(cls, tx: Tx) -> "_Reader":
        declared = await custom.all(tx)
        known = Names([Field(one.key, one.label, one.type) for one in declared])
        return cls(await environments.of_account(tx, redacts=False), known)

    def read(self, text: str) -> Query:
        return parse(text, self._environment, self._known, now=clock.now())

    def try_to(self, text: str) -> Query | None:
        """None for one that does not fit the fields any more; the reaction to their change marks its group."""
        try:
            return self.read(text)
        except QueryError:
            return None


async def _refill(tx: Tx, id: int, query: Query) -> None:
    turn = await tx.value(int, RESTART, tx.account, id, query.text, query.touches)
    if turn is None:
        raise NotFound("group", id)
    fill.later(tx, id, turn, key=f"group:{id}")


async def _decide(tx: Tx, contacts: list[int], asked: Sequence[tuple[int, Query]]) -> None:
    """Let these contacts into the groups whose queries they match, and out of the others.

    A filling and the reaction to a change take turns at a group: the statement after the lock sees what the other has
    committed. Contacts are not locked. Whoever changes one at this moment records it, and then it is asked again.
    """
    await tx.run(LOCK, tx.account, [id for id, _ in asked])
    rows: list[str] = []
    values: list[object] = [[id for id, _ in asked]]
    for id, query in asked:
        where, given = compiling.where(query.root, query.environment, first=4 + len(values))
        rows.append(f"(${3 + len(values)}::bigint, {where})")
        values += [id, *given]
    statement = searching.statement(DECIDE.format(rows=", ".join(rows)))
    moved: dict[int, tuple[list[int], list[int]]] = {id: ([], []) for id, _ in asked}
    for group, contact, is_member in await tx.rows(statement, tx.account, contacts, *values):
        moved[group][0 if is_member else 1].append(contact)
    for group, (added, removed) in moved.items():
        record_members(tx, group, added, removed)


def _as_queries_say(changed: str) -> str:
    return {"phone": "urns", "email": "urns", "first_name": "name", "last_name": "name"}.get(changed, changed)


def _parts(items: Sequence[Any], size: int) -> Iterator[list[Any]]:
    for start in range(0, len(items), size):
        yield list(items[start : start + size])


RESTART = sql("""
    update groups set query = $3, touches = $4, status = 'initializing', problem = null, cursor = 0, looked = 0,
        turn = turn + 1
    where account_id = $1 and id = $2 returning turn
""")

BREAK = sql("update groups set status = 'invalid', problem = $3 where account_id = $1 and id = $2")

ADVANCE = sql("""
    update groups set cursor = $3, looked = looked + $4, status = case when $5 then 'ready' else status end
    where account_id = $1 and id = $2
""")

LOCK_FILLING = sql("""
    select id, query as text, cursor,
        exists (select from group_members m where m.account_id = $1 and m.group_id = g.id) as has_members
    from groups g where account_id = $1 and id = $2 and turn = $3 and status = 'initializing' for update
""")

CONCERNED = sql("""
    select id, query as text from groups
    where account_id = $1 and query is not null and status <> 'invalid' and ($2::text[] is null or touches && $2)
    order by id
""")

ALL_OR_TOUCHED = sql("""
    select id, query as text from groups
    where account_id = $1 and query is not null and ($2::text is null or $2 = any(touches)) order by id
""")

USING = sql("""
    select id, uuid, name from groups where account_id = $1 and query is not null and $2 = any(touches) order by id
""")

NEXT = sql("""
    select id from contacts where account_id = $1 and id > $2 and deleted_at is null order by id limit $3
""")

LOCK = sql("select from groups where account_id = $1 and id = any($2) order by id for no key update")

# $3 are the ids of the groups. Their conditions follow, each with its group.
DECIDE = """
    with decided as materialized (
        select asked.group_id, c.id as contact_id from contacts c
        cross join lateral (values {rows}) as asked (group_id, fits)
        where c.account_id = $1 and c.id = any($2::bigint[]) and c.status = 'active' and c.deleted_at is null
            and asked.fits
    ), gone as (
        delete from group_members m
        where m.account_id = $1 and m.contact_id = any($2) and m.group_id = any($3::bigint[]) and not exists (
            select from decided d where d.group_id = m.group_id and d.contact_id = m.contact_id)
        returning m.group_id, m.contact_id
    ), come as (
        insert into group_members (account_id, group_id, contact_id)
        select $1, group_id, contact_id from decided on conflict do nothing returning group_id, contact_id
    )
    select group_id, contact_id, true from come union all select group_id, contact_id, false from gone
    order by 1, 2
"""
