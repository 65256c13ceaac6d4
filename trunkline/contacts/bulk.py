"""What is done to many contacts at once: to those that were chosen, or to all whom a filter leaves.

A job walks through the contacts in portions and notes in each portion's transaction how far it is, so that a crash
loses and repeats nothing. Whom an action changed is noted with it: undoing changes them back and nobody else. Deleting
frees the addresses of people for others and is therefore not undone.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

import msgspec
from msgspec import Struct

from trunkline.contacts import groups, listing, people, tags
from trunkline.contacts.listing import Filter
from trunkline.core import clock
from trunkline.core.db import Tx, sql
from trunkline.core.errors import Conflict, Invalid, NotFound
from trunkline.core.jobs import Desk, job

Kind = Literal["tag", "join", "leave", "delete"]
Status = Literal["running", "stopped", "done", "failed", "undoing", "undone"]

PORTION = 5_000
MOST_AT_ONCE = 1_000
"""So many are changed within the request that asks for it; more are left to the job."""
UNDO_FOR = timedelta(hours=24)
SHOWN_FOR = timedelta(minutes=10)


class Action(Struct, frozen=True):
    """`target` is the name of the tag or group. Of the `expected` contacts `looked` were looked at and `changed`
    changed; `restored` counts those who were changed back.
    """

    id: int
    kind: Kind
    target_id: int | None
    target: str
    filter: dict[str, Any]
    is_chosen: bool
    highest: int
    place: int
    expected: int
    looked: int
    changed: int
    restored: int
    status: Status
    problem: str | None
    created_at: datetime
    ended_at: datetime | None

    @property
    def is_running(self) -> bool:
        return self.status in ("running", "undoing")

    @property
    def is_undoable(self) -> bool:
        if self.kind == "delete" or not self.changed or self.ended_at is None:
            return False
        return self.status in ("done", "stopped", "failed") and self.ended_at > clock.now() - UNDO_FOR


async def start(
    tx: Tx,
    kind: Kind,
    target: int | None = None,
    *,
    chosen: Sequence[int] | None = None,
    filter: Filter | None = None,
) -> Action:
    """Do it to the chosen contacts, or to all whom the filter leaves now; who comes later is not meant.

    Raises `NotFound` without the tag or group, `Conflict("smart_group")`, and `Invalid` for an unreadable query.
    """
    name = await _named(tx, kind, target)
    filter = filter or Filter()
    ids = sorted(set(chosen)) if chosen is not None else await listing.few(tx, filter)
    if ids is None:
        await listing.among(tx, filter, [])  # a query that cannot be read is told now
        expected = (await listing.total(tx))[0]
    else:
        expected = len(ids)
    kept = {key: value for key, value in msgspec.to_builtins(filter).items() if value is not None}
    id = await tx.value(int, INSERT, tx.account, kind, target, name, kept, ids, expected, tx.actor)
    assert id is not None
    return await _begin(tx, id, expected)


async def stop(tx: Tx, id: int) -> None:
    """Go no further. What is done stays, and can be undone."""
    await get(tx, id)
    await tx.run(STOP, tx.account, id)


async def undo(tx: Tx, id: int) -> Action:
    """Change back whom the action changed. Raises `Conflict` when that is not possible, or not any more."""
    action = await get(tx, id)
    if not action.is_undoable or not await tx.run(UNDO, tx.account, id, clock.now() - UNDO_FOR):
        raise Conflict("not_undoable", "This cannot be undone, or not any more.", action=id)
    return await _begin(tx, id, action.changed)


async def get(tx: Tx, id: int) -> Action:
    found = await tx.maybe(Action, SELECT, tx.account, id) if 0 < id < 2**63 else None
    if found is None:
        raise NotFound("action", id)
    return found


async def latest(tx: Tx) -> Action | None:
    """The last one of whoever asks, while it runs and shortly after."""
    return await tx.maybe(Action, LATEST, tx.account, tx.actor, clock.now() - SHOWN_FOR)


async def all(tx: Tx, limit: int = 50) -> list[Action]:
    """The newest actions first."""
    return await tx.fetch(Action, ALL, tx.account, limit)


@job("contact.bulk", apart=True)
async def work(desk: Desk, id: int) -> None:
    while True:
        async with desk.tx() as tx:
            if not await portion(tx, id):
                return


async def portion(tx: Tx, id: int, size: int = PORTION) -> bool:
    """Change the next contacts, or change them back. False when nothing is left to do."""
    action = await tx.maybe(Action, LOCK, tx.account, id)
    if action is None or not action.is_running:
        return False
    try:
        await _named(tx, action.kind, action.target_id)
        ids, changed = await (_go_on if action.status == "running" else _go_back)(tx, action, size)
    except (Conflict, Invalid, NotFound) as error:  # the tag is gone, or the query cannot be read any more
        await tx.run(FAIL, tx.account, id, error.message)
        return False
    is_last = len(ids) < size
    await tx.run(ADVANCE[action.status], tx.account, id, ids[-1] if ids else action.place, len(ids), changed, is_last)
    return not is_last


@job("contact.bulk_prune", apart=True)
async def prune(desk: Desk) -> None:
    """Forget whom actions changed an hour after they cannot be undone any more, and old actions; of all accounts."""
    while True:
        async with desk.database.system() as tx:
            if await tx.run(PRUNE_MARKS) < PRUNED_AT_ONCE:
                await tx.run(PRUNE)
                return


async def _named(tx: Tx, kind: Kind, target: int | None) -> str:
    """The name of what people get or lose."""
    match kind:
        case "delete":
            return ""
        case "tag":
            return (await tags.get(tx, target or 0)).name
    group = await groups.get(tx, target or 0)
    if group.query is not None:
        raise Conflict("smart_group", f"The group {group.name} fills itself by its query.", group=group.id)
    return group.name


async def _begin(tx: Tx, id: int, expected: int) -> Action:
    """Few are changed at once, so that whoever chose them sees it done."""
    action = await get(tx, id)
    if expected > MOST_AT_ONCE or not (action.is_chosen or action.status == "undoing"):
        work.later(tx, id, key="contact.bulk")
        return action
    await portion(tx, id)
    return await get(tx, id)


async def _go_on(tx: Tx, action: Action, size: int) -> tuple[list[int], int]:
    """The contacts that were looked at, and how many were changed."""
    if action.is_chosen:
        ids = found = await tx.column(int, NEXT_CHOSEN, tx.account, action.id, action.place, size)
    else:
        ids = await tx.column(int, NEXT, tx.account, action.place, action.highest, size)
        found = await listing.among(tx, msgspec.convert(action.filter, Filter), ids)
    target = action.target_id or 0
    match action.kind:
        case "delete":
            return ids, len(await people.delete(tx, found))
        case "tag":
            changed = await tags.stick(tx, found, target)
        case "join":
            changed = await groups.add(tx, target, found)
        case "leave":
            changed = await groups.remove(tx, target, found)
    await tx.run(MARK, tx.account, action.id, changed)
    return ids, len(changed)


async def _go_back(tx: Tx, action: Action, size: int) -> tuple[list[int], int]:
    ids = await tx.column(int, NEXT_MARKED, tx.account, action.id, action.place, size)
    target = action.target_id or 0
    match action.kind:
        case "tag":
            return ids, await tags.remove(tx, ids, [target])
        case "join":
            return ids, len(await groups.remove(tx, target, ids))
        case _:
            return ids, len(await groups.add(tx, target, ids))


PRUNED_AT_ONCE = 20_000

COLUMNS = """id, kind, target_id, target, filter, chosen is not null as is_chosen, highest, place, expected, looked,
    changed, restored, status, problem, created_at, ended_at"""

INSERT = sql("""
    insert into bulk_actions (account_id, kind, target_id, target, filter, chosen, highest, expected, actor)
    select $1, $2, $3, $4, $5, $6, coalesce((select max(id) from contacts where account_id = $1), 0), $7, $8
    returning id
