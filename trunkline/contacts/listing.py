"""Lists of contacts: filters, sorting, search, page numbers and keysets."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache, lru_cache
from itertools import chain
from typing import Any, Literal

from msgspec import Struct

from trunkline.contacts import names, searching
from trunkline.contacts.query import Query, compiling
from trunkline.contacts.records import COLUMNS, Contact, Status, with_tags
from trunkline.contacts.terms import Term
from trunkline.core.db import Statement, Tx, sql

MOST_COUNTED = 10_000
SHALLOW_OFFSET = 500
NEAR, MANY_NEAR = 1000, 100
FEW_NEAR = 200
Direction = Literal["asc", "desc"]


class Asked(Struct, frozen=True):
    """A contact query as a condition of SQL, with slots for its parameters."""

    text: str
    arity: int


Conditions = dict[str | Asked, tuple[Any, ...]]  # by name, each with the values of its parameters


class Filter(Struct, frozen=True, kw_only=True):
    """All conditions hold together. `tag` is a name, `search` a part of name, email, phone or company,
    `query` a contact query, which raises `Invalid({"query": […]})` when it cannot be read.
    """

    search: str | None = None
    status: tuple[Status, ...] | None = None
    tag_id: int | None = None
    tag: str | None = None
    group_id: int | None = None
    company_id: int | None = None
    country: str | None = None
    min_score: int | None = None
    max_score: int | None = None
    query: str | None = None


async def page(
    tx: Tx,
    filter: Filter | None = None,
    sort: str = "created_at",
    direction: Direction = "desc",
    limit: int = 25,
    offset: int = 0,
    *,
    after: tuple[datetime, int] | None = None,
) -> list[Contact]:
    """One page of living contacts with their tags; an unknown `sort` means created_at.

    `after` continues behind (created_at, id) in that order, and leaves `offset` unused.
    """
    return await _page(tx, await _wanted(tx, filter or Filter()), sort, direction, limit, offset, after)


async def total(tx: Tx, filter: Filter | None = None) -> tuple[int, bool]:
    """How many there are, and whether counting stopped at 10,000; exact without a filter."""
    return await _total(tx, await _wanted(tx, filter or Filter()))


async def page_and_total(
    tx: Tx,
    filter: Filter | None = None,
    sort: str = "created_at",
    direction: Direction = "desc",
    limit: int = 25,
    offset: int = 0,
) -> tuple[list[Contact], int, bool]:
    """`page` and `total` with one search for both."""
    wanted = await _wanted(tx, filter or Filter())
    contacts = await _page(tx, wanted, sort, direction, limit, offset, None)
    return contacts, *await _total(tx, wanted)


async def among(tx: Tx, filter: Filter, ids: Sequence[int]) -> list[int]:
    """Those of these contacts whom the filter leaves, by id: for whoever walks through all in portions."""
    wanted = await _wanted(tx, filter, near=False)
    if wanted is None:
        return []
    statement = _ids(("among", *wanted.conditions))
    return await tx.column(int, statement, tx.account, len(ids), list(ids), *chain(*wanted.conditions.values()))


async def few(tx: Tx, filter: Filter) -> list[int] | None:
    """All whom the filter leaves, by id, where the search names up to 10,000 of them; None where one has to walk."""
    wanted = await _wanted(tx, filter)
    if wanted is None:
        return []
    if not {"ids", "recent"} & set(wanted.conditions):
        return None
    statement = _ids(tuple(wanted.conditions))
    return await tx.column(int, statement, tx.account, MOST_COUNTED, *chain(*wanted.conditions.values()))


async def modified(
    tx: Tx,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    after: tuple[datetime, int] | None = None,
    ascending: bool = False,
    deleted: bool = False,
    group_id: int | None = None,
    limit: int = 250,
) -> list[Contact]:
    """Contacts in the order of their last change, the latest first, for clients that synchronise.

    `since` and `until` belong to the range; `after` continues behind (updated_at, id).
    """
    first, last = since or EARLIEST, until or LATEST
    behind = after or ((EARLIEST, 0) if ascending else (LATEST, 2**63 - 1))
    statement = MODIFIED["asc" if ascending else "desc", deleted, group_id is not None]
    group = () if group_id is None else (group_id,)
    return await with_tags(tx, await tx.fetch(Contact, statement, tx.account, first, last, *behind, limit, *group))


class _Wanted:
    """What a list is filtered by; `query` is the contact query among it until an index was asked about that."""

    __slots__ = ("conditions", "query")

    def __init__(self, conditions: Conditions, query: Query | None = None):
        self.conditions, self.query = conditions, query

    async def narrow(self, tx: Tx) -> None:
        """Where an index knows that few can match the query, they are looked up.

        It is not asked when many of the newest match: it would name them all, and walking meets them soon.
        """
        if self.query is None:
            return
        near = {"near_desc": (), **self.conditions}
        found = 0
        if "recent" not in near:
            found = await tx.value(int, _count(tuple(near)), tx.account, MANY_NEAR, *chain(*near.values())) or 0
        candidates = await searching.narrow(tx, self.query) if found < MANY_NEAR else None
        if candidates is not None:
            self.conditions["among"] = (candidates,)
        self.query = None


async def _page(
    tx: Tx,
    wanted: _Wanted | None,
    sort: str,
    direction: Direction,
    limit: int,
    offset: int,
    after: tuple[datetime, int] | None,
) -> list[Contact]:
    if wanted is None:
        return []
    conditions = wanted.conditions
    order = sort if sort in SORTS else "created_at"
    if order == "created_at" and not (conditions or after or offset):
        return await with_tags(tx, await tx.fetch(Contact, _first(direction, min(limit, 1000)), tx.account))
    if after:
        conditions, order, offset = {**conditions, f"after_{direction}": after}, "created_at", 0
    shallow = order == "created_at" and offset <= SHALLOW_OFFSET
    if wanted.query and shallow and not after and "recent" not in conditions:
        # What many match is met at once, before an index would have named them all.
        given = {f"near_{direction}": (), **conditions}
        statement = _list(tuple(given), order, direction, shallow)
        rows = await tx.fetch(Contact, statement, tx.account, limit, offset, *chain(*given.values()))
        if len(rows) == limit:
            return await with_tags(tx, rows)
    if wanted.query:
        await wanted.narrow(tx)
        conditions = {**wanted.conditions, **conditions}
    statement = _list(tuple(conditions), order, direction, shallow)
    rows = await tx.fetch(Contact, statement, tx.account, limit, offset, *chain(*conditions.values()))
    return await with_tags(tx, rows)


async def _total(tx: Tx, wanted: _Wanted | None) -> tuple[int, bool]:
    if wanted is None:
        return 0, False
    await wanted.narrow(tx)
    conditions = wanted.conditions
    if not conditions:
        return await tx.value(int, TOTAL, tx.account) or 0, False
    if list(conditions) == ["walk"]:
        return MOST_COUNTED, True  # the search has counted already
    if list(conditions) == ["ids"]:
        return len(conditions["ids"][0]), False
    statement = _count(tuple(conditions))
    counted = await tx.value(int, statement, tx.account, MOST_COUNTED + 1, *chain(*conditions.values())) or 0
    return min(counted, MOST_COUNTED), counted > MOST_COUNTED


async def _wanted(tx: Tx, filter: Filter, *, near: bool = True) -> _Wanted | None:
    """The conditions that the filter sets, with their values; None when nothing can match.

    Without `near` the search is not looked up: few contacts are asked, whom the caller names.
    """
    given: Conditions = {}
    for name in PLAIN:
        if (value := getattr(filter, name)) is not None:
            if name.endswith("_id") and not 0 < value < 2**63:
                return None
            if name.endswith("_score"):
                value = min(max(value, -1), 101)
            given[name] = (value,)
    if filter.tag is not None:
        tag = await tx.value(int, TAG, tx.account, names.key(filter.tag))
        if tag is None:
            return None
        given["tag"] = (tag,)
    if filter.search is not None and (term := Term.of(filter.search)):
        given |= await _search(tx, term) if near else {"walk": (term.pattern, term.digits, term.company)}
    if filter.query is None or not filter.query.strip():
        return _Wanted(given)
    query = await searching.read(tx, filter.query)
    where, values = compiling.where(query.root, query.environment, first=None)
    return _Wanted({**given, Asked(where, len(values)): tuple(values)}, query)


async def _search(tx: Tx, term: Term) -> Conditions:
    """Few matches are looked up by id; a term that matches much is met soon by walking from the newest.

    A term without three letters in a row cannot use the index: it is looked for in the newest contacts only. One that
    most of the newest match is counted among them, as the index would name everybody first.
    """
    patterns = (term.pattern, term.digits, term.company)
    if not term.indexable:
        return {"recent": patterns}
    if (
        await _counted(tx, patterns, FEW_NEAR, FEW_NEAR) > FEW_NEAR // 2
        and await _counted(tx, patterns, 3 * MOST_COUNTED, MOST_COUNTED + 1) > MOST_COUNTED
    ):
        return {"walk": patterns}
    ids = await tx.column(int, SEARCH, tx.account, *patterns, MOST_COUNTED + 1)
    return {"walk": patterns} if len(ids) > MOST_COUNTED else {"ids": (ids,)}


async def _counted(tx: Tx, patterns: tuple[str | None, ...], among: int, most: int) -> int:
    """How many of the newest contacts match a search, counted up to `most`."""
    return await tx.value(int, AMONG_NEWEST, tx.account, *patterns, among, most) or 0


@cache
def _first(direction: Direction, limit: int) -> Statement:
    """The page that is asked for most. With its limit in the text, PostgreSQL plans it once and not every time."""
    return sql(f"""
        select {COLUMNS} from contacts c where c.account_id = $1 and c.deleted_at is null
        order by {SORTS["created_at"].format(direction)} limit {int(limit)}
    """)


@lru_cache(maxsize=1000)
def _list(conditions: Sequence[str | Asked], sort: str, direction: Direction, shallow: bool) -> Statement:
    order = SORTS[sort].format(direction)
    where = _where(conditions, first=4)
    if shallow:
        return searching.statement(f"""
            select {COLUMNS} from {_source(conditions)}
            where c.account_id = $1 and c.deleted_at is null {where} order by {order} limit $2 offset $3
        """)
    # Ids first: the wide rows of the pages before are not read.
    company = "(select k.name_key from companies k where k.account_id = c.account_id and k.id = c.company_id)"
    return searching.statement(f"""
        with page as materialized (
            select c.id from {_source(conditions)}
            left join companies co on {sort == "company"} and co.account_id = c.account_id and co.id = c.company_id
            where c.account_id = $1 and c.deleted_at is null {where} order by {order} limit $2 offset $3
        )
        select {COLUMNS} from page join contacts c on c.account_id = $1 and c.id = page.id
        order by {order.replace("co.name_key", company)}
    """)


@lru_cache(maxsize=1000)
def _count(conditions: Sequence[str | Asked]) -> Statement:
    return searching.statement(f"""
        select count(*) from (
            select 1 from {_source(conditions)}
            where c.account_id = $1 and c.deleted_at is null {_where(conditions, first=3)} limit $2
        ) as matches
    """)


@lru_cache(maxsize=1000)
def _ids(conditions: Sequence[str | Asked]) -> Statement:
    return searching.statement(f"""
        select c.id from {_source(conditions)}
        where c.account_id = $1 and c.deleted_at is null {_where(conditions, first=3)} order by c.id limit $2
    """)


def _source(conditions: Sequence[str | Asked]) -> str:
    return next((source for name, source in SOURCES.items() if name in conditions), "contacts c")


def _where(conditions: Sequence[str | Asked], first: int) -> str:
    """The conditions joined, their parameters numbered from `first`."""
    where = ""
    for name in conditions:
        arity, condition = (name.arity, name.text) if isinstance(name, Asked) else CONDITIONS[name]
        where += f" and {condition.format(*(f'${first + n}' for n in range(arity)))}"
        first += arity
    return where


EARLIEST, LATEST = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)

PLAIN = ("status", "tag_id", "group_id", "company_id", "country", "min_score", "max_score")

_TAGGED = """exists (select from contact_tags ct
    where ct.account_id = c.account_id and ct.tag_id = {0} and ct.contact_id = c.id)"""
_MEMBER = """exists (select from group_members m
    where m.account_id = c.account_id and m.group_id = {0} and m.contact_id = c.id)"""
_LIKE = """(c.search like {0} or c.search like {1} or c.company_id in (
    select k.id from companies k where k.account_id = $1 and k.name_key like {2} and k.deleted_at is null))"""
_FIRST = """(select n.* from contacts n where n.account_id = $1 and n.deleted_at is null
    order by n.created_at {0}, n.id {0} limit {1}) c"""
SOURCES = {
    "recent": _FIRST.format("desc", MOST_COUNTED),
    "near_desc": _FIRST.format("desc", NEAR),
    "near_asc": _FIRST.format("asc", NEAR),
}

# Each condition with the number of its parameters.
CONDITIONS: dict[str, tuple[int, str]] = {
    "status": (1, "c.status = any({0}::text[])"),
    "tag_id": (1, _TAGGED),
    "tag": (1, _TAGGED),
    "group_id": (1, _MEMBER),
    "company_id": (1, "c.company_id = {0}"),
    "country": (1, "c.country_key = lower({0})"),
    "min_score": (1, "c.lead_score >= {0}::bigint"),
    "max_score": (1, "c.lead_score <= {0}::bigint"),
    "ids": (1, "c.id = any({0}::bigint[])"),
    "among": (1, "c.id = any({0}::bigint[])"),
    "walk": (3, _LIKE),
    "recent": (3, _LIKE),
    "near_desc": (0, "true"),
    "near_asc": (0, "true"),
    "after_desc": (2, "(c.created_at, c.id) < ({0}, {1})"),
    "after_asc": (2, "(c.created_at, c.id) > ({0}, {1})"),
}

_SORT = "{column} {{0}} nulls last, c.id {{0}}"
SORTS = {
    "created_at": "c.created_at {0}, c.id {0}",
    "updated_at": "c.updated_at {0}, c.id {0}",
    "name": _SORT.format(column="lower(c.name)"),
    "first_name": _SORT.format(column="lower(c.first_name)"),
    "last_name": _SORT.format(column="lower(c.last_name)"),
    "email": _SORT.format(column="c.email"),
    "company": _SORT.format(column="co.name_key"),
    "lead_score": _SORT.format(column="c.lead_score"),
    "last_contacted_at": _SORT.format(column="c.last_contacted_at"),
}

TOTAL = sql("select sum(value)::bigint from tallies where account_id = $1 and name = 'contacts'")

TAG = sql("select id from tags where account_id = $1 and kind = 'contact' and name_key = $2")

AMONG_NEWEST = sql(f"""
    select count(*) from (
        select 1 from {_FIRST.format("desc", "$5")} where {_LIKE.format("$2", "$3", "$4")} limit $6
    ) as matches
""")

SEARCH = sql(
    "select id from search_contacts(account_id => $1, pattern => $2, digits => $3, company => $4, most => $5) id"
)

_MODIFIED = """
    select {columns} from contacts c
    where c.account_id = $1 and c.deleted_at is {living} and c.updated_at between $2 and $3
        and (c.updated_at, c.id) {behind} ($4, $5) {member}
    order by c.updated_at {direction}, c.id {direction} limit $6
"""
MODIFIED = {
    (direction, deleted, grouped): sql(
        _MODIFIED.format(
            columns=COLUMNS,
            living="not null" if deleted else "null",
            behind=behind,
            member=f"and {_MEMBER.format('$7')}" if grouped else "",
            direction=direction,
        )
    )
    for direction, behind in (("asc", ">"), ("desc", "<"))
    for deleted in (False, True)
    for grouped in (False, True)
}
