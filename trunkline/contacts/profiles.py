"""Profiles: contacts as clients keep them elsewhere, the deleted ones too, in the order of their last change."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from trunkline.core.db import Tx, sql
from trunkline.core.urns import Urn

Place = tuple[datetime, int]

FEW = 5_000
"""Members of a group that are sorted at once; those of a larger group are met soon on the way."""


class Profile(Struct, frozen=True):
    """`flow` is what the contact is in now."""

    id: int
    uuid: UUID
    name: str
    status: str
    language: str | None
    fields: dict[str, Any]
    flow_uuid: UUID | None
    flow_name: str | None
    created_at: datetime
    updated_at: datetime
    last_seen_at: datetime | None
    deleted_at: datetime | None


class Filter(Struct, frozen=True, kw_only=True):
    """All conditions hold together; both ends of the time belong to it. `group_size` says how to look for members."""

    uuid: UUID | None = None
    urn: Urn | None = None
    group_id: int | None = None
    group_size: int = 0
    deleted: bool = False
    since: datetime | None = None
    until: datetime | None = None


async def page(
    tx: Tx, filter: Filter, *, after: Place | None = None, limit: int = 250, oldest_first: bool = False
) -> list[Profile]:
    """Behind (updated_at, id) in their order."""
    source, wanted = "all", None
    if filter.uuid is not None or filter.urn is not None:
        source, wanted = "ids", await _named(tx, filter)
    elif filter.group_id is not None:
        source = "group"
        if filter.group_size <= FEW:
            source, wanted = "ids", await tx.column(int, MEMBERS, tx.account, filter.group_id)
    statement = PAGE[source, filter.deleted, after is not None, oldest_first]
    at, id = after or (None, None)
    return await tx.fetch(
        Profile, statement, tx.account, limit, filter.since, filter.until, at, id, wanted, filter.group_id
    )


async def get_many(tx: Tx, ids: Sequence[int]) -> list[Profile]:
    """In no order, the deleted ones too."""
    return await tx.fetch(Profile, BY_IDS, tx.account, list(ids))


async def find_any(tx: Tx, uuid: UUID) -> Profile | None:
    """Living or deleted."""
    return await tx.maybe(Profile, BY_UUID, tx.account, uuid)


async def _named(tx: Tx, filter: Filter) -> list[int]:
    found: set[int] | None = None
    if filter.uuid is not None:
        found = set(await tx.column(int, IDS_BY_UUID, tx.account, filter.uuid))
    if filter.urn is not None:
        owner = set(await tx.column(int, OWNER, tx.account, filter.urn.scheme, filter.urn.path))
        found = owner if found is None else found & owner
    if filter.group_id is None or not found:
        return list(found or ())
    return await tx.column(int, AMONG, tx.account, filter.group_id, list(found))


_COLUMNS = """
    c.id, c.uuid, c.name, c.status, c.language, c.fields,
    (select f.uuid from flows f where f.account_id = c.account_id and f.id = c.current_flow_id) as flow_uuid,
    (select f.name from flows f where f.account_id = c.account_id and f.id = c.current_flow_id) as flow_name,
    c.created_at, c.updated_at, c.last_seen_at, c.deleted_at
"""

_SOURCES = {
    "all": "$7::bigint[] is null and $8::bigint is null",
    "ids": "c.id = any($7::bigint[]) and ($8::bigint is null or true)",
    "group": """$7::bigint[] is null and exists (
        select from group_members m where m.account_id = $1 and m.group_id = $8::bigint and m.contact_id = c.id)""",
}
_BEHIND = "(c.updated_at, c.id) {sign} ($5::timestamptz, $6::bigint)"
_NOWHERE = "$5::timestamptz is null and $6::bigint is null"

PAGE = {
    (source, deleted, behind, oldest_first): sql(f"""
        select {_COLUMNS} from contacts c
        where c.account_id = $1 and c.deleted_at is {"not null" if deleted else "null"} and {condition}
            and {_BEHIND.format(sign=">" if oldest_first else "<") if behind else _NOWHERE}
            and c.updated_at >= coalesce($3::timestamptz, '-infinity')
            and c.updated_at <= coalesce($4::timestamptz, 'infinity')
        order by c.updated_at {direction}, c.id {direction} limit $2
    """)
    for source, condition in _SOURCES.items()
    for deleted in (False, True)
    for behind in (False, True)
    for oldest_first, direction in ((False, "desc"), (True, "asc"))
}

BY_IDS = sql(f"select {_COLUMNS} from contacts c where c.account_id = $1 and c.id = any($2)")

BY_UUID = sql(f"select {_COLUMNS} from contacts c where c.account_id = $1 and c.uuid = $2")

MEMBERS = sql("select contact_id from group_members where account_id = $1 and group_id = $2")

IDS_BY_UUID = sql("select id from contacts where account_id = $1 and uuid = $2")

OWNER = sql("select contact_id from urns where account_id = $1 and scheme = $2 and path = $3")

AMONG = sql("""
    select contact_id from group_members where account_id = $1 and group_id = $2 and contact_id = any($3)
""")
