"""The database server of a test run, and makers of what tests need."""

import asyncio
import contextlib
import os
import secrets
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from trunkline.billing import transfers
from trunkline.campaigns import expanding
from trunkline.channels.base import ChannelEvent, Inbound, Wire
from trunkline.contacts import people
from trunkline.core import config, events, urns
from trunkline.core.db import Database, Tx
from trunkline.core.http import Http
from trunkline.core.ids import new_uuid
from trunkline.core.jobs import Claims
from trunkline.core.tools import Tools
from trunkline.flows.phoning import Operator
from trunkline.messaging import channels, lines, receiving, sending
from trunkline.messaging.callbook import Book
from trunkline.messaging.carrier import Carrier
from trunkline.messaging.channel_events import Noted
from trunkline.messaging.channels import Channel
from trunkline.messaging.delivery import Sender
from trunkline.messaging.receiving import Received
from trunkline.messaging.sending import Draft, Queued
from trunkline.reactions import REACTIONS
from trunkline.storage import postgres, schema
from trunkline.worker import Worker


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
            await owner.execute(f'drop database if exists "{template}_new"')  # of a run that was ended in between
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


async def custom(database: Database, account: int, url: str, **settings: object) -> Channel:
    """A custom channel of an account whose owner listens at `url`; its secret is `s3cret-of-the-channel`."""
    settings = {"url": url, "secret": "s3cret-of-the-channel", **settings}
    async with database.tx(account) as tx:
        name = f"Custom {secrets.token_hex(3)}"
        channel, _ = await channels.create(tx, "custom_http", name, "acme", settings)
        return channel


async def message(database: Database, id: int) -> asyncpg.Record:
    """A message's row as it lies there."""
    [row] = await execute(database.dsn, "select * from messages where id = $1", id)
    return row


@contextlib.asynccontextmanager
async def own_database(dsn: str, data: Path, *, connections: int = 8) -> AsyncIterator[Database]:
    """A database that no other test writes to, for whatever looks at the queues of all accounts. Dropped afterwards."""
    address = await clone(dsn, "own")
    database = await Database(address, connections=connections).open()
    database.tools = Tools(config.load({}, data=data, egress_allow=("127.0.0.1", "localhost")))
    try:
        yield database
    finally:
        await database.tools.close()
        await database.close()
        await execute(dsn, f'drop database "{urlsplit(address).path[1:]}" with (force)')


async def execute(dsn: str, statement: str, *args: object) -> list[asyncpg.Record]:
    """Look or turn behind the curtain, as the owner of the tables."""
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetch(statement, *args)
    finally:
        await connection.close()


async def contacts(database: Database, account: int, addresses: Sequence[str], scheme: str = "tel") -> list[int]:
    """A contact for each address."""
    async with database.tx(account) as tx:
        found = await people.get_or_create(tx, [urns.make(scheme, one) for one in addresses], source="test")
        return [id for id, _ in found]


async def queue(
    database: Database, account: int, channel: Channel, addresses: Sequence[str], text: str = "Hello", **options: Any
) -> list[int]:
    """Queue one message for each address on a channel."""
    scheme = channel.schemes[0]
    found = await contacts(database, account, addresses, scheme)
    drafts = [
        Draft(contact_id=id, to=urns.make(scheme, address), text=text)
        for id, address in zip(found, addresses, strict=True)
    ]
    async with database.tx(account) as tx:
        return [one.id for one in await sending.queue_many(tx, channel, drafts, **options) if isinstance(one, Queued)]


async def grant(database: Database, account: int, amount: int) -> None:
    """Make an account pay for what it sends, and give it so many credits."""
    async with database.tx(account) as tx:
        await transfers.grant(tx, amount)


async def say(database: Database, channel: Channel, sender: str, text: str, id: str = "", **more: Any) -> Received:
    """Somebody writes to a channel."""
    urn = urns.make(channel.schemes[0], sender)
    message = Inbound(urn=urn, text=text, external_id=id or secrets.token_hex(8), **more)
    [received] = await receiving.take(database, channel, [message])
    return received


async def happen(database: Database, channel: Channel, type: Any, sender: str, id: str = "", **more: Any) -> Noted:
    """Something else than a message happens between somebody and a channel."""
    urn = urns.make(channel.schemes[0], sender)
    event = ChannelEvent(type=type, urn=urn, external_id=id or None, **more)
    [noted] = (await receiving.take_all(database, channel, [event])).events
    return noted


async def next_portion(tx: Tx, id: int, size: int = expanding.PORTION) -> bool:
    """Mark off and write one portion of a broadcast. False when nothing is left to do."""
    await expanding.mark_off(tx, id, size)
    await expanding.write_next(tx, id)
    now = await tx.maybe(expanding.Running, expanding.READ, tx.account, id)
    return now is not None and now.status == "sending" and not now.expanded


async def react(database: Database) -> None:
    """Handle all events and run all calls that are due, until nothing follows from anything."""
    worker, busy = Worker(database), True
    while busy:
        busy = await events.handle(database, REACTIONS) > 0
        for queue in ("inbound", "jobs"):
            claims = Claims(database, queue)
            while calls := await claims.take(16):
                busy = True
                for call in calls:
                    await worker._run_call(claims, call)


def sender(database: Database, http: Http) -> Sender:
    wire = Wire(http, database.tools.egress, Carrier(database), Book(database), Operator(database))
    return Sender(database, wire)


async def deliver(database: Database, account: int, http: Http | None = None) -> None:
    """Run a sender until nothing of the account can be sent now."""
    running = sender(database, http or await database.tools.http())
    task = asyncio.create_task(running.run())
    async with asyncio.timeout(60):
        busy = True
        while busy and not task.done():
            await asyncio.sleep(0.01)
            waiting = any(line.account_id == account for line in await lines.due(database))
            busy = waiting or running.busy
    running.stop()
    await task


async def pass_time(database: Database, account: int) -> None:
    """Let all waiting of an account be over: for another try, for a lease, for a rest of its channels."""
    statement = "update outbound set run_at = now() - interval '1 second' where account_id = $1"
    await execute(database.dsn, statement, account)
    await pass_time_of_channels(database, account)


async def pass_time_of_channels(database: Database, account: int) -> None:
    """Let the rests and the beats of an account's channels be over."""
    statement = """
        update paces set next_at = now() - interval '1 second', paused_until = null
        where channel_id in (select id from channels where account_id = $1)
    """
    await execute(database.dsn, statement, account)
