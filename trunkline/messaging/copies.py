"""Copies: messages as programs keep them elsewhere, folder by folder, each with the names of what it belongs to.

inbox, flows and archived hold what came in; outbox, sent and failed what goes out. A page is found by keys alone and
then completed, one probe of a key for each thing that it names.
"""

import itertools
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from trunkline.core.db import Tx, sql

Place = tuple[datetime, int]

RECEIVED = ("inbox", "flows", "archived")
FOLDERS: tuple[str, ...] = (*RECEIVED, "outbox", "sent", "failed")

FEW = 5_000
"""Messages with a label that are sorted at once; of a label with more, the newest are met soon on the way."""


class Copy(Struct, frozen=True):
    """`shown_at` is the moment by which its list is sorted; `modified_at` that of the last thing that befell it."""

    id: int
    uuid: UUID
    contact_uuid: UUID | None
    contact_name: str | None
    scheme: str
    address: str
    channel_uuid: UUID | None
    channel_name: str | None
    direction: str
    kind: str
    status: str
    visibility: str
    text: str
    flow_uuid: UUID | None
    flow_name: str | None
    attachments: list[dict[str, Any]]
    quick_replies: list[Any]
    broadcast_id: int | None
    created_at: datetime
    sent_at: datetime | None
    modified_at: datetime
    shown_at: datetime


class Filter(Struct, frozen=True, kw_only=True):
    """All conditions hold together, but at most one of folder, contact, label and broadcast is given.

    Both ends of the time of writing belong to it.
    """

    id: int | None = None
    uuid: UUID | None = None
    folder: str | None = None
    contact_id: int | None = None
    label_id: int | None = None
    broadcast_id: int | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def is_ranged(self) -> bool:
        return self.since is not None or self.until is not None


async def page(
    tx: Tx, filter: Filter, *, after: Place | None = None, limit: int = 250, oldest_first: bool = False
) -> list[Copy]:
    """Behind (shown_at, id) in their order. What came in and was not answered yet is not shown."""
    source, wanted, folders = await _source(tx, filter)
    at, id = after or (None, None)
    return await tx.fetch(
        Copy, PAGE[source, filter.is_ranged, after is not None, oldest_first], tx.account, limit, filter.since,
        filter.until, at, id, folders, wanted, filter.contact_id, filter.broadcast_id, filter.label_id,
    )  # fmt: skip


async def get_many(tx: Tx, ids: Sequence[int]) -> list[Copy]:
    """In no order, those that are not answered yet too."""
    return await tx.fetch(Copy, BY_IDS, tx.account, list(ids))


async def _source(tx: Tx, filter: Filter) -> tuple[str, list[int] | None, list[str]]:
    """Where to look, which messages may be among it, and in which folders."""
    folders = [filter.folder] if filter.folder else list(FOLDERS)
    if filter.id is not None or filter.uuid is not None:
        ids = {filter.id} if filter.id is not None else None
        if filter.uuid is not None:
            known = set(await tx.column(int, BY_UUID, tx.account, filter.uuid))
            ids = known if ids is None else ids & known
        return "named", list(ids or ()), folders
    if filter.contact_id is not None:
        return "contact", None, folders
    if filter.broadcast_id is not None:
        return "broadcast", None, folders
    if filter.label_id is not None:
        few = await tx.column(int, LABELLED, tx.account, filter.label_id, FEW + 1)
        return ("named", few, folders) if len(few) <= FEW else ("label", None, list(RECEIVED))
    return "sent" if filter.folder == "sent" else "folder", None, folders


_BEHIND = "({moment}, m.id) {sign} ($5::timestamptz, $6::bigint)"
_NOWHERE = "$5::timestamptz is null and $6::bigint is null"
_RANGE = """m.created_at >= coalesce($3::timestamptz, '-infinity')
    and m.created_at <= coalesce($4::timestamptz, 'infinity')"""
_EVER = "$3::timestamptz is null and $4::timestamptz is null"
_COMMON = """m.account_id = $1 and {behind} and m.status <> 'received' and {range}
    and ($9::bigint is null or m.contact_id = $9) and ($10::bigint is null or m.broadcast_id = $10)
    and ($11::bigint is null or exists (
        select from message_labels l where l.account_id = $1 and l.label_id = $11 and l.message_id = m.id))"""
