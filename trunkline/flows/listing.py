"""Lists of flows by when they were made, and what other things show of a flow."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from trunkline.contacts import names
from trunkline.core.db import Tx, sql
from trunkline.flows.stored import COLUMNS, Stored


class Filter(Struct, frozen=True, kw_only=True):
    """`archived` None: both kinds. The times are those of the last change, both ends belong to it.

    `search` is a part of the name, however it is written.
    """

    uuid: UUID | None = None
    type: str | None = None
    archived: bool | None = None
    since: datetime | None = None
    until: datetime | None = None
    search: str | None = None


class Titled(Struct, frozen=True):
    id: int
    uuid: UUID
    name: str


async def page(
    tx: Tx, filter: Filter, *, after: tuple[datetime, int] | None = None, limit: int = 250, oldest_first: bool = False
) -> list[Stored]:
    """Behind (created_at, id) in their order, the newest first unless told otherwise."""
    at, id = after or (None, None)
    return await tx.fetch(
        Stored, PAGE[oldest_first], tx.account, at, id, limit, filter.uuid, filter.type, filter.archived,
        filter.since, filter.until, names.key(filter.search) if filter.search else None,
    )  # fmt: skip


async def titles(tx: Tx, ids: Collection[int]) -> dict[int, Titled]:
    """Uuid and name of flows, archived ones too."""
    if not ids:
        return {}
    return {each.id: each for each in await tx.fetch(Titled, TITLES, tx.account, list(ids))}


_BEHIND = {
    True: "(created_at, id) > (coalesce($2::timestamptz, '-infinity'), coalesce($3::bigint, 0))",
    False: "(created_at, id) < (coalesce($2::timestamptz, 'infinity'), coalesce($3::bigint, 0))",
}

PAGE = {
    oldest_first: sql(f"""
        select {COLUMNS} from flows
        where account_id = $1 and {behind}
            and ($5::uuid is null or uuid = $5) and ($6::text is null or type = $6)
            and ($7::boolean is null or archived = $7)
            and modified_at >= coalesce($8::timestamptz, '-infinity')
            and modified_at <= coalesce($9::timestamptz, 'infinity')
            and ($10::text is null or strpos(name_key, $10) > 0)
        order by created_at {"asc" if oldest_first else "desc"}, id {"asc" if oldest_first else "desc"} limit $4
    """)
    for oldest_first, behind in _BEHIND.items()
}

TITLES = sql("select id, uuid, name from flows where account_id = $1 and id = any($2::bigint[])")
