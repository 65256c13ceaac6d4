"""Events: facts written in the transaction of the change (the outbox), handled after it by the reactions."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any, ClassVar

import msgspec
from msgspec import Struct

from trunkline.core.db import Database, Tx, sql

TURN = 7_402
"""The advisory lock of whoever has the turn to handle events."""

TYPES: dict[str, type["Event"]] = {}


class Event(Struct, frozen=True):
    """Base of all facts. A subclass sets `type`, the stable dotted name under which it is stored."""

    type: ClassVar[str]

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        TYPES[cls.type] = cls


class Happened(Struct, frozen=True):
    """A stored event with its circumstances; `id` makes a reaction idempotent."""

    account: int
    id: int
    actor: str
    cause: str
    depth: int
    created_at: datetime
    event: Any


Reaction = Callable[[Tx, Sequence[Happened]], Awaitable[None]]
Reactions = dict[type[Event], list[Reaction]]


async def handle(database: Database, reactions: Reactions, limit: int = 500) -> int:
    """Handle the oldest events: reactions and deletion commit together, so a crash repeats rather than loses.

    Reactions write rows only; whatever talks to the outside is a job that they enqueue. A batch is of one account.
    One caller at a time handles events, so that what follows from them stays in their order. Returns how many
    were handled.
    """
    async with database.system() as tx:
        rows = await tx.fetch(_Row, CLAIM, limit) if await tx.value(bool, ALONE, TURN) else []
        if not rows:
            return 0
        for happened in _batches(rows):
            first = happened[0]
            tx.account, tx.actor, tx.cause, tx.depth = (
                first.account,
                first.actor,
                first.cause,
                first.depth + 1,
            )
            for reaction in reactions.get(type(first.event), []):
                await reaction(tx, happened)
            await tx.flush()
        await tx.run(DELETE, [row.account_id for row in rows], [row.id for row in rows])
        return len(rows)


async def bury_oldest(database: Database, error: str) -> None:
    """Move an event whose reaction always fails to the dead letters, so that it blocks nobody."""
    async with database.system() as tx:
        if await tx.value(bool, ALONE, TURN):
            await tx.run(BURY, error)


class _Row(Struct, frozen=True):
    account_id: int
    id: int
    type: str
    actor: str
    cause: str
    depth: int
    data: Any
    created_at: datetime


def _batches(rows: list[_Row]) -> list[list[Happened]]:
    """Events of one account, type, actor and cause together; types in order of first appearance."""
    batches: dict[tuple[int, str, str, str, int], list[Happened]] = {}
    for row in rows:
        event = msgspec.convert(row.data, TYPES[row.type], strict=False)
        happened = Happened(row.account_id, row.id, row.actor, row.cause, row.depth, row.created_at, event)
        batches.setdefault((row.account_id, row.type, row.actor, row.cause, row.depth), []).append(happened)
    return list(batches.values())


ALONE = sql("select pg_try_advisory_xact_lock($1)", system=True)

CLAIM = sql(
    """
    select account_id, id, type, actor, cause, depth, data, created_at
    from events order by id limit $1 for update skip locked
    """,
    system=True,
)

BURY = sql(
    """
    with oldest as (
        delete from events where (account_id, id) = (
            select account_id, id from events order by id limit 1 for update skip locked)
        returning *
    )
    insert into dead_letters (account_id, queue, name, args, actor, cause, depth, attempts, error)
    select account_id, 'events', type, data, actor, cause, depth, 1, $1 from oldest
    """,
    system=True,
)

DELETE = sql(
    """
    delete from events e using unnest($1::bigint[], $2::bigint[]) as done (account_id, id)
    where e.account_id = done.account_id and e.id = done.id
    """,
    system=True,
)