_ORDER = "order by shown_at {direction}, id {direction} limit $2"

# Each folder lies in order; the first of all of them are among the first of each.
_FOLDERS = f"""
    select k.id, k.shown_at from unnest($7::text[]) as f (name) cross join lateral (
        select m.id, m.created_at as shown_at from messages m
        where m.folder = f.name and $8::bigint[] is null and {_COMMON} {_ORDER}
    ) k {_ORDER}"""

# As it is indexed; a `coalesce` would be kept from the index by row-level security.
_SENT_AT = "case when m.sent_at is null then m.created_at else m.sent_at end"

# Nothing is sent before it is written: the range of writing is one of sending too, as far as it begins somewhere.
_SENT = f"""
    select m.id, {_SENT_AT} as shown_at from messages m
    where m.folder = 'sent' and $7::text[] is not null and $8::bigint[] is null and {_COMMON} {_ORDER}"""
_RANGE_OF_SENT = f"{_RANGE} and {_SENT_AT} >= coalesce($3::timestamptz, '-infinity')"

_SORTED = f"""
    select m.id, m.created_at as shown_at from messages m
    where {{condition}} and m.folder = any($7::text[]) and {_COMMON} {_ORDER}"""

_SOURCES = {
    "folder": _FOLDERS,
    "label": _FOLDERS,
    "sent": _SENT,
    "named": _SORTED.replace("{condition}", "m.id = any($8::bigint[])"),
    "contact": _SORTED.replace("{condition}", "$8::bigint[] is null and m.contact_id = $9::bigint"),
    "broadcast": _SORTED.replace("{condition}", "$8::bigint[] is null and m.broadcast_id = $10::bigint"),
}

# Scalar subqueries on purpose: each is one probe of a key.
_COLUMNS = """m.id, m.uuid,
    (select c.uuid from contacts c where c.account_id = $1 and c.id = m.contact_id) as contact_uuid,
    (select c.name from contacts c where c.account_id = $1 and c.id = m.contact_id) as contact_name,
    m.scheme, m.address,
    (select c.uuid from channels c where c.account_id in ($1, 0) and c.id = m.channel_id) as channel_uuid,
    (select c.name from channels c where c.account_id in ($1, 0) and c.id = m.channel_id) as channel_name,
    m.direction, m.kind, m.status, m.visibility,
    coalesce(m.body, (select b.body from broadcasts b where b.account_id = $1 and b.id = m.broadcast_id), '') as text,
    (select f.uuid from flows f where f.account_id = $1 and f.id = m.flow_id) as flow_uuid,
    (select f.name from flows f where f.account_id = $1 and f.id = m.flow_id) as flow_name,
    coalesce(m.attachments, '[]') as attachments, coalesce(m.quick_replies, '[]') as quick_replies, m.broadcast_id,
    m.created_at, m.sent_at,
    greatest(m.created_at, m.sent_at, m.delivered_at, m.read_at, m.failed_at) as modified_at"""


def _page(source: str, ranged: bool, behind: bool, oldest_first: bool) -> str:
    """The plan of a page must not hang on guesses: what is not asked for is not in its statement."""
    sent = source == "sent"
    moment, sign = _SENT_AT if sent else "m.created_at", ">" if oldest_first else "<"
    direction = "asc" if oldest_first else "desc"
    page = _SOURCES[source].format(
        behind=_BEHIND.format(moment=moment, sign=sign) if behind else _NOWHERE,
        range=(_RANGE_OF_SENT if sent else _RANGE) if ranged else _EVER,
        direction=direction,
    )
    return f"""
        with page as materialized ({page})
        select {_COLUMNS}, p.shown_at from page p join messages m on m.account_id = $1 and m.id = p.id
        order by p.shown_at {direction}, p.id {direction}
    """


PAGE = {key: sql(_page(*key)) for key in itertools.product(_SOURCES, (False, True), (False, True), (False, True))}

BY_IDS = sql(f"select {_COLUMNS}, m.created_at as shown_at from messages m where m.account_id = $1 and m.id = any($2)")

BY_UUID = sql("select id from messages where account_id = $1 and uuid = $2")

LABELLED = sql("select message_id from message_labels where account_id = $1 and label_id = $2 limit $3")
