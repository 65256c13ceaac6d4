"""Sequences: what a group's contacts get some time before or after a date of theirs. RapidPro calls them campaigns."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from msgspec import Struct

from trunkline.campaigns import moments
from trunkline.contacts import groups, names
from trunkline.core.db import Tx, sql
from trunkline.core.errors import Conflict, Invalid, NotFound
from trunkline.core.ids import new_uuid

Unit = Literal["minutes", "hours", "days", "weeks"]
Mode = Literal["interrupt", "skip", "passive"]
UNITS: tuple[Unit, ...] = ("minutes", "hours", "days", "weeks")
MODES: tuple[Mode, ...] = ("interrupt", "skip", "passive")
SYSTEM_DATES = ("created_on", "last_seen_on")
JOINED = "@joined"
"""When somebody joined the group, or it began for who was there before; no field has this key."""
TEXT_LENGTH = 4096


class Series(Struct, frozen=True):
    id: int
    uuid: UUID
    name: str
    group_id: int
    group_uuid: UUID
    group_name: str
    archived: bool
    created_at: datetime
    modified_at: datetime
    broadcast_id: int | None = None  # the drip campaign that it belongs to; then no list shows it


class Point(Struct, frozen=True):
    """`distance` units after, or when negative before, the date `relative_to`; on days and weeks at `delivery_hour`
    by the contact's clock, -1 for the hour of the date. A flow starts, or a message (text by language) or letter goes.
    """

    id: int
    uuid: UUID
    sequence_id: int
    sequence_uuid: UUID
    sequence_name: str
    relative_to: str
    distance: int
    unit: Unit
    delivery_hour: int
    start_mode: Mode
    flow_id: int | None
    message: dict[str, str] | None
    base_language: str | None
    scheduling: bool
    created_at: datetime
    modified_at: datetime
    letter_id: int | None = None


class NewPoint(Struct, frozen=True, kw_only=True):
    relative_to: str
    distance: int
    unit: Unit
    delivery_hour: int = -1
    start_mode: Mode = "interrupt"
    flow_id: int | None = None
    message: Mapping[str, str] | None = None
    base_language: str | None = None
    letter_id: int | None = None
    uuid: UUID | None = None


async def create(
    tx: Tx, name: str, group_id: int, *, uuid: UUID | None = None, broadcast_id: int | None = None
) -> Series:
    """A sequence; that of a drip campaign is put away until it is activated."""
    name = names.required(name)
    await groups.get(tx, group_id)
    key = _key(name, broadcast_id)
    id = await tx.value(int, INSERT, tx.account, uuid or new_uuid(), name, key, group_id, broadcast_id)
    if id is None:
        raise Conflict("sequence_exists", "A campaign with this name already exists.", field="name")
    return await get(tx, id)


async def get(tx: Tx, id: int) -> Series:
    found = await tx.maybe(Series, BY_ID, tx.account, id) if 0 < id < 2**63 else None
    if found is None:
        raise NotFound("sequence", id)
    return found


async def by_uuid(tx: Tx, uuids: Sequence[UUID]) -> dict[UUID, Series]:
    return {one.uuid: one for one in await tx.fetch(Series, BY_UUIDS, tx.account, list(uuids))}


async def all_of(tx: Tx, *, archived: bool | None = False) -> list[Series]:
    """The newest first."""
    return await tx.fetch(Series, ALL, tx.account, archived)


async def of_drip(tx: Tx, broadcast_id: int) -> int:
    return await tx.value(int, OF_DRIP, tx.account, broadcast_id) or 0


async def update(tx: Tx, id: int, *, name: str | None = None, group_id: int | None = None) -> Series:
    """Change what is given. Another group has all points worked out anew."""
    before = await get(tx, id)
    name = names.required(name) if name is not None else before.name
    if group_id is not None:
        await groups.get(tx, group_id)
    key = _key(name, before.broadcast_id)
    if await tx.value(int, RIVAL, tx.account, key, id):
        raise Conflict("sequence_exists", "A campaign with this name already exists.", field="name")
    await tx.run(UPDATE, tx.account, id, name, key, group_id or before.group_id)
    if group_id not in (None, before.group_id):
        await moments.recalculate(tx, [point.id for point in await points(tx, [id])])
    return await get(tx, id)


async def archive(tx: Tx, ids: Sequence[int], *, archived: bool = True) -> None:
    """Put sequences away, or bring them back; nothing of an archived one is due."""
    changed = await tx.column(int, ARCHIVE, tx.account, list(ids), archived)
    await moments.recalculate(tx, [point.id for point in await points(tx, changed)])


async def activate(tx: Tx, id: int) -> None:
    """Begin now: whoever is a member counts as joined now, and nothing that was due before comes."""
    await tx.run(ACTIVATE, tx.account, id)
    await tx.run(ENLIVEN, tx.account, id)
    await moments.recalculate(tx, [point.id for point in await points(tx, [id])])


async def delete(tx: Tx, id: int) -> None:
    await get(tx, id)
    gone = [point.id for point in await points(tx, [id])]
    await tx.run(DELETE_POINTS, tx.account, gone)
    await moments.forget(tx, gone)
    await tx.run(DELETE, tx.account, id)


async def add_point(tx: Tx, sequence_id: int, new: NewPoint) -> Point:
    await get(tx, sequence_id)
    await _check(tx, new)
    id = await tx.value(int, INSERT_POINT, tx.account, new.uuid or new_uuid(), sequence_id, *_columns(new))
    if id is None:
        raise NotFound("flow", new.flow_id)
    await moments.recalculate(tx, [id])
    return await get_point(tx, id)


async def change_point(tx: Tx, id: int, new: NewPoint) -> Point:
    """Replace what a point does and when; its moments are worked out anew only when the time is another."""
    before = await get_point(tx, id)
    await _check(tx, new)
    if not await tx.run(UPDATE_POINT, tx.account, id, *_columns(new)):
        raise NotFound("flow", new.flow_id)
    when = ("relative_to", "distance", "unit", "delivery_hour")
    if any(getattr(before, name) != getattr(new, name) for name in when):
        await moments.recalculate(tx, [id])
    return await get_point(tx, id)


async def delete_point(tx: Tx, id: int) -> None:
    await get_point(tx, id)
    await tx.run(DELETE_POINTS, tx.account, [id])
    await moments.forget(tx, [id])


async def get_point(tx: Tx, id: int) -> Point:
    found = await tx.maybe(Point, POINT, tx.account, id) if 0 < id < 2**63 else None
    if found is None:
        raise NotFound("point", id)
    return found


async def points_by_uuid(tx: Tx, uuids: Sequence[UUID]) -> dict[UUID, Point]:
    return {point.uuid: point for point in await tx.fetch(Point, POINTS_BY_UUID, tx.account, list(uuids))}


async def points(tx: Tx, sequence_ids: Sequence[int]) -> list[Point]:
    """The points of these sequences, oldest first."""
    return await tx.fetch(Point, POINTS, tx.account, list(sequence_ids))


def _key(name: str, broadcast_id: int | None) -> str:
    """Drip campaigns may be called alike; no name has capitals in its key."""
    return names.key(name) if broadcast_id is None else f"DRIP:{broadcast_id}"


def _columns(new: NewPoint) -> tuple[Any, ...]:
    language = new.base_language or next(iter(new.message or ()), None)
    hour = new.delivery_hour if new.unit in ("days", "weeks") else -1
    message = dict(new.message) if new.message else None
    return (new.relative_to, new.distance, new.unit, hour, new.start_mode, new.flow_id, message, language,
        new.letter_id)  # fmt: skip


async def _check(tx: Tx, new: NewPoint) -> None:
    problems: dict[str, list[str]] = {}
    if sum((new.flow_id is not None, bool(new.message), new.letter_id is not None)) != 1:
        problems["flow"] = ["Flow or a message text required."]
    if new.unit not in UNITS:
        problems["unit"] = [f"The unit is one of {', '.join(UNITS)}."]
    if not -1 <= new.delivery_hour <= 23:
        problems["delivery_hour"] = ["The delivery hour is 0 to 23, or -1 for any."]
    if abs(new.distance) > 100_000:
        problems["offset"] = ["The offset is too large."]
    if any(len(text) > TEXT_LENGTH for text in (new.message or {}).values()):
        problems["message"] = [f"A message has at most {TEXT_LENGTH} characters."]
    if new.relative_to == JOINED and new.letter_id is not None:
        if new.distance < 0:
            problems["offset"] = ["Nothing can come before somebody joined."]
    elif new.relative_to not in SYSTEM_DATES and not await tx.value(bool, IS_DATE, tx.account, new.relative_to):
        problems["relative_to"] = ["The field does not exist or holds no dates."]
    if problems:
        raise Invalid(problems)


_SELECT = """
    select s.id, s.uuid, s.name, s.group_id, g.uuid as group_uuid, g.name as group_name, s.archived, s.created_at,
        s.modified_at, s.broadcast_id
    from sequences s join groups g on g.account_id = $1 and g.id = s.group_id
    where s.account_id = $1 and s.deleted_at is null
