"""Listing: conversations by what they are, newest activity first unless asked otherwise."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Literal

from msgspec import Struct

from trunkline.core.db import Statement, Tx, sql
from trunkline.core.text import clean
from trunkline.inbox.conversations import COLUMNS, SOURCE, Conversation

Sort = Literal["last_message_at", "created_at", "priority", "status"]

COUNTED = 10_000
"""Filtered lists are counted up to here."""


class Filter(Struct, frozen=True, kw_only=True):
    """Which conversations; what is None does not matter. `search` looks into subject and preview."""

    status: str | None = None
    channel: str | None = None
    assigned_to: int | Literal["unassigned"] | None = None
    contact_id: int | None = None
    company_id: int | None = None
    priority: str | None = None
    is_starred: bool | None = None
    is_ai_handled: bool | None = None
    is_read: bool | None = None
    search: str | None = None


EVERYTHING = Filter()


async def page(
    tx: Tx,
    filter: Filter = EVERYTHING,
    *,
    sort_by: Sort = "last_message_at",
    descending: bool = True,
    limit: int = 25,
    offset: int = 0,
) -> list[Conversation]:
    """One page of a numbered list. Ties are broken by id in the same direction."""
    return await tx.fetch(Conversation, PAGES[sort_by, descending], tx.account, *_values(filter), limit, offset)


async def latest(
    tx: Tx, filter: Filter = EVERYTHING, *, after: tuple[datetime, int] | None = None, limit: int = 50
) -> list[Conversation]:
    """Newest activity first, from behind this last_message_at and id: for endless lists."""
    at, id = after or (None, None)
    return await tx.fetch(Conversation, LATEST, tx.account, *_values(filter), at, id, limit)


async def stream(tx: Tx, filter: Filter = EVERYTHING, *, batch: int = 500) -> AsyncIterator[list[Conversation]]:
    """All of them, newest activity first, in batches and flat memory."""
    after = None
    while found := await latest(tx, filter, after=after, limit=batch):
        yield found
        last = found[-1]
        if len(found) < batch or last.last_message_at is None:
            return
        after = (last.last_message_at, last.id)


async def total(tx: Tx, filter: Filter = EVERYTHING) -> tuple[int, bool]:
    """How many there are, and whether counting stopped at `COUNTED`; exact with no filter or only a status."""
    if filter == Filter(status=filter.status):
        names = [f"conversations:{filter.status}"] if filter.status else list(TALLIES)
        return await tx.value(int, TALLIED, tx.account, names) or 0, False
    number = await tx.value(int, COUNT, tx.account, *_values(filter), COUNTED + 1) or 0
    return min(number, COUNTED), number > COUNTED


async def by_status(tx: Tx) -> dict[str, int]:
    """How many living conversations are in each status, every status named."""
    counted = {name: int(number) for name, number in await tx.rows(TALLIES_OF, tx.account, list(TALLIES))}
    return {status: counted.get(name, 0) for name, status in TALLIES.items()}


def _values(filter: Filter) -> tuple[object, ...]:
    assignee = None if filter.assigned_to == "unassigned" else filter.assigned_to
    return (
        filter.status,
        filter.channel,
        _possible(assignee),
        filter.assigned_to == "unassigned",
        _possible(filter.contact_id),
        _possible(filter.company_id),
        filter.priority,
        filter.is_starred,
        filter.is_ai_handled,
        filter.is_read,
        _pattern(filter.search) if filter.search else None,
    )


def _possible(id: int | None) -> int | None:
    """An id that the database can compare; an absurd one is nobody's."""
    return id if id is None or 0 < id < 2**63 else 0


def _pattern(text: str) -> str:
    text = clean(text)
    for special in "\\%_":
        text = text.replace(special, "\\" + special)
    return f"%{text}%"


TALLIES = {f"conversations:{status}": status for status in ("open", "pending", "snoozed", "closed", "spam")}

_MATCHES = """
    c.account_id = $1 and c.deleted_at is null
    and ($2::text is null or c.status = $2)
    and ($3::text is null or c.channel = $3)
    and ($4::bigint is null or c.assignee_id = $4)
    and (not $5::boolean or c.assignee_id is null)
    and ($6::bigint is null or c.contact_id = $6)
    and ($7::bigint is null or c.contact_id in (
        select p.id from contacts p where p.account_id = $1 and p.company_id = $7))
    and ($8::text is null or c.priority = $8)
    and ($9::boolean is null or c.is_starred = $9)
    and ($10::boolean is null or c.is_ai_handled = $10)
    and ($11::boolean is null or c.is_read = $11)
    and ($12::text is null or c.subject ilike $12 or c.preview ilike $12)
"""

# Ids are given in the order of creation, and the primary key sorts by them.
_ORDERS = {
    "last_message_at": "c.last_message_at {way} nulls {nulls}, c.id {way}",
    "created_at": "c.id {way}",
    "priority": "array_position(array['low', 'normal', 'high', 'urgent'], c.priority) {way}, c.id {way}",
    "status": "c.status {way}, c.id {way}",
}


def _page(sort_by: str, way: str) -> Statement:
    order = _ORDERS[sort_by].format(way=way, nulls="last" if way == "desc" else "first")
    return sql(f"select {COLUMNS} from {SOURCE} where {_MATCHES} order by {order} limit $13 offset $14")


PAGES = {(sort_by, way == "desc"): _page(sort_by, way) for sort_by in _ORDERS for way in ("asc", "desc")}

LATEST = sql(f"""
    select {COLUMNS} from {SOURCE}
    where {_MATCHES} and ($13::timestamptz is null or (c.last_message_at, c.id) < ($13, $14))
    order by c.last_message_at desc nulls last, c.id desc limit $15
""")

COUNT = sql(f"select count(*) from (select 1 from conversations c where {_MATCHES} limit $13) found")

TALLIED = sql("select sum(value)::bigint from tallies where account_id = $1 and name = any($2::text[])")

TALLIES_OF = sql("""
    select name, sum(value) from tallies where account_id = $1 and name = any($2::text[]) group by name
""")
