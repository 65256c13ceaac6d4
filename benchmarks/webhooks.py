"""Webhooks delivered to an HTTP receiver, beside a bare aiohttp client; and a good endpoint beside fifty that hang."""

import asyncio
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import asyncpg
from msgspec import Struct

from benchmarks import sinks, stage
from benchmarks.delivery import HANDS, PATIENCE
from benchmarks.measuring import Figure, Scale, interleaved, middle, percentile, ratio
from benchmarks.sinks import Sink
from benchmarks.stage import Stage
from trunkline.core.db import Database
from trunkline.core.ids import new_uuid
from trunkline.webhooks import endpoints
from trunkline.webhooks.delivering import Deliverer
from trunkline.webhooks.endpoints import NewEndpoint

ENDPOINTS = 8
HANGING = 50
WAITING = 20
"""How much waits for each that hangs."""
PACE_SECONDS = 0.02
BODY = (
    '{"type":"message.delivered","timestamp":"2026-03-12T16:31:02Z","data":{"id":12345,"channel":"sms",'
    '"to":"+40740111222","status":"delivered","template_key":"appointment_reminder","batch_id":null,'
    '"campaign_id":null,"contact_id":88,"error":null,"segments":1,"credits":1,"at":"2026-03-12T16:31:02Z"}}'
)


class Size(Struct, frozen=True):
    deliveries: int
    rounds: int
    paced: int
    """Deliveries to the good endpoint, one after the other, in each round beside those that hang."""


SIZES: dict[Scale, Size] = {"full": Size(8000, 5, 300), "quick": Size(4000, 3, 150), "tiny": Size(80, 1, 10)}


async def run(where: Stage, size: Size) -> list[Figure]:
    async with (
        sinks.sink("http", where.new_folder("sink")) as sink,
        where.database("webhooks", "127.0.0.1") as database,
    ):
        workspace = await stage.workspace(database)
        owner = await asyncpg.connect(database.dsn)
        try:
            return [
                *await _rates(database, owner, workspace.id, sink, size),
                *await _beside_hanging(database, owner, workspace.id, sink, size),
            ]
        finally:
            await owner.close()


async def _rates(database: Database, owner: asyncpg.Connection, account: int, sink: Sink, size: Size) -> list[Figure]:
    url = f"http://127.0.0.1:{sink.port}/hook"
    targets = [await _endpoint(database, account, url) for _ in range(ENDPOINTS)]

    async def ours() -> float:
        await owner.execute(PUT, account, targets, size.deliveries, BODY, [new_uuid() for _ in range(size.deliveries)])
        await owner.execute("vacuum analyze webhooks, webhook_deliveries")
        began = time.perf_counter()
        async with _delivering(database):
            while await owner.fetchval("select true from webhooks limit 1"):
                await asyncio.sleep(0.02)
            return size.deliveries / (time.perf_counter() - began)

    await ours()
    rounds = await interleaved(size.rounds, ours=ours, raw=lambda: _post(sink, url, size.deliveries))
    await owner.execute("update webhook_endpoints set active = false")
    return [
        middle("webhooks delivered", rounds["ours"], "/s"),
        middle("webhooks: by a bare aiohttp client", rounds["raw"], "/s"),
        ratio("webhooks: rate beside a bare aiohttp client", rounds["ours"], rounds["raw"], least=0.6),
    ]


