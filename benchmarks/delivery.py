"""Messages of a broadcast delivered to an HTTP provider, beside a bare aiohttp client that posts the same bytes."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import aiohttp
import asyncpg
from msgspec import Struct

from benchmarks import sinks, stage
from benchmarks.measuring import Figure, Scale, interleaved, middle, ratio
from benchmarks.sinks import Sink
from benchmarks.stage import Stage
from trunkline.campaigns import broadcasts, expanding
from trunkline.campaigns.broadcasts import NewBroadcast
from trunkline.core.db import Database
from trunkline.messaging import channels

HANDS = 32
PATIENCE = 120


class Size(Struct, frozen=True):
    messages: int
    rounds: int


SIZES: dict[Scale, Size] = {"full": Size(20_000, 5), "quick": Size(2000, 2), "tiny": Size(50, 1)}


async def run(where: Stage, size: Size) -> list[Figure]:
    async with (
        sinks.sink("http", where.new_folder("sink")) as sink,
        where.database("delivery", f"127.0.0.1:{sink.port}") as database,
    ):
        workspace = await stage.workspace(database)
        await stage.people(database, workspace.id, size.messages, "tel")
        url = f"http://127.0.0.1:{sink.port}/messages"
        async with database.tx(workspace.id) as tx:
            channel, _ = await channels.create(tx, "custom_http", "Bench", "Acme", {"url": url, "as": "sms"})
        draft = NewBroadcast(name="Bench", channel="sms", body="Hello {{name}}, see you!", channel_id=channel.id)

        async def ours() -> Round:
            return await deliver(database, workspace.id, draft, size.messages)

        await ours()
        rounds = await interleaved(size.rounds, ours=ours, raw=lambda: _post(sink, url, size.messages))
    return figures("HTTP", "bare aiohttp client", rounds["ours"], rounds["raw"])


class Round(Struct, frozen=True):
    rate: float
    cpu_us: float


def figures(what: str, bare: str, ours: list[Round], raw: list[Round]) -> list[Figure]:
    return [
        middle(f"{what}: messages delivered", [each.rate for each in ours], "/s"),
        middle(f"{what}: by a {bare}", [each.rate for each in raw], "/s"),
        ratio(f"{what}: rate beside a {bare}", [each.rate for each in ours], [each.rate for each in raw], least=0.6),
        middle(f"{what}: processor time a message", [each.cpu_us for each in ours], "µs"),
        middle(f"{what}: processor time of a {bare}", [each.cpu_us for each in raw], "µs"),
    ]


async def deliver(database: Database, account: int, draft: NewBroadcast, messages: int) -> Round:
    """Queue a broadcast, then time a sender until every outcome is written down."""
    async with database.tx(account) as tx:
        broadcast = await broadcasts.send(tx, (await broadcasts.create(tx, draft)).id)
    more = True
    while more:
        async with database.tx(account) as tx:
            await expanding.mark_off(tx, broadcast.id)
            more = await expanding.write_next(tx, broadcast.id)
    owner = await asyncpg.connect(database.dsn)
    try:
        await owner.execute("vacuum analyze messages, outbound")
        round = await timed(lambda: _send(database, owner, account), messages)
        sent = await owner.fetchval(SENT, account, broadcast.id)
        assert sent == messages, f"{sent} of {messages} were sent"
        return round
    finally:
        await owner.close()


async def timed(work: Callable[[], Awaitable[None]], messages: int) -> Round:
    began, cpu = time.perf_counter(), time.process_time()
    await work()
    return Round(messages / (time.perf_counter() - began), (time.process_time() - cpu) / messages * 1e6)


async def _send(database: Database, owner: asyncpg.Connection, account: int) -> None:
    sender = await stage.sender(database)
    task = asyncio.create_task(sender.run())
    async with asyncio.timeout(PATIENCE):
        while not task.done() and await owner.fetchval(WAITING, account):
            await asyncio.sleep(0.02)
    sender.stop()
    await task


async def _post(sink: Sink, url: str, messages: int) -> Round:
    """What a program of twenty lines would do: the same request, 32 at once, each answer read."""
    headers, body = sink.request()
    numbers = iter(range(messages))

    async def work() -> None:
        connector = aiohttp.TCPConnector(limit=100)
        async with aiohttp.ClientSession(connector=connector, skip_auto_headers=["Accept"]) as session:

            async def hand() -> None:
                for _ in numbers:
                    async with session.post(url, data=body, headers=headers) as response:
                        await response.read()

            await asyncio.gather(*(hand() for _ in range(HANDS)))

    return await timed(work, messages)


WAITING = "select true from outbound where account_id = $1 limit 1"
SENT = "select count(*) from messages where account_id = $1 and broadcast_id = $2 and status = 'sent'"
