"""Runs: who went through which flow, by which way, and what came of it. Kept until they are archived."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from trunkline.core.db import Tx, sql
from trunkline.core.errors import NotFound
from trunkline.flows import sessions
from trunkline.flows.sessions import Session

OPEN = ("active", "waiting")
MOST_LOOKED_AT = 10_000
"""So many of a flow's last runs are looked at for those who came to one of its nodes."""
BEYOND = 2**63 - 1
"""More than any id."""


class Run(Struct, frozen=True):
    """`nodes` and `arrivals` are the path; `results` are by key, as the flow format writes them."""

    id: int
    uuid: UUID
    flow_id: int
    flow_uuid: UUID
    flow_name: str
    contact_id: int
    session: UUID
    parent: UUID | None
    start_id: int | None
    start_uuid: UUID | None
    status: str
    responded: bool
    nodes: list[UUID]
    arrivals: list[datetime]
    results: dict[str, Any]
    created_at: datetime
    modified_at: datetime
    exited_at: datetime | None


class Filter(Struct, frozen=True, kw_only=True):
    """`responded` keeps those that heard an answer; the times are those of the last change."""

    uuid: UUID | None = None
    id: int | None = None
    flow_id: int | None = None
    contact_id: int | None = None
    responded: bool = False
    after: datetime | None = None
    before: datetime | None = None


async def save(
    tx: Tx,
    taken: Sequence[tuple[int, int | None, Session, Iterable[sessions.Run]]],
    flow_ids: Mapping[str, int],
) -> None:
    """Write the runs that a sprint touched, as (contact, start, session, runs). Do so before they are compacted."""
    rows = [
        _row(contact, start, session, run, flow_ids[run.flow.uuid])
        for contact, start, session, touched in taken
        for run in touched
        if run.flow.uuid in flow_ids
    ]
    if rows:
        await tx.run(SAVE, tx.account, *(list(column) for column in zip(*rows, strict=True)))


async def close(tx: Tx, sessions: Sequence[UUID], status: str) -> list[UUID]:
    """End what is still open in these sessions, from outside: interrupted, failed … Returns the runs."""
    return await tx.column(UUID, CLOSE, tx.account, list(sessions), status) if sessions else []


async def get(tx: Tx, uuid: UUID) -> Run:
    found = await page(tx, Filter(uuid=uuid), limit=1)
    if not found:
        raise NotFound("run", uuid)
    return found[0]