"""

INSERT = sql("""
    insert into sequences (account_id, uuid, name, name_key, group_id, broadcast_id, archived)
    values ($1, $2, $3, $4, $5, $6::bigint, $6 is not null)
    on conflict (account_id, name_key) where deleted_at is null do nothing returning id
""")

BY_ID = sql(f"{_SELECT} and s.id = $2")

BY_UUIDS = sql(f"{_SELECT} and s.uuid = any($2::uuid[]) and s.broadcast_id is null")

OF_DRIP = sql("select id from sequences where account_id = $1 and broadcast_id = $2")

ALL = sql(f"{_SELECT} and s.broadcast_id is null and ($2::boolean is null or s.archived = $2) order by s.id desc")

RIVAL = sql("""
    select id from sequences where account_id = $1 and name_key = $2 and id <> $3 and deleted_at is null
""")

UPDATE = sql("""
    update sequences set name = $3, name_key = $4, group_id = $5, modified_at = now() where account_id = $1 and id = $2
""")

ARCHIVE = sql("""
    update sequences set archived = $3, modified_at = now()
    where account_id = $1 and id = any($2::bigint[]) and archived <> $3 and deleted_at is null returning id
""")

ACTIVATE = sql("""
    update sequences set archived = false, activated_at = now(), modified_at = now() where account_id = $1 and id = $2
