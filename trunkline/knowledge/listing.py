"""Lists of documents: filters, search, sorting, totals."""

import re
from typing import Literal

from msgspec import Struct

from trunkline.core.db import Statement, Tx, sql
from trunkline.core.text import clean
from trunkline.knowledge import words
from trunkline.knowledge.documents import COLUMNS_OF_LIST, TOTAL, Document

Status = Literal["processing", "ready", "failed", "paused"]

COUNTED = 10_000
"""Filtered lists are counted up to here."""


class Filter(Struct, frozen=True, kw_only=True):
    """What is None does not matter. `search` is a part of title, question or text; accents and case do not count."""

    search: str | None = None
    kind: str | None = None
    status: str | None = None
    category: str | None = None


EVERYTHING = Filter()


async def page_and_total(
    tx: Tx,
    filter: Filter = EVERYTHING,
    sort: str = "created_at",
    *,
    descending: bool = True,
    limit: int = 25,
    offset: int = 0,
) -> tuple[list[Document], int, bool]:
    """Documents without their texts, how many there are, and whether counting stopped at `COUNTED`."""
    values = await _values(tx, filter)
    found = await tx.fetch(Document, PAGES[sort, descending], tx.account, *values, limit, offset)
    if not any(value is not None for value in values):
        return found, await tx.value(int, TOTAL, tx.account) or 0, False
    number = await tx.value(int, COUNT, tx.account, *values, COUNTED + 1) or 0
    return found, min(number, COUNTED), number > COUNTED


async def _values(tx: Tx, filter: Filter) -> tuple[object, ...]:
    ids = None
    if filter.search and (folded := words.fold(clean(filter.search)).strip()):
        pattern = WILDCARDS.sub(r"\\\g<0>", folded[:LONGEST])
        ids = await tx.column(int, SEARCH, tx.account, f"%{pattern}%", COUNTED + 1)
    return ids, filter.kind, filter.status, filter.category


def status(document: Document) -> Status:
    """What a reader needs to know of its stage."""
    if document.stage == "failed":
        return "failed"
    if document.stage == "ready":
        return "paused" if document.is_paused else "ready"
    return "processing"


LONGEST = 200
WILDCARDS = re.compile(r"[%_\\]")

# As `status` tells it.
_STATUS = """(case when d.stage = 'failed' then 'failed' when d.stage <> 'ready' then 'processing'
    when d.is_paused then 'paused' else 'ready' end)"""

_MATCHES = f"""
    d.account_id = $1
    and ($2::bigint[] is null or d.id = any($2))
    and ($3::text is null or d.kind = $3)
    and ($4::text is null or {_STATUS} = $4)
    and ($5::text is null or d.category = $5)
"""

# The order of creation is that of the ids.
SORTS = {
    "title": "d.title_key {0}, d.id {0}",
    "type": "d.kind {0}, d.id {0}",
    "status": f"{_STATUS} {{0}}, d.id {{0}}",
    "usage_count": "d.usage_count {0}, d.id {0}",
    "created_at": "d.created_at {0}, d.id {0}",
}


def _page(sort: str, way: str) -> Statement:
    return sql(f"""
        select {COLUMNS_OF_LIST} from knowledge_documents d where {_MATCHES}
        order by {SORTS[sort].format(way)} limit $6 offset $7
    """)


PAGES = {(sort, way == "desc"): _page(sort, way) for sort in SORTS for way in ("asc", "desc")}

COUNT = sql(f"select count(*) from (select 1 from knowledge_documents d where {_MATCHES} limit $6) found")

SEARCH = sql("select id from search_documents(account_id => $1, pattern => $2, most => $3) id")
