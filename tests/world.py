"""The database server of a test run, and makers of what tests need."""

import asyncio
import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from trunkline.channels.base import Wire
from trunkline.core.db import Database, sql
from trunkline.core.ids import new_uuid
from trunkline.messaging import channels
from trunkline.messaging.carrier import Carrier
from trunkline.messaging.channels import Channel
from trunkline.messaging.delivery import Sender
from trunkline.storage import postgres, schema


@contextlib.contextmanager
def server(root: Path) -> Iterator[str]:
    """The DSN of a running PostgreSQL: shared by the processes of a run, stopped by the last one that leaves.

    `TRUNKLINE_TEST_SERVER` names a running server instead.
    """
    if dsn := os.environ.get("TRUNKLINE_TEST_SERVER"):
        yield dsn
        return
    with asyncio.Runner() as runner:
        running = postgres.database(root / "server")
        dsn = runner.run(running.__aenter__())
        try:
            yield dsn
        finally:
            runner.run(running.__aexit__(None, None, None))


async def clone(server: str, name: str) -> str:
    """A new database with the current schema, copied from a template that is made once per schema."""
    owner = await asyncpg.connect(server)
    template = f"template_{schema.fingerprint()}"
    database = f"test_{name}_{secrets.token_hex(4)}"
    try:
        await owner.execute("select pg_advisory_lock(74)")
        if not await owner.fetchval("select true from pg_database where datname = $1", template):
            await owner.execute(f'create database "{template}_new"')
            await schema.migrate(_with_database(server, f"{template}_new"))
            await owner.execute(f'alter database "{template}_new" rename to "{template}"')
        await owner.execute(f'create database "{database}" template "{template}"')
        await owner.execute("select pg_advisory_unlock(74)")
    finally:
        await owner.close()
    return _with_database(server, database)


async def workspace(database: Database, *, metered: bool = False, kind: str = "workspace") -> int:
    connection = await asyncpg.connect(database.dsn)
    try:
        return await connection.fetchval(
            "insert into accounts (uuid, kind, name, metered) values ($1, $2, 'Acme', $3) returning id",
            new_uuid(),
            kind,
            metered,
        )
    finally:
        await connection.close()


def _with_database(dsn: str, name: str) -> str:
    parts = urlsplit(dsn)
    return urlunsplit(parts._replace(path=f"/{name}"))


async def simulator(database: Database, account: int, **settings: object) -> Channel:
    """A simulator channel of an account."""
    async with database.tx(account) as tx:
        channel, _ = await channels.create(tx, "simulator", f"Sim {secrets.token_hex(3)}", "+40700000000", settings)
        return channel


async def deliver(database: Database, account: int) -> None:
    """Run a sender until nothing of the account waits to be sent now."""
    sender = Sender(database, Wire(await database.tools.http(), database.tools.egress, Carrier(database)))
    task = asyncio.create_task(sender.run())
    async with asyncio.timeout(60):
        while not task.done():
            async with database.tx(account) as tx:
                if not await tx.value(bool, DUE, account):
                    break
            await asyncio.sleep(0.01)
    sender.stop()
    await task


DUE = sql("select true from outbound where account_id = $1 and (run_at <= now() or attempts > 0) limit 1")
