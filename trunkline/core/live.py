"""Live updates: what signed-in browsers hear, numbered by one sequencer: a resumed stream misses nothing."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from trunkline.core.db import Database, Tx, sql
from trunkline.core.jobs import Desk, job

CHANNEL = "trunkline_live"
SEQUENCER = 7_401
MOST_IDS = 50


class Update(Struct, frozen=True):
    account_id: int
    seq: int
    kind: str
    ids: dict[str, Any]
    created_at: datetime


async def push(tx: Tx, updates: Sequence[tuple[str, dict[str, Any]]]) -> None:
    """Add updates of this account. A lock until the commit makes numbers and commits agree."""
    if updates:
        await tx.run(LOCK, SEQUENCER)
        kinds, ids = zip(*updates, strict=True)
        await tx.run(PUSH, tx.account, list(kinds), list(ids), CHANNEL)


async def since(database: Database, seq: int, limit: int = 1000) -> list[Update]:
    """Updates of all accounts after a number, in order."""
    async with database.system() as tx:
        return await tx.fetch(Update, SINCE, seq, limit)


async def of_account(tx: Tx, seq: int, limit: int = 1000) -> list[Update]:
    """What an account's browser missed since it was last connected."""
    return await tx.fetch(Update, OF_ACCOUNT, tx.account, seq, limit)


async def latest(database: Database) -> int:
    async with database.system() as tx:
        return await tx.value(int, LATEST) or 0


def ids_of(event: Struct) -> dict[str, Any]:
    """The identifying part of an event: enough to refetch, nothing to leak."""
    fields: dict[str, Any] = {}
    for name, value in msgspec.to_builtins(event).items():
        if name in ("id", "status") or name.endswith("_id"):
            fields[name] = value
        elif name in ("ids", "changes", "filed") and isinstance(value, list):
            fields[name] = value[:MOST_IDS]
    return fields


@job("live.prune", apart=True)
async def prune(desk: Desk) -> None:
    """Forget updates older than an hour; a browser that was away longer reloads."""
    async with desk.database.system() as tx:
        await tx.run(PRUNE)


LOCK = sql("select pg_advisory_xact_lock($1)", system=True)

PUSH = sql(
    """
    with pushed as (
        insert into live (account_id, kind, ids) select $1::bigint, kind, ids
        from unnest($2::text[], $3::jsonb[]) with ordinality as u (kind, ids, position) order by position
    )
    select pg_notify($4, '')
    """,
    system=True,
)

SINCE = sql(
    "select account_id, seq, kind, ids, created_at from live where seq > $1 order by seq limit $2",
    system=True,
)

OF_ACCOUNT = sql("""
    select account_id, seq, kind, ids, created_at from live where account_id = $1 and seq > $2 order by seq limit $3
""")

LATEST = sql("select max(seq) from live", system=True)

PRUNE = sql("delete from live where created_at < now() - interval '1 hour'", system=True)
