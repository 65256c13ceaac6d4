"""From a provider's callback to the stored message, at a fixed rate, while a broadcast runs in the same installation.

`trunkline up` as users run it. The answer to a callback comes after the commit; its time counts from when the
callback was due, so a pause is charged to all who came meanwhile.
"""

import asyncio

import aiohttp
import asyncpg
from msgspec import Struct

from benchmarks import load, sinks, stage
from benchmarks.measuring import Figure, Scale, percentile
from benchmarks.stage import Stage, Up, Workspace
from trunkline.campaigns import broadcasts
from trunkline.campaigns.broadcasts import NewBroadcast
from trunkline.core.db import Database
from trunkline.messaging import channels
from trunkline.messaging.channels import Channel
from trunkline.storage import postgres


class Size(Struct, frozen=True):
    seconds: float
    recipients: int
    rate: float = 50


SIZES: dict[Scale, Size] = {"full": Size(20, 150_000), "quick": Size(5, 40_000), "tiny": Size(0.4, 300)}
SENDERS = 500


async def run(where: Stage, size: Size) -> list[Figure]:
    async with sinks.sink("http", where.new_folder("sink")) as sink:
        egress = f"127.0.0.1:{sink.port}"
        async with (
            stage.running(["up"], where.new_folder("up"), TRUNKLINE_EGRESS_ALLOW=egress) as up,
            postgres.database(up.data) as dsn,
            stage.opened(dsn, up.data, egress) as database,
        ):
            return await _measure(database, up, f"http://{egress}/messages", size)


async def _measure(database: Database, up: Up, provider: str, size: Size) -> list[Figure]:
    workspace = await stage.workspace(database)
    await stage.people(database, workspace.id, size.recipients, "tel")
    async with database.tx(workspace.id) as tx:
        phone, secret = await channels.create(tx, "simulator", "Phones", "+40700000000", {})
        outside, _ = await channels.create(tx, "custom_http", "Bulk", "Acme", {"url": provider, "as": "sms"})
    await _call(up, phone, secret, 0, 20, 1)
    owner = await asyncpg.connect(database.dsn)
    try:
        broadcast = await _start(database, owner, workspace, outside)
        sent_before = await owner.fetchval(SENT, workspace.id, broadcast)
        waits = await _call(up, phone, secret, 1_000_000, size.rate, size.seconds)
        sent = await owner.fetchval(SENT, workspace.id, broadcast) - sent_before
        left = await owner.fetchval(LEFT, workspace.id)
        stored = await owner.fetchval(STORED, workspace.id)
    finally:
        await owner.close()
    assert stored == len(waits) + 20, f"{stored} messages are stored of {len(waits) + 20}"
    figures = [
        Figure(name="callback to stored message: p50", value=percentile(waits, 50), unit="ms", most=20),
        Figure(name="callback to stored message: p99", value=percentile(waits, 99), unit="ms", most=100),
        Figure(name="callback to stored message: slowest", value=max(waits), unit="ms"),
        Figure(name="sent by the broadcast meanwhile", value=sent / size.seconds, unit="/s"),
    ]
    if not left and size.seconds >= 1:
        figures.append(Figure(name="recipients left when it was over (the broadcast ended early)", value=0, least=1))
    return figures


async def _call(up: Up, channel: Channel, secret: str, first: int, rate: float, seconds: float) -> list[float]:
    url = f"{up.url}{channel.callback_path}receive"
    headers = {"Authorization": f"Bearer {secret}"}
    async with aiohttp.ClientSession(headers=headers, connector=aiohttp.TCPConnector(limit=0)) as session:

        async def one(number: int) -> None:
            message = {"id": f"in-{first + number}", "from": stage.phone(1 + number % SENDERS), "text": "Yes, at ten."}
            async with session.post(url, json=message) as response:
                assert response.status == 200, (await response.text())[:300]
                await response.read()

        return await load.open_loop(one, rate, seconds)


async def _start(database: Database, owner: asyncpg.Connection, workspace: Workspace, channel: Channel) -> int:
    """Returns the broadcast once its first messages are out."""
    draft = NewBroadcast(name="Bulk", channel="sms", body="Hello {{name}}", channel_id=channel.id)
    async with database.tx(workspace.id) as tx:
        broadcast = await broadcasts.send(tx, (await broadcasts.create(tx, draft)).id)
    async with asyncio.timeout(60):
        while not await owner.fetchval(SENT, workspace.id, broadcast.id):
            await asyncio.sleep(0.02)
    return broadcast.id


SENT = "select count(*) from messages where account_id = $1 and broadcast_id = $2 and status = 'sent'"
LEFT = "select true from outbound where account_id = $1 limit 1"
STORED = "select count(*) from messages where account_id = $1 and direction = 'in'"
