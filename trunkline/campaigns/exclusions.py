"""Exclusions: whom a campaign leaves out of its audience, and the part of it that a trial goes to.

Beside its type an audience may hold {"exclude": {"groups": [...], "tags": [...], "query": "…", "days": N,
"campaigns": [...]}}: members of any of the groups, who has any of the tags, whom a query finds, to whom a campaign
went in the last days, and whom one of the campaigns reached. {"sample": {"percent": P, "seed": N}} keeps so many in a
hundred, always the same ones for a seed. Audiences without either go through statements that know nothing of them.
"""

from typing import Any

from trunkline.contacts import searching
from trunkline.contacts.query import compiling
from trunkline.core.db import Tx, sql
from trunkline.core.errors import Invalid

MOST_NAMED = 100
MOST_DAYS = 365


async def check(tx: Tx, given: dict[str, Any]) -> dict[str, Any]:
    """The exclusions in their stored form, {} for none; raises `Invalid` for what does not exist in this account."""
    found: dict[str, Any] = {}
    for kind in ("groups", "tags", "campaigns"):
        if ids := sorted(set(given.get(kind) or ())):
            if len(ids) > MOST_NAMED:
                raise Invalid({f"exclude.{kind}": [f"Name at most {MOST_NAMED} {kind}."]})
            if await tx.value(int, NAMED[kind], tx.account, ids) != len(ids):
                raise Invalid({f"exclude.{kind}": [f"Some of these {kind} do not exist."]})
            found[kind] = ids
    if query := str(given.get("query") or "").strip():
        try:
            found["query"] = (await searching.read(tx, query)).text
        except Invalid as error:
            raise Invalid({"exclude.query": error.fields.get("query", [error.message])}, code=error.code) from None
    if (days := given.get("days")) is not None:
        if not isinstance(days, int) or not 1 <= days <= MOST_DAYS:
            raise Invalid({"exclude.days": [f"Between 1 and {MOST_DAYS} days."]})
        found["days"] = days
    return found


def narrows(audience: dict[str, Any]) -> bool:
    """Whether anybody is left out of it."""
    return bool(audience.get("exclude") or audience.get("sample"))


async def condition(tx: Tx, audience: dict[str, Any], first: int) -> tuple[str, list[object]]:
    """Who of `s.id` is left out, as a condition with its parameters from `first` on. It is never null."""
    excluded, values, parts = audience.get("exclude") or {}, [], []
    for name, text in CONDITIONS.items():
        if name in excluded:
            parts.append(text.format(first + len(values)))
            values.append(excluded[name])
    if "query" in excluded:
        query = await searching.read(tx, excluded["query"])
        where, more = compiling.where(query.root, query.environment, first=first + len(values))
        parts.append(f"(select true from contacts c where c.account_id = $1 and c.id = s.id and {where}) is not null")
        values += more
    return " or ".join(parts) or "false", values


def kept(audience: dict[str, Any], first: int) -> tuple[str, list[object]]:
    """Who of `s.id` belongs to the sample, as a condition with its parameters from `first` on."""
    if not (sample := audience.get("sample")):
        return "true", []
    # The other half of the hash decides about subjects: who is in the sample says nothing about which one they get.
    share = f"(hashint8extended(s.id, ${first}::bigint) >> 32 & 2147483647) % 100 < ${first + 1}::int"
    return share, [sample["seed"], sample["percent"]]


# Scalar subqueries on purpose: each is one probe of a key, whatever the planner believes about the size of a table.
CONDITIONS = {
    "groups": """(select true from group_members x where x.account_id = $1 and x.contact_id = s.id
        and x.group_id = any(${}::bigint[]) limit 1) is not null""",
    "tags": """(select true from contact_tags x where x.account_id = $1 and x.contact_id = s.id
        and x.tag_id = any(${}::bigint[]) limit 1) is not null""",
    "campaigns": """(select true from messages x where x.account_id = $1 and x.contact_id = s.id
        and x.broadcast_id = any(${}::bigint[]) limit 1) is not null""",
    "days": """(select true from messages x where x.account_id = $1 and x.contact_id = s.id
        and x.broadcast_id is not null and x.status not in ('failed', 'canceled')
        and x.created_at > now() - make_interval(days => ${}::int) limit 1) is not null""",
}

NAMED = {
    "groups": sql("select count(*) from groups where account_id = $1 and id = any($2::bigint[])"),
    "tags": sql("select count(*) from tags where account_id = $1 and id = any($2::bigint[]) and kind = 'contact'"),
    "campaigns": sql("""
        select count(*) from broadcasts where account_id = $1 and id = any($2::bigint[]) and type <> 'letter'
    """),
}
