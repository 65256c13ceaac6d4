"""Audiences: whom a broadcast reaches. A snapshot is taken by set-based SQL, in order of contact, with a cursor.

An audience is {"type": "all"}, {"type": "group", "segment" or "tag", "id": N}, {"type": "groups", "tags" or
"contacts", "ids": [...]}, {"type": "query", "query": "…"} or {"type": "campaign", "id": N, "outcome": "failed"}. A
segment is a group with a query; of several groups or tags it is who has at least one; of a campaign it is with whom it
went so. Reached is who is active, undisturbed, has an address for the channel, has not opted out of it and is not left
out (exclusions.py).
"""

from typing import Any

from trunkline.campaigns import exclusions, reports
from trunkline.contacts import searching
from trunkline.contacts.query import compiling
from trunkline.core.db import Statement, Tx, sql
from trunkline.core.errors import Conflict, Invalid

TYPES = ("all", "group", "segment", "tag", "groups", "tags", "query", "contacts", "campaign")
MOST_NAMED = 10_000
MOST_JOINED = 100
"""So many groups, or tags, may make one audience."""


async def check(tx: Tx, audience: dict[str, Any]) -> dict[str, Any]:
    """The audience in its stored form; raises `Invalid` for what does not exist in this account."""
    found = await _check(tx, audience)
    if left_out := await exclusions.check(tx, audience.get("exclude") or {}):
        found["exclude"] = left_out
    return found


async def _check(tx: Tx, audience: dict[str, Any]) -> dict[str, Any]:
    kind = audience.get("type", "all")
    if kind not in TYPES:
        raise Invalid({"audience.type": [f"The audience type is one of {', '.join(TYPES)}."]})
    if kind == "all":
        return {"type": "all"}
    if kind == "contacts":
        ids = sorted(set(audience.get("ids") or ()))
        if not ids or len(ids) > MOST_NAMED:
            raise Invalid({"contact_ids": [f"Name between 1 and {MOST_NAMED} contacts."]})
        if await tx.value(int, KNOWN, tx.account, ids) != len(ids):
            raise Invalid({"contact_ids": ["Some of these contacts do not exist."]})
        return {"type": "contacts", "ids": ids}
    if kind in ("groups", "tags"):
        return await _joined(tx, kind, sorted(set(audience.get("ids") or ())))
    if kind == "query":
        return {"type": "query", "query": (await searching.read(tx, str(audience.get("query") or ""))).text}
    id = audience.get("id")
    if not isinstance(id, int) or not 0 < id < 2**63 or not await tx.value(bool, EXISTS[kind], tx.account, id):
        raise Invalid({"audience.id": [f"There is no such {kind}."]})
    if kind == "campaign":
        if (outcome := reports.outcome(str(audience.get("outcome")))) is None:
            raise Invalid({"audience.outcome": [f"The outcome is one of {', '.join(reports.OUTCOMES)}."]})
        return {"type": kind, "id": id, "outcome": outcome}
    return {"type": kind, "id": id}


async def size(tx: Tx, audience: dict[str, Any], schemes: list[str], sends_as: str, at_most: int) -> int:
    """How many would be reached, counted up to `at_most`; raises `Conflict` for a group that is being filled."""
    await check_filled(tx, audience)
    statement, more = ready(audience, SIZE), []
    if statement is None:
        source, more = await composed(tx, audience, first=6)
        statement = searching.statement(_SIZE.format(source=source.format(cursor=0)))
    return await tx.value(int, statement, tx.account, subject(audience), schemes, sends_as, at_most, *more) or 0


async def check_filled(tx: Tx, audience: dict[str, Any]) -> None:
    """Raise `Conflict` while a group of the audience, or one that is left out, is being filled."""
    groups = audience.get("ids", [audience.get("id")]) if audience["type"] in ("group", "segment", "groups") else []
    groups = [*groups, *audience.get("exclude", {}).get("groups", ())]
    if groups and await tx.value(bool, BEING_FILLED, tx.account, groups):
        raise Conflict("group_not_ready", "The group is still being filled. Try again in a moment.")


def subject(audience: dict[str, Any]) -> Any:
    """What the source of a type is parameterised by."""
    return audience["ids"] if audience["type"] in ("contacts", "groups", "tags") else audience.get("id", 0)


async def expansion(tx: Tx, audience: dict[str, Any]) -> tuple[Statement, list[object]]:
    """The statement that writes one portion of an audience's messages, and what it takes after its own parameters."""
    if statement := ready(audience, EXPAND):
        return statement, []
    source, more = await composed(tx, audience, first=13)
    return searching.statement(_EXPAND.format(source=source.format(cursor="$5"))), more


