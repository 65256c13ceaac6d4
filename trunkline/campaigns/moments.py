"""Moments: when each point of a sequence is due for each contact, worked out by the database, kept as one small row."""

from collections.abc import Iterable, Sequence
from typing import Any

from trunkline.core.db import Tx, sql
from trunkline.core.events import Happened
from trunkline.core.jobs import Desk, job

PORTION = 10_000


async def recalculate(tx: Tx, points: Sequence[int]) -> None:
    """Work out whole points anew, in the background; until then they say `scheduling`."""
    await tx.run(SCHEDULING, tx.account, list(points), True)
    for point in points:
        work_out.later(tx, point, key=f"point:{point}")


async def forget(tx: Tx, points: Sequence[int]) -> None:
    await tx.run(FORGET, tx.account, list(points))


@job("sequence.work_out", apart=True)
async def work_out(desk: Desk, point: int) -> None:
    """All contacts of a point's group, in portions; then whoever is not in the group any more is left out."""
    after = 0
    while True:
        async with desk.tx() as tx:
            contacts = await tx.column(int, MEMBERS, tx.account, point, after, PORTION)
            if contacts:
                after = contacts[-1]
                await schedule(tx, [point], contacts)
                continue
            await tx.run(STRANGERS, tx.account, point)
            await tx.run(SCHEDULING, tx.account, [point], False)
            return


async def schedule(tx: Tx, points: Sequence[int], contacts: Iterable[int]) -> None:
    """Set the moments of these points for these contacts; moments that have passed already do not come.

    Letters that were live then are made up for, within a day: who joins gets the first one at that moment. Of those
    that count from joining nobody gets one twice before joining again; of others, a clock that is put forward or back
    makes no new moment.
    """
    ids = sorted(set(contacts))
    if ids and points:
        await tx.run(SCHEDULE, tx.account, sorted(points), ids)


async def contacts_changed(tx: Tx, happened: Sequence[Happened]) -> None:
    """Reaction: a date or the time zone of somebody is another."""
    touched: dict[str, set[int]] = {}
    for one in happened:
        for name in one.event.changed:
            if name == "timezone" or name.startswith("fields."):
                touched.setdefault(name.removeprefix("fields."), set()).add(one.event.contact_id)
    await _touch(tx, touched)


async def members_changed(tx: Tx, happened: Sequence[Happened]) -> None:
    """Reaction: somebody joined or left a sequence's group."""
    moved: dict[int, set[int]] = {}
    for one in happened:
        moved.setdefault(one.event.group_id, set()).update(one.event.added, one.event.removed)
    for group, point in _grouped(await tx.rows(OF_GROUPS, tx.account, list(moved))).items():
        await schedule(tx, point, moved[group])


async def contacts_imported(tx: Tx, happened: Sequence[Happened]) -> None:
    """Reaction: an import may have changed any date."""
    contacts = {id for one in happened for id in (*one.event.created, *one.event.updated)}
    await schedule(tx, await tx.column(int, ALL, tx.account), contacts)


async def contacts_seen(tx: Tx, happened: Sequence[Happened]) -> None:
    """Reaction: somebody wrote, so what is relative to that moves."""
    await _touch(tx, {"last_seen_on": {one.event.contact_id for one in happened}})


async def _touch(tx: Tx, touched: dict[str, set[int]]) -> None:
    if not touched:
        return
    for key, points in _grouped(await tx.rows(OF_KEYS, tx.account, list(touched))).items():
        await schedule(tx, points, touched[key])


def _grouped(rows: Iterable[tuple[Any, ...]]) -> dict[Any, list[int]]:
    found: dict[Any, list[int]] = {}
    for key, point in rows:
        found.setdefault(key, []).append(point)
    return found


_LIVING = """
    sequence_points p join sequences s on s.account_id = $1 and s.id = p.sequence_id and not s.archived
        and s.deleted_at is null
    where p.account_id = $1 and p.deleted_at is null
"""

SCHEDULING = sql("update sequence_points set scheduling = $3 where account_id = $1 and id = any($2::bigint[])")

FORGET = sql("delete from sequence_moments where account_id = $1 and point_id = any($2::bigint[])")

MEMBERS = sql("""
    select m.contact_id from sequence_points p
    join sequences s on s.account_id = $1 and s.id = p.sequence_id and not s.archived
    join group_members m on m.account_id = $1 and m.group_id = s.group_id
    where p.account_id = $1 and p.id = $2 and m.contact_id > $3 order by m.contact_id limit $4
""")

STRANGERS = sql("""
    delete from sequence_moments d where d.account_id = $1 and d.point_id = $2 and not exists (
        select from sequence_points p
        join sequences s on s.account_id = $1 and s.id = p.sequence_id and not s.archived and s.deleted_at is null
        join group_members m on m.account_id = $1 and m.group_id = s.group_id and m.contact_id = d.contact_id
        where p.account_id = $1 and p.id = $2 and p.deleted_at is null)
""")

SCHEDULE = sql(f"""
    with wanted as materialized (
        select p.id as point_id, c.id as contact_id, p.letter_id, p.live_since, p.joined_at, p.relative_to,
            p.unit, sequence_moment(
            case p.relative_to when 'created_on' then c.created_at when 'last_seen_on' then c.last_seen_at
                when '@joined' then p.joined_at
                else (select v.moment from contact_values v
                    where v.account_id = $1 and v.contact_id = c.id and v.key = p.relative_to) end,
            coalesce(c.timezone, (select a.timezone from accounts a where a.id = $1)),
            p.distance, p.unit, p.delivery_hour) as due_at
        from unnest($3::bigint[]) as given (id)
        join contacts c on c.account_id = $1 and c.id = given.id and c.deleted_at is null
        cross join lateral (
            select p.*, greatest(m.joined_at, s.activated_at) as joined_at
            from group_members m, {_LIVING} and p.id = any($2::bigint[])
                and m.account_id = $1 and m.group_id = s.group_id and m.contact_id = given.id
        ) p
    ), due as (
        select point_id, contact_id, due_at from wanted w
        where case when letter_id is null then due_at > now()
            else (due_at > now() or due_at >= live_since and due_at > now() - interval '1 day') and not exists (
                select from sequence_letters l
                where l.account_id = $1 and l.point_id = w.point_id and l.contact_id = w.contact_id
                    and case when relative_to = '@joined' then l.due_at >= joined_at
                        when unit in ('days', 'weeks') then l.due_at between w.due_at - interval '3 hours'
                            and w.due_at + interval '3 hours'
                        else l.due_at = w.due_at end) end
    ), gone as (
        delete from sequence_moments d
        where d.account_id = $1 and d.point_id = any($2) and d.contact_id = any($3) and not exists (
            select from due where due.point_id = d.point_id and due.contact_id = d.contact_id)
    )
    insert into sequence_moments (account_id, point_id, contact_id, due_at)
    select $1, point_id, contact_id, due_at from due order by point_id, contact_id
    on conflict (account_id, point_id, contact_id) do update set due_at = excluded.due_at
        where sequence_moments.due_at <> excluded.due_at
""")

OF_GROUPS = sql(f"select s.group_id, p.id from {_LIVING} and s.group_id = any($2::bigint[])")

OF_KEYS = sql(f"""
    select given.key, p.id from unnest($2::text[]) as given (key)
    join lateral (
        select p.* from {_LIVING}
            and (p.relative_to = given.key or given.key = 'timezone' and p.unit in ('days', 'weeks'))
    ) p on true
""")

ALL = sql(f"select p.id from {_LIVING}")
