"""Flows with a database: contacts started, answers of two worker processes, a large import, what waiting takes."""

import asyncio
import contextlib
import json
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import asyncpg
from msgspec import Struct

from benchmarks import flows, stage
from benchmarks.measuring import Figure, Scale
from benchmarks.stage import Stage
from tests.flows import generating
from trunkline.campaigns import transfers
from trunkline.channels.base import Inbound
from trunkline.contacts import fields, groups
from trunkline.core import urns
from trunkline.core.db import Database
from trunkline.flows import starts, stored
from trunkline.flows.starts import NewStart
from trunkline.messaging import channels, receiving
from trunkline.messaging.channels import Channel


class Size(Struct, frozen=True):
    """`file` is the least number of bytes of the export that is imported."""

    contacts: int
    answering: int
    file: int


SIZES: dict[Scale, Size] = {
    "full": Size(10_000, 4_000, 4_000_000),
    "quick": Size(2_000, 1_000, 1_000_000),
    "tiny": Size(20, 10, 30_000),
}
WORKERS = 2
TOGETHER = 50
"""Messages that the channel hands over in one call."""
PATIENCE = 600
ANSWERS = ("what?", "Tea please", "I am 42")
EXPECTED = ["Hi Maria! Tea or coffee?", "Hi Maria! Tea or coffee?", "How old are you?", "Enjoy your tea, "]
"""What each contact hears, in this order, whatever the workers share out between them."""


async def run(where: Stage, size: Size) -> list[Figure]:
    async with where.database("flows") as database:
        workspace = await stage.workspace(database)
        await stage.people(database, workspace.id, size.contacts, "tel")
        channel, flow = await _furnish(database, workspace.id)
        owner = await asyncpg.connect(database.dsn)
        try:
            async with _working(where, database, owner):
                started = await _start(database, owner, workspace.id, flow)
                waiting = await owner.fetchrow(WAITING, workspace.id)
                rate = await _answer(database, owner, channel, size.answering)
            wrong = await _out_of_order(owner, workspace.id, size.answering)
        finally:
            await owner.close()
    assert waiting is not None
    scale = 10_000 / size.contacts
    return [
        Figure(name="time to start 10,000 contacts", value=started * scale, unit="s", most=20),
        Figure(name=f"answers of {WORKERS} workers", value=rate, unit="/s", least=300),
        Figure(name="contacts whose answers came out of order", value=wrong, most=0),
        *await _imports(where, size.file),
        Figure(name="10,000 waiting sessions on disk, indexes included", value=waiting[1] * scale / 2**20, unit="MiB"),
        Figure(name="of it the state of one session", value=float(waiting[2]), unit="B"),
    ]


async def _furnish(database: Database, account: int) -> tuple[Channel, int]:
    """The two-question flow with the fields that it fills, the query groups that hang on them, and a channel."""
    [flow], _ = flows.FLOWS["questions"]()
    async with database.tx(account) as tx:
        await fields.create(tx, "Drink", "text", key="drink")
        await fields.create(tx, "Age", "number", key="age")
        for query in flows.QUERIES:
            await groups.create(tx, query, query=query)
        channel, _ = await channels.create(tx, "simulator", "Phones", "+40700000000", {})
        kept = await stored.save(tx, flow.raw)
    return channel, kept.id


@contextlib.asynccontextmanager
async def _working(where: Stage, database: Database, owner: asyncpg.Connection) -> AsyncIterator[None]:
    """Worker processes as users run them, until they have said that they are there."""
    folder = where.new_folder("workers")
    places = {"TRUNKLINE_DATABASE_URL": database.dsn, "TRUNKLINE_DATA": str(folder), "TRUNKLINE_LOG_LEVEL": "error"}
    command = [sys.executable, "-P", "-m", "trunkline", "worker", "--queues", "inbound,jobs"]
    environment = stage.clean_environment() | places
    processes = [await asyncio.create_subprocess_exec(*command, env=environment) for _ in range(WORKERS)]
    try:
        await _until(owner, lambda: owner.fetchval("select count(*) = $1 from workers", WORKERS))
        yield
    finally:
        for process in processes:
            await stage.end(process)


async def _start(database: Database, owner: asyncpg.Connection, account: int, flow: int) -> float:
    ids = [row[0] for row in await owner.fetch("select id from contacts where account_id = $1", account)]
    began = time.perf_counter()
    async with database.tx(account) as tx:
        start = await starts.create(tx, NewStart(flow_id=flow, contacts=ids))
    await _until(owner, lambda: owner.fetchval(STARTED, f"start:{start.id}", len(ids)))
    return time.perf_counter() - began


async def _answer(database: Database, owner: asyncpg.Connection, channel: Channel, contacts: int) -> float:
    """All of them say all that they will ever say before the first one has been heard out."""
    await _until(owner, lambda: owner.fetchval("select not exists (select from events)"))
    began = time.perf_counter()
    for answer in ANSWERS:
        for first in range(1, contacts + 1, TOGETHER):
            numbers = range(first, min(first + TOGETHER, contacts + 1))
            await receiving.take(database, channel, [_said(number, answer) for number in numbers])
    await _until(owner, lambda: owner.fetchval(HEARD, contacts * len(ANSWERS)))
    return contacts * len(ANSWERS) / (time.perf_counter() - began)


def _said(number: int, text: str) -> Inbound:
    return Inbound(urn=urns.make("tel", stage.phone(number)), text=text, external_id=f"{number}-{text}")


async def _out_of_order(owner: asyncpg.Connection, account: int, contacts: int) -> int:
    rows = await owner.fetch(TALKS, account, [stage.phone(number) for number in range(1, contacts + 1)])
    return contacts - sum(_is_expected(row[0]) for row in rows)


def _is_expected(said: Sequence[str]) -> bool:
    return len(said) == len(EXPECTED) and all(map(str.startswith, said, EXPECTED))


async def _imports(where: Stage, size: int) -> list[Figure]:
    """Read, migrated, checked against the workspace, compressed and stored in one transaction."""
    content = json.dumps(generating.export(size))
    async with where.database("flows") as database:
        workspace = await stage.workspace(database)
        began = time.perf_counter()
        async with database.tx(workspace.id) as tx:
            report = await transfers.import_file(tx, json.loads(content))
        seconds = time.perf_counter() - began
    assert all(flow["valid"] for flow in report["flows"]), report["issues"]
    name = f"import of an export of {len(content) / 1e6:.1f} MB, {len(report['flows'])} flows"
    return [Figure(name=name, value=seconds, unit="s", most=5)]


async def _until(owner: asyncpg.Connection, question: Callable[[], Awaitable[Any]]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not await question():
            await asyncio.sleep(0.05)


STARTED = "select coalesce(sum(value), 0) >= $2::bigint from tallies where name = $1"
WAITING = """
    select count(*), pg_total_relation_size('flow_sessions'), avg(length(state))
    from flow_sessions where account_id = $1
"""
HEARD = "select count(*) = $1::bigint from messages where direction = 'in' and status = 'handled'"
TALKS = """
    select array_agg(body order by id) from messages
    where account_id = $1 and direction = 'out' and address = any($2::text[]) group by address
"""
