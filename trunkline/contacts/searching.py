"""Contact queries asked of the database: read for the account, narrowed by indexes, counted."""

from functools import lru_cache

from trunkline.contacts import environments, names
from trunkline.contacts import fields as custom
from trunkline.contacts.query import Field, Names, Query, QueryError, Ref, compiling, narrowing, parse
from trunkline.contacts.query.conditions import conditions
from trunkline.core import clock
from trunkline.core.db import Statement, Tx, sql
from trunkline.core.errors import Invalid

MOST_CANDIDATES, FEW = 10_000, 500
MOST_TRIES = 3


async def read(tx: Tx, text: str) -> Query:
    """The query with the account's fields, groups and flows; raises `Invalid({"query": […]})`."""
    try:
        return await attempt(tx, text)
    except QueryError as error:
        raise Invalid({"query": [error.message]}, code=error.code) from None


async def attempt(tx: Tx, text: str, *, redacts: bool = True) -> Query:
    """Like `read`, for those who want the `QueryError`."""
    environment, now = await environments.of_account(tx, redacts=redacts), clock.now()
    return parse(text, environment, await _names(tx, parse(text, environment, now=now)), now=now)


async def defining(tx: Tx, text: str) -> Query:
    """A query that may define a group; raises `Invalid`. Redaction hides addresses from people, not from groups."""
    try:
        query = await attempt(tx, text, redacts=False)
    except QueryError as error:
        raise Invalid({"query": [error.message]}, code=error.code) from None
    if not query.inspection.allow_as_group:
        problem = "A group cannot be defined by id, ref, status, group, flow or history."
        raise Invalid({"query": [problem]}, code="not_for_groups")
    return query


async def narrow(tx: Tx, query: Query, most: int = MOST_CANDIDATES) -> list[int] | None:
    """Contacts among whom all matches are, when an index knows that they are few; else None."""
    # The fewest are best, so that all covers are asked for a few before one is asked for many.
    for limit in (min(most, FEW), most):
        for cover in narrowing.covers(query.root)[:MOST_TRIES]:
            text, values = narrowing.candidates(cover, query.environment)
            found = await tx.column(int, statement(text), tx.account, limit + 1, *values)
            if len(found) <= limit:
                return found
    return None


async def count(tx: Tx, query: Query) -> int:
    """How many living contacts match, exactly."""
    candidates = await narrow(tx, query)
    given = [] if candidates is None else [candidates]
    where, values = compiling.where(query.root, query.environment, first=2 + len(given))
    among = "c.id = any($2::bigint[]) and" if given else ""
    text = f"select count(*) from contacts c where c.account_id = $1 and c.deleted_at is null and {among} {where}"
    return await tx.value(int, statement(text), tx.account, *given, *values) or 0


@lru_cache(maxsize=1000)
def statement(text: str) -> Statement:
    """A statement made of a query: it stands in no register, and holds no value of the query."""
    return Statement(text, __name__, False)


async def _names(tx: Tx, named: Query) -> Names:
    """What the query names, as far as the account has it."""
    found = conditions(named.root)
    declared = await custom.all(tx) if named.inspection.fields else []
    keys = {type: [names.key(one.value) for one in found if one.type == type and one.value] for type in REFERRED}
    groups = await tx.fetch(Ref, GROUPS, tx.account, keys["group"]) if keys["group"] else []
    flows = await tx.fetch(Ref, FLOWS, tx.account, keys["flow"]) if keys["flow"] else []
    return Names([Field(one.key, one.label, one.type) for one in declared], groups, flows)


REFERRED = ("group", "flow")

GROUPS = sql("select uuid::text, name, id from groups where account_id = $1 and name_key = any($2) order by id")

FLOWS = sql("""
    select uuid::text, name, id from flows where account_id = $1 and name_key = any($2) and not archived order by id
""")