async def bounds(tx: Tx, audience: dict[str, Any]) -> tuple[Statement, list[object]]:
    """The statement that finds where the next portion of an audience ends, and what else it takes."""
    if statement := ready(audience, BOUNDS):
        return statement, []
    source, more = await composed(tx, audience, first=5)
    return searching.statement(_BOUNDS.format(source=source.format(cursor="$3"))), more


def ready(audience: dict[str, Any], known: dict[str, Statement]) -> Statement | None:
    """The prepared statement for an audience; none where a query says who belongs to it or who does not."""
    return None if exclusions.narrows(audience) else known.get(kind(audience))


def kind(audience: dict[str, Any]) -> str:
    """The name of an audience's source."""
    return f"campaign.{audience['outcome']}" if audience["type"] == "campaign" else audience["type"]


async def composed(tx: Tx, audience: dict[str, Any], first: int) -> tuple[str, list[object]]:
    """The source of an audience that no prepared statement stands for, with its parameters from `first` on."""
    text, values = await source_of(tx, audience, first)
    share, more = exclusions.kept(audience, first + len(values))
    values = [*values, *more]
    left_out, more = await exclusions.condition(tx, audience, first + len(values))
    if exclusions.narrows(audience):
        text = f"select s.id, s.fit and {share} and not ({left_out}) from ({text}) as s (id, fit)"
    return text, [*values, *more]


async def source_of(tx: Tx, audience: dict[str, Any], first: int, *, asking: str = "") -> tuple[str, list[object]]:
    """Everybody in an audience, whether left out or not; `asking` is the source for a query."""
    if audience["type"] == "query":
        return await asked(tx, audience["query"], first, source=asking)
    return SOURCES[kind(audience)], []


async def asked(tx: Tx, text: str, first: int, *, source: str = "") -> tuple[str, list[object]]:
    """The source of whom a query finds, with its parameters from `first` on."""
    query = await searching.read(tx, text)
    candidates = await searching.narrow(tx, query)
    where, values = compiling.where(query.root, query.environment, first=first + 1)
    source = (source or QUERIED).format(fit=FIT, where=where, candidates=f"${first}", cursor="{cursor}")
    return source, [candidates, *values]


async def _joined(tx: Tx, kind: str, ids: list[int]) -> dict[str, Any]:
    if not 0 < len(ids) <= MOST_JOINED:
        raise Invalid({"audience.ids": [f"Name between 1 and {MOST_JOINED} {kind}."]})
    if await tx.value(int, NAMED[kind], tx.account, ids) != len(ids):
        raise Invalid({"audience.ids": [f"Some of these {kind} do not exist."]})
    return {"type": kind, "ids": ids} if len(ids) > 1 else {"type": kind.removesuffix("s"), "id": ids[0]}


FIT = "c.status = 'active' and c.deleted_at is null and not c.do_not_disturb"

# Who is asked, in order of contact, and whether that person may be written to at all. Scalar subqueries on purpose:
# each row is one probe of a key, whatever the planner believes about the size of a table.
SOURCES = {
    "all": f"select c.id, {FIT} from contacts c where c.account_id = $1 and c.id > {{cursor}}"
    " and $2::bigint is not null",
    **{
        kind: f"""
            select m.contact_id, (select {FIT} from contacts c where c.account_id = $1 and c.id = m.contact_id)
            from {table} m where m.account_id = $1 and m.{column} = $2 and m.contact_id > {{cursor}}"""
        for kind, table, column in (
            ("group", "group_members", "group_id"),
            ("segment", "group_members", "group_id"),
            ("tag", "contact_tags", "tag_id"),
        )
    },
    # In order of contact, each a probe of the members' key: a portion ends early, and nothing is sorted.
    **{
        kind: f"""
            select c.id, {FIT} from contacts c where c.account_id = $1 and c.id > {{cursor}} and exists (
                select from {table} m where m.account_id = $1 and m.{column} = any($2::bigint[])
                    and m.contact_id = c.id)"""
        for kind, table, column in (("groups", "group_members", "group_id"), ("tags", "contact_tags", "tag_id"))
    },
    **{
        f"campaign.{outcome}": f"""
            select m.contact_id, (select {FIT} from contacts c where c.account_id = $1 and c.id = m.contact_id)
            from {reports.FROM} where m.account_id = $1 and m.broadcast_id = $2 and m.contact_id > {{cursor}}
                and {condition}"""
        for outcome, condition in reports.CONDITIONS.items()
        if outcome
    },
    "contacts": f"""
        select named.id, (select {FIT} from contacts c where c.account_id = $1 and c.id = named.id)
        from unnest($2::bigint[]) as named (id) where named.id > {{cursor}}""",
}

