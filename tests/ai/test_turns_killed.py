"""Turns by whole workers: two at once, and one that is killed while the model thinks."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from tests import world
from trunkline.ai import assistants
from trunkline.ai.assistants import Changes
from trunkline.core.db import Database
from trunkline.worker import Worker

pytestmark = pytest.mark.anyio

WORKER = """
import asyncio, sys
from pathlib import Path
from trunkline.core import config
from trunkline.core.db import Database
from trunkline.core.tools import Tools
from trunkline.worker import Worker

async def main():
    database = await Database(sys.argv[1], connections=4).open()
    values = dict(ai_base_url=sys.argv[2], ai_model="small", ai_timeout=50.0)
    database.tools = Tools(config.load({}, data=Path(sys.argv[3]), **values))
    await Worker(database, ("inbound", "jobs")).run()

asyncio.run(main())
"""


@pytest.fixture
async def database(dsn: str, anyio_backend: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Database]:
    async with world.own_database(dsn, tmp_path_factory.mktemp("data")) as database:
        yield database


async def value(database: Database, account: int, statement: str) -> int:
    [row] = await world.execute(database.dsn, statement, account)
    return row[0]


async def until(database: Database, account: int, statement: str, wanted: int) -> None:
    async with asyncio.timeout(60):
        while await value(database, account, statement) != wanted:
            await asyncio.sleep(0.05)


async def test_two_workers_answer_each_message_once(database, account, know):
    """Whatever bursts they are taken in, every message is in one turn and every turn has one reply and one credit."""
    await know("Returns", "Goods may be returned within 30 days of delivery.")
    channel = await world.custom(database, account, "http://127.0.0.1:9/")
    await world.grant(database, account, 1000)
    async with database.tx(account) as tx:
        await assistants.create(tx, "Robo", Changes(is_default=True, wait_seconds=0, most_seconds=0))
    people, each = 8, 5
    workers = [Worker(database, ("inbound", "jobs")) for _ in range(2)]
    running = [asyncio.create_task(worker.run()) for worker in workers]

    for n in range(each):
        said = (world.say(database, channel, f"p-{k}", f"May goods be returned? {n}") for k in range(people))
        await asyncio.gather(*said)
    covered = "select coalesce(sum(messages_count), 0)::int from assistant_turns where account_id = $1"
    await until(database, account, f"{covered} and outcome = 'answered'", people * each)
    for worker in workers:
        worker.stop()
    await asyncio.gather(*running)

    turns = await value(database, account, "select count(*) from assistant_turns where account_id = $1")
    replies = await value(
        database, account, "select count(*) from messages where account_id = $1 and direction = 'out'"
    )
    spent = await value(database, account, "select 1000 - available from balances where account_id = $1")
    assert turns == replies == spent


async def test_a_worker_that_is_killed_while_the_model_thinks_leaves_one_reply(database, account, standin, tmp_path):
    channel = await world.custom(database, account, "http://127.0.0.1:9/")
    await world.grant(database, account, 10)
    async with database.tx(account) as tx:
        await assistants.create(tx, "Robo", Changes(is_default=True, wait_seconds=0, most_seconds=0))
    answer = json.dumps({"action": "answer", "text": "Hello Ana."})
    standin.say(standin.stall, web_answer(answer))

    first = await start(database, standin.url, tmp_path)
    await world.say(database, channel, "ana-1", "Hello")
    async with asyncio.timeout(60):
        await standin.stalled.wait()
    first.kill()
    await first.wait()
    held = await value(database, account, "select reserved from balances where account_id = $1")
    # Nobody renews the lease any more; instead of half a minute it ends now.
    await world.execute(database.dsn, "update inbound set run_at = now() where account_id = $1", account)
    second = await start(database, standin.url, tmp_path)
    try:
        answered = "select count(*)::int from assistant_turns where account_id = $1 and outcome = 'answered'"
        await until(database, account, answered, 1)
    finally:
        second.kill()
        await second.wait()

    rows = await world.execute(
        database.dsn, "select body from messages where account_id = $1 and direction = 'out'", account
    )
    balance = await world.execute(
        database.dsn, "select available, reserved from balances where account_id = $1", account
    )
    assert held == 1
    assert [row["body"] for row in rows] == ["Hello Ana."]
    assert [tuple(row) for row in balance] == [(9, 0)]


def web_answer(text: str):
    async def give(request: web.Request) -> web.Response:
        return web.json_response({"choices": [{"message": {"content": text}}]})

    return give


async def start(database: Database, model: str, data) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(sys.executable, "-c", WORKER, database.dsn, model, str(data))
