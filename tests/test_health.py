"""Alive, ready, measured."""

from collections.abc import AsyncIterator

import httpx2 as httpx
import pytest
from starlette.applications import Starlette

from tests import world
from trunkline import health
from trunkline.core import vitals
from trunkline.core.db import Database
from trunkline.core.errors import Unavailable
from trunkline.worker import Worker

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
async def database(dsn: str, anyio_backend: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Database]:
    async with world.own_database(dsn, tmp_path_factory.mktemp("data")) as database:
        yield database


@pytest.fixture
async def client(database: Database) -> AsyncIterator[httpx.AsyncClient]:
    app = Starlette(routes=health.routes(database))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
        yield client


async def test_a_fresh_installation_is_ready(client: httpx.AsyncClient) -> None:
    answer = await client.get("/readyz")

    assert (answer.status_code, answer.json()) == (200, {"status": "ok", "workers": 0, "held": False})


async def test_queues_are_measured(client: httpx.AsyncClient, database: Database, account: int) -> None:
    channel = await world.simulator(database, account)
    await world.queue(database, account, channel, ["+40740111222", "+40740333444"])

    answer = await client.get("/metrics")

    assert answer.status_code == 200
    assert 'trunkline_queue_waiting{queue="outbound"} 2.0' in answer.text
    assert "trunkline_dead_letters 0.0" in answer.text


async def test_a_held_installation_says_so(client: httpx.AsyncClient, database: Database) -> None:
    await world.execute(database.dsn, "insert into installation (name, value) values ('held', 'true')")
    held = (await client.get("/readyz")).json()["held"]
    await world.execute(database.dsn, "delete from installation where name = 'held'")

    assert held is True


async def test_without_the_database_it_is_alive_and_not_ready(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "numbers", away)

    statuses = [(await client.get(path)).status_code for path in ("/healthz", "/readyz", "/metrics")]

    assert statuses == [200, 503, 200]


async def test_without_the_database_what_was_counted_here_is_still_told(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "numbers", away)

    told = (await client.get("/metrics")).text

    assert "trunkline_database_up 0.0" in told
    assert f'trunkline_database_connections{{process="{vitals.process()}",role="app",state="busy"}} 0.0' in told


async def test_what_a_worker_counted_is_told_by_every_web_process(
    client: httpx.AsyncClient, database: Database
) -> None:
    worker = Worker(database, ("jobs",))
    await worker._say_alive()
    await world.execute(database.dsn, "update workers set host = 'elsewhere', pid = 7 where id = $1", worker.id)

    told = (await client.get("/metrics")).text

    assert 'trunkline_database_connections{process="elsewhere:7",role="system",state="busy"} 1.0' in told


async def away(database: Database) -> None:
    raise Unavailable("The database")