# Who is looked at is decided by keys alone, so that a portion ends after its size however few of them match.
QUERIED = """
    select c.id, {fit} and {where} from contacts c where c.account_id = $1 and c.id > {cursor}
        and $2::bigint is not null and ({candidates}::bigint[] is null or c.id = any({candidates}))"""

REACHED = """
    cross join lateral (
        select u.scheme, u.path from urns u
        where u.account_id = $1 and u.contact_id = s.id and u.scheme = any($3::text[])
        order by u.scheme, u.priority, u.id limit 1
    ) a
    where s.fit and (
        select true from suppressions x where x.account_id = $1 and x.kind = $4
            and x.address = case a.scheme when 'whatsapp' then '+' || a.path else a.path end) is null
"""

_SIZE = f"""
    select count(*) from (
        select from ({{source}}) as s (id, fit) {REACHED} limit $5
    ) reached
"""
SIZE = {kind: sql(_SIZE.format(source=source.format(cursor=0))) for kind, source in SOURCES.items()}

# Who is looked at is decided by keys, so this reads keys alone.
_BOUNDS = """
    select max(id) as upto, count(*) as looked from (
        select id from ({source}) as s (id, fit) order by id limit $4
    ) portion
"""
BOUNDS = {kind: sql(_BOUNDS.format(source=source.format(cursor="$3"))) for kind, source in SOURCES.items()}

# One portion: its contacts, the addresses among them, their messages and their places in the line. Who cannot be paid
# for is written as failed, so that every recipient has an outcome. Which subject of an A/B test somebody gets hangs on
# contact and broadcast alone.
_EXPAND = f"""
    with source as materialized (
        select id, fit from ({{source}}) as s (id, fit) where id <= $6 order by id
    ), recipient as (
        select s.id as contact_id, a.scheme, a.path, row_number() over () as number
        from source s {REACHED}
    ), message as (
        insert into messages (account_id, uuid, direction, status, lane, channel_id, broadcast_id, contact_id, scheme,
            address, segments, credits, credit_state, reason, failed_at, variant)
        select $1, bulk_uuid((select (extract(epoch from clock_timestamp()) * 1000)::bigint), number), 'out',
            case when paid then 'queued' else 'failed' end, 2, $8, $9, contact_id, scheme, path, $10,
            case when paid then $11::int else 0 end, case when paid and $11 > 0 then 'reserved' else 'none' end,
            case when not paid then 'insufficient_credits' end, case when not paid then now() end,
            width_bucket((hashint8extended(contact_id, $9) & 2147483647) % 100, $12::bigint[])
        from (select *, number <= $7 as paid from recipient) as recipient
        returning id, status, variant
    ), waiting as (
        insert into outbound (lane, channel_id, account_id, broadcast_id, run_at, id)
        select 2, $8, $1, $9, now(), id from message where status = 'queued'
    )
    select count(*) filter (where status = 'queued') as queued, count(*) filter (where status = 'failed') as failed,
        (select jsonb_object_agg(variant, recipients) from (
            select variant, count(*) as recipients from message where variant is not null group by variant
        ) as split) as variants
    from message
"""
EXPAND = {kind: sql(_EXPAND.format(source=source.format(cursor="$5"))) for kind, source in SOURCES.items()}

KNOWN = sql("select count(*) from contacts where account_id = $1 and id = any($2::bigint[]) and deleted_at is null")

EXISTS = {
    "group": sql("select true from groups where account_id = $1 and id = $2"),
    "segment": sql("select true from groups where account_id = $1 and id = $2 and query is not null"),
    "tag": sql("select true from tags where account_id = $1 and id = $2 and kind = 'contact'"),
    "campaign": sql(
        "select true from broadcasts where account_id = $1 and id = $2 and type in ('broadcast', 'ab_test')"
    ),
}

NAMED = {
    "groups": sql("select count(*) from groups where account_id = $1 and id = any($2::bigint[])"),
    "tags": sql("select count(*) from tags where account_id = $1 and id = any($2::bigint[]) and kind = 'contact'"),
}

BEING_FILLED = sql("""
    select true from groups where account_id = $1 and id = any($2::bigint[]) and status = 'initializing' limit 1
""")