""")

ENLIVEN = sql("update sequence_points set live_since = now() where account_id = $1 and sequence_id = $2")

DELETE = sql("update sequences set deleted_at = now() where account_id = $1 and id = $2")

IS_DATE = sql("select true from fields where account_id = $1 and key = $2 and type = 'datetime'")

INSERT_POINT = sql("""
    insert into sequence_points (account_id, uuid, sequence_id, relative_to, distance, unit, delivery_hour, start_mode,
        flow_id, message, base_language, letter_id)
    select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12
    where $9::bigint is null or exists (select from flows where account_id = $1 and id = $9)
    returning id
""")

UPDATE_POINT = sql("""
    update sequence_points set relative_to = $3, distance = $4, unit = $5, delivery_hour = $6, start_mode = $7,
        flow_id = $8, message = $9, base_language = $10, letter_id = $11, modified_at = now(),
        live_since = case when (relative_to, distance, unit, delivery_hour) is distinct from ($3, $4, $5, $6::smallint)
            then now() else live_since end
    where account_id = $1 and id = $2 and deleted_at is null
        and ($8::bigint is null or exists (select from flows where account_id = $1 and id = $8))
""")

DELETE_POINTS = sql("""
    update sequence_points set deleted_at = now() where account_id = $1 and id = any($2::bigint[])
""")

_SELECT_POINT = """
    select p.id, p.uuid, p.sequence_id, s.uuid as sequence_uuid, s.name as sequence_name, p.relative_to, p.distance,
        p.unit, p.delivery_hour, p.start_mode, p.flow_id, p.message, p.base_language, p.scheduling, p.created_at,
        p.modified_at, p.letter_id
    from sequence_points p join sequences s on s.account_id = $1 and s.id = p.sequence_id and s.deleted_at is null
    where p.account_id = $1 and p.deleted_at is null
"""

POINT = sql(f"{_SELECT_POINT} and p.id = $2")

POINTS_BY_UUID = sql(f"{_SELECT_POINT} and p.uuid = any($2::uuid[]) and s.broadcast_id is null")

POINTS = sql(f"{_SELECT_POINT} and p.sequence_id = any($2::bigint[]) order by p.id")