async def _beside_hanging(
    database: Database, owner: asyncpg.Connection, account: int, sink: Sink, size: Size
) -> list[Figure]:
    """The same paced deliveries with and without endpoints that take a request and never answer."""
    good = await _endpoint(database, account, f"http://127.0.0.1:{sink.port}/hook")
    async with _hole() as port:
        hanging = await owner.fetch(HANG, account, f"http://127.0.0.1:{port}/", HANGING)
        bad = [row[0] for row in hanging]

        async def paced(beside: list[int]) -> float:
            await owner.execute("truncate webhooks, webhook_deliveries, webhook_attempts")
            await owner.execute("update webhook_endpoints set failures = 0, paused_until = null, failing_since = null")
            if beside:
                number = WAITING * len(beside)
                await owner.execute(PUT, account, beside, number, BODY, [new_uuid() for _ in range(number)])
            async with _delivering(database) as deliverer:
                while beside and len(deliverer._held) < HANGING:
                    await asyncio.sleep(0.02)
                return await _paced(database, owner, account, good, size.paced)

        await paced([])
        rounds = await interleaved(size.rounds, alone=lambda: paced([]), beside=lambda: paced(bad))
    return [
        middle("webhooks: p95 from committed to taken by a good endpoint", rounds["alone"], "ms"),
        middle(f"webhooks: the same beside {HANGING} that hang", rounds["beside"], "ms"),
        Figure(
            name=f"webhooks: p95 beside {HANGING} that hang, to alone",
            value=statistics.median(rounds["beside"]) / statistics.median(rounds["alone"]),
            rounds=[one / other for one, other in zip(rounds["beside"], rounds["alone"], strict=True)],
            most=1.1,
        ),
    ]


async def _paced(database: Database, owner: asyncpg.Connection, account: int, good: int, number: int) -> float:
    """Ninety-fifth percentile, in milliseconds, of the time from the commit to the end of the call."""
    for _ in range(number):
        async with database.tx(account) as tx:
            await owner.execute(PUT, account, [good], 1, BODY, [new_uuid()])
            tx.wake("webhooks")
        await asyncio.sleep(PACE_SECONDS)
    async with asyncio.timeout(PATIENCE):
        while await owner.fetchval("select true from webhooks where endpoint_id = $1 limit 1", good):
            await asyncio.sleep(0.02)
    rows = await owner.fetch(TOOK, good)
    return percentile((row[0] * 1000 for row in rows), 95)


async def _endpoint(database: Database, account: int, url: str) -> int:
    async with database.tx(account) as tx:
        made, _ = await endpoints.create(tx, NewEndpoint(url=url))
        return made.id


@asynccontextmanager
async def _delivering(database: Database) -> AsyncIterator[Deliverer]:
    """A deliverer that hears of new work as in a worker; it is not waited for at the end: what hangs, hangs."""
    deliverer = Deliverer(database)
    ear = await database.listen("trunkline_work", lambda _: deliverer.wake())
    task = asyncio.create_task(deliverer.run())
    try:
        async with asyncio.timeout(PATIENCE):
            yield deliverer
    finally:
        task.cancel()
        await asyncio.wait([task])
        await ear.close()


@asynccontextmanager
async def _hole() -> AsyncIterator[int]:
    """Takes every request and answers none."""
    writers: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(lambda _, writer: writers.append(writer), "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in writers:
            writer.close()


async def _post(sink: Sink, url: str, number: int) -> float:
    """What a program of twenty lines would do: the same request, 32 at once, each answer read."""
    headers, body = sink.request()
    numbers = iter(range(number))
    began = time.perf_counter()
    connector = aiohttp.TCPConnector(limit=100)
    async with aiohttp.ClientSession(connector=connector, skip_auto_headers=["Accept"]) as session:

        async def hand() -> None:
            for _ in numbers:
                async with session.post(url, data=body, headers=headers) as response:
                    await response.read()

        await asyncio.gather(*(hand() for _ in range(HANDS)))
    return number / (time.perf_counter() - began)


PUT = """
    with made as (
        insert into webhook_deliveries (account_id, endpoint_id, uuid, event, body)
        select $1::bigint, ($2::bigint[])[1 + n % cardinality($2::bigint[])], ($5::uuid[])[n], 'message.delivered', $4
        from generate_series(1, $3::int) n
        returning id, endpoint_id
    )
    insert into webhooks (account_id, endpoint_id, id) select $1::bigint, endpoint_id, id from made
"""
HANG = """
    insert into webhook_endpoints (account_id, dialect, url, profile, secret)
    select $1, 'portal', $2 || n, 'all', (select secret from webhook_endpoints where account_id = $1 limit 1)
    from generate_series(1, $3::int) n returning id
"""
TOOK = """
    select extract(epoch from a.at - d.created_at)::float8 from webhook_deliveries d
    join webhook_attempts a on a.account_id = d.account_id and a.delivery_id = d.id where d.endpoint_id = $1
"""