async def results(tx: Tx, uuids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """What was answered in runs that no other flow entered: by run, the value of each result."""
    return dict(await tx.rows(VALUES, tx.account, list(uuids)))


async def page(
    tx: Tx,
    filter: Filter,
    *,
    cursor: tuple[datetime, int] | None = None,
    limit: int = 250,
    oldest_first: bool = False,
) -> list[Run]:
    """Runs by their last change, the newest first; `cursor` is (modified_at, id) of the last one seen."""
    at, id = _begin(filter, cursor, oldest_first) or (None, None)
    statement = PAGE[_source(filter), filter.responded, oldest_first]
    return await tx.fetch(
        Run, statement, tx.account, at, id, limit, filter.uuid, filter.id, filter.flow_id, filter.contact_id,
        filter.after, filter.before,
    )  # fmt: skip


async def at_node(
    tx: Tx, flow_id: int, node: UUID, *, here: bool = False, cursor: tuple[datetime, int] | None = None, limit: int = 50
) -> list[Run]:
    """Runs that came to a node, or wait `here` now, the last changed first, among `MOST_LOOKED_AT` of the flow."""
    at, id = cursor or (None, None)
    return await tx.fetch(Run, AT_NODE, tx.account, at, id, limit, flow_id, node, here, MOST_LOOKED_AT)


async def counts(tx: Tx, flow_ids: Sequence[int]) -> dict[int, dict[str, int]]:
    """How many runs of each flow are in each status."""
    found = {id: dict.fromkeys(STATUSES, 0) for id in flow_ids}
    names = {f"flow:{id}:{status}": (id, status) for id in flow_ids for status in STATUSES}
    for name, number in await tx.rows(COUNTS, tx.account, list(names)):
        id, status = names[name]
        found[id][status] = number
    return found


def _begin(filter: Filter, cursor: tuple[datetime, int] | None, oldest_first: bool) -> tuple[datetime, int] | None:
    """Where the index is entered: an end of the time is a place like any other."""
    if oldest_first:
        first = (filter.after, 0) if filter.after else None
        return max(first, cursor) if first and cursor else first or cursor
    last = (filter.before, BEYOND) if filter.before else None
    return min(last, cursor) if last and cursor else last or cursor


def _source(filter: Filter) -> str:
    """Each has an index to walk, or finds one row."""
    by = {"uuid": filter.uuid, "id": filter.id, "flow": filter.flow_id, "contact": filter.contact_id}
    return next((source for source, value in by.items() if value is not None), "all")


def _row(contact: int, start: int | None, session: Session, run: sessions.Run, flow_id: int) -> tuple[object, ...]:
    return (
        run.uuid,
        flow_id,
        contact,
        session.uuid,
        run.parent_uuid or None,
        start,
        run.status,
        run.had_input,
        "{" + ",".join(step.node_uuid for step in run.path) + "}",
        "{" + ",".join(step.arrived_on.isoformat() for step in run.path) + "}",
        RESULTS.encode(run.results).decode(),
        run.created_on,
        run.modified_on,
        run.exited_on,
    )


STATUSES: tuple[str, ...] = ("active", "waiting", "completed", "expired", "interrupted", "failed")
RESULTS = msgspec.json.Encoder(decimal_format="number")

SAVE = sql("""
    insert into flow_runs as r (account_id, uuid, flow_id, contact_id, session, parent, start_id, status, responded,
        nodes, arrivals, results, created_at, modified_at, exited_at)
    select $1, uuid, flow_id, contact_id, session, parent, start_id, status, responded, nodes::uuid[],
        arrivals::timestamptz[], results::jsonb, created_at, modified_at, exited_at
    from unnest($2::uuid[], $3::bigint[], $4::bigint[], $5::uuid[], $6::uuid[], $7::bigint[], $8::text[],
        $9::boolean[], $10::text[], $11::text[], $12::text[], $13::timestamptz[], $14::timestamptz[],
        $15::timestamptz[])
        as g (uuid, flow_id, contact_id, session, parent, start_id, status, responded, nodes, arrivals, results,
        created_at, modified_at, exited_at)
    on conflict (account_id, uuid) do update set status = excluded.status, responded = excluded.responded,
        nodes = excluded.nodes, arrivals = excluded.arrivals, results = excluded.results,
        modified_at = excluded.modified_at, exited_at = excluded.exited_at
""")

CLOSE = sql("""
    update flow_runs set status = $3, exited_at = now(), modified_at = now()
    where account_id = $1 and session = any($2::uuid[]) and exited_at is null returning uuid
""")

VALUES = sql("""
    select uuid::text, coalesce((select jsonb_object_agg(key, value -> 'value') from jsonb_each(results)), '{}')
    from flow_runs where account_id = $1 and uuid = any($2::uuid[]) and parent is null
""")

_COLUMNS = """
    r.id, r.uuid, r.flow_id, (select f.uuid from flows f where f.account_id = $1 and f.id = r.flow_id) as flow_uuid,
    (select f.name from flows f where f.account_id = $1 and f.id = r.flow_id) as flow_name, r.contact_id, r.session,
    r.parent, r.start_id,
    (select s.uuid from flow_starts s where s.account_id = $1 and s.id = r.start_id) as start_uuid,
    r.status, r.responded, r.nodes, r.arrivals, r.results, r.created_at, r.modified_at, r.exited_at
"""

_WHOSE = {
    "uuid": """r.uuid = $5::uuid and ($6::bigint is null or r.id = $6) and ($7::bigint is null or r.flow_id = $7)
        and ($8::bigint is null or r.contact_id = $8)""",
    "id": """$5::uuid is null and r.id = $6::bigint and ($7::bigint is null or r.flow_id = $7)
        and ($8::bigint is null or r.contact_id = $8)""",
    "flow": """$5::uuid is null and $6::bigint is null and r.flow_id = $7::bigint
        and ($8::bigint is null or r.contact_id = $8)""",
    "contact": "$5::uuid is null and $6::bigint is null and $7::bigint is null and r.contact_id = $8::bigint",
    "all": "$5::uuid is null and $6::bigint is null and $7::bigint is null and $8::bigint is null",
}
# A null cursor is the end of time: the bound is always there, so the index is always entered at the right place.
_BEHIND = {
    True: "(r.modified_at, r.id) > (coalesce($2::timestamptz, '-infinity'), coalesce($3::bigint, 0))",
    False: "(r.modified_at, r.id) < (coalesce($2::timestamptz, 'infinity'), coalesce($3::bigint, 0))",
}

PAGE = {
    (source, responded, oldest_first): sql(f"""
        select {_COLUMNS} from flow_runs r
        where r.account_id = $1 and {behind} and {whose} {"and r.responded" if responded else ""}
            and r.modified_at >= coalesce($9::timestamptz, '-infinity')
            and r.modified_at <= coalesce($10::timestamptz, 'infinity')
        order by r.modified_at {"asc" if oldest_first else "desc"}, r.id {"asc" if oldest_first else "desc"} limit $4
    """)
    for source, whose in _WHOSE.items()
    for responded in (False, True)
    for oldest_first, behind in _BEHIND.items()
}

AT_NODE = sql(f"""
    select {_COLUMNS} from (
        select * from flow_runs r where r.account_id = $1 and r.flow_id = $5 and {_BEHIND[False]}
        order by r.modified_at desc, r.id desc limit $8
    ) r
    where $6::uuid = any(r.nodes)
        and (not $7::boolean or (r.exited_at is null and r.nodes[cardinality(r.nodes)] = $6::uuid))
    order by r.modified_at desc, r.id desc limit $4
""")

COUNTS = sql("""
    select name, sum(value)::bigint from tallies where account_id = $1 and name = any($2::text[]) group by name
""")