""")

SELECT = sql(f"select {COLUMNS} from bulk_actions where account_id = $1 and id = $2")

LATEST = sql(f"""
    select {COLUMNS} from (
        select * from bulk_actions where account_id = $1 and actor = $2 order by id desc limit 1
    ) as last where ended_at is null or ended_at > $3
""")

ALL = sql(f"select {COLUMNS} from bulk_actions where account_id = $1 order by id desc limit $2")

LOCK = sql(f"select {COLUMNS} from bulk_actions where account_id = $1 and id = $2 for update")

STOP = sql("""
    update bulk_actions set status = 'stopped', ended_at = now()
    where account_id = $1 and id = $2 and status = 'running'
""")

UNDO = sql("""
    update bulk_actions set status = 'undoing', place = 0, looked = 0, restored = 0, expected = changed, problem = null,
        ended_at = null
    where account_id = $1 and id = $2 and status in ('done', 'stopped', 'failed') and ended_at > $3
""")

FAIL = sql("""
    update bulk_actions set status = 'failed', problem = $3, ended_at = now() where account_id = $1 and id = $2
""")

_ADVANCE = """
    update bulk_actions set place = $3, looked = looked + $4, {counted} = {counted} + $5,
        status = case when $6 then '{ended}' else status end, ended_at = case when $6 then now() end
    where account_id = $1 and id = $2
"""
ADVANCE = {
    "running": sql(_ADVANCE.format(counted="changed", ended="done")),
    "undoing": sql(_ADVANCE.format(counted="restored", ended="undone")),
}

NEXT = sql("""
    select id from contacts where account_id = $1 and id > $2 and id <= $3 and deleted_at is null
    order by id limit $4
""")

NEXT_CHOSEN = sql("""
    select contact_id from bulk_actions a cross join unnest(a.chosen) as contact_id
    where a.account_id = $1 and a.id = $2 and contact_id > $3 order by contact_id limit $4
""")

NEXT_MARKED = sql("""
    select contact_id from bulk_marks where account_id = $1 and action_id = $2 and contact_id > $3
    order by contact_id limit $4
""")

MARK = sql("""
    insert into bulk_marks (account_id, action_id, contact_id) select $1, $2, unnest($3::bigint[])
""")

# Nobody can begin to undo in the last of these hours, so that no marks go that are being read.
PRUNE_MARKS = sql(
    f"""
    delete from bulk_marks m using (
        select t.account_id, t.action_id, t.contact_id
        from bulk_actions a join bulk_marks t on t.account_id = a.account_id and t.action_id = a.id
        where a.ended_at < now() - interval '25 hours' limit {PRUNED_AT_ONCE}
    ) as old
    where m.account_id = old.account_id and m.action_id = old.action_id and m.contact_id = old.contact_id
    """,
    system=True,
)

PRUNE = sql("delete from bulk_actions where ended_at < now() - interval '30 days'", system=True)
