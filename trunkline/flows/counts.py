"""Counts: how often nodes were reached, exits taken and categories chosen; and who took an exit last.

Writers only add deltas, so nobody waits for anybody; readers sum, and a schedule squashes.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from trunkline.core.db import Tx, sql
from trunkline.core.jobs import job

RECENT = 5

Key = tuple[int, str, str]
"""Flow, kind and key. Kinds and their keys: `node` and `waiting` a node's uuid, `exit` `exit:destination`,
`result` `key/category`."""


class Passage(Struct, frozen=True):
    """Somebody took an exit."""

    flow_id: int
    exit: str
    contact_id: int
    operand: str
    at: datetime


class Recent(Struct, frozen=True):
    exit: UUID
    contact_id: int
    operand: str
    at: datetime


class Tally(Struct, frozen=True):
    kind: str
    key: str
    value: int


async def add(tx: Tx, counted: Counter[Key]) -> None:
    rows = sorted((*key, value) for key, value in counted.items() if value)
    if rows:
        await tx.run(ADD, tx.account, *(list(column) for column in zip(*rows, strict=True)))


async def remember(tx: Tx, passages: Sequence[Passage]) -> None:
    """Keep the last few of each exit."""
    by_exit: dict[tuple[int, str], list[Passage]] = {}
    for passage in passages:
        by_exit.setdefault((passage.flow_id, passage.exit), []).append(passage)
    kept = [passage for of_exit in by_exit.values() for passage in of_exit[-RECENT:]]
    if kept:
        fields = ("flow_id", "exit", "contact_id", "operand", "at")
        await tx.run(REMEMBER, tx.account, *([getattr(one, name) for one in kept] for name in fields))


async def of(tx: Tx, flow: int) -> dict[str, dict[str, int]]:
    """All counts of a flow: kind, then key."""
    found: dict[str, dict[str, int]] = {"node": {}, "exit": {}, "waiting": {}, "result": {}}
    for row in await tx.fetch(Tally, OF, tx.account, flow):
        found[row.kind][row.key] = row.value
    return found


async def results(tx: Tx, flow: int) -> dict[str, dict[str, int]]:
    """How many runs ended up in each category of each result."""
    found: dict[str, dict[str, int]] = {}
    for joined, value in (await of(tx, flow))["result"].items():
        key, _, category = joined.partition("/")
        found.setdefault(key, {})[category] = value
    return found


async def recent(tx: Tx, flow: int, exit: UUID | None = None) -> list[Recent]:
    """The last contacts that took an exit, or each exit of the flow, the newest first."""
    return await tx.fetch(Recent, RECENTS, tx.account, flow, exit, RECENT)


@job("flow_counts.squash", apart=True)
async def squash(desk: Any) -> None:
    """Turn many small deltas into one row each, and forget all but the last few of each exit."""
    async with desk.database.system() as tx:
        await tx.run(SQUASH)
        await tx.run(FORGET, RECENT)


ADD = sql("""
    insert into flow_counts (account_id, flow_id, kind, key, value)
    select $1, * from unnest($2::bigint[], $3::text[], $4::text[], $5::bigint[])
""")

REMEMBER = sql("""
    insert into flow_recents (account_id, flow_id, exit, contact_id, operand, at)
    select $1, flow_id, exit, contact_id, left(operand, 640), at
    from unnest($2::bigint[], $3::uuid[], $4::bigint[], $5::text[], $6::timestamptz[])
        as given (flow_id, exit, contact_id, operand, at)
""")

OF = sql("""
    select kind, key, sum(value)::bigint as value from flow_counts where account_id = $1 and flow_id = $2
    group by kind, key having sum(value) <> 0 order by kind, key
""")

RECENTS = sql("""
    select exit, contact_id, operand, at from (
        select exit, contact_id, operand, at, id, row_number() over (partition by exit order by id desc) as place
        from flow_recents where account_id = $1 and flow_id = $2 and ($3::uuid is null or exit = $3)
    ) ranked where place <= $4 order by id desc
""")

SQUASH = sql(
    """
    with crowded as (
        select account_id, flow_id, kind, key from flow_counts group by account_id, flow_id, kind, key
        having count(*) > 10 limit 5000
    ), gone as (
        delete from flow_counts c using crowded k
        where c.account_id = k.account_id and c.flow_id = k.flow_id and c.kind = k.kind and c.key = k.key
        returning c.account_id, c.flow_id, c.kind, c.key, c.value
    )
    insert into flow_counts (account_id, flow_id, kind, key, value)
    select account_id, flow_id, kind, key, sum(value) from gone group by account_id, flow_id, kind, key
    """,
    system=True,
)

FORGET = sql(
    """
    delete from flow_recents r using (
        select account_id, flow_id, exit, id,
            row_number() over (partition by account_id, flow_id, exit order by id desc) as place
        from flow_recents
    ) ranked
    where ranked.place > $1 and r.account_id = ranked.account_id and r.flow_id = ranked.flow_id
        and r.exit = ranked.exit and r.id = ranked.id
    """,
    system=True,
)
