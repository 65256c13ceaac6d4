"""Keys over several web processes, as behind a load balancer: what ends in one has ended in all."""

import asyncio
import contextlib
import json
import os
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from tests import world
from trunkline.accounts import api_keys, users
from trunkline.core.db import Database

pytestmark = pytest.mark.anyio

PATIENCE = 30
AT_ONCE = 1.0
"""Seconds within which every process has to know."""


@contextlib.asynccontextmanager
async def web(database: Database, data: Path) -> AsyncIterator[httpx2.AsyncClient]:
    """One more web process at this database, and a client of it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TRUNKLINE_")}
    places = {"TRUNKLINE_DATABASE_URL": database.dsn, "TRUNKLINE_DATA": str(data), "TRUNKLINE_LOG_LEVEL": "error"}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "trunkline", "web", "--port", "0", "--json"),
        env=kept | places,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(PATIENCE):
            url = json.loads(await process.stdout.readline())["url"]
        async with httpx2.AsyncClient(base_url=f"{url}/v1", trust_env=False) as client:
            yield client
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


async def statuses(clients: list[httpx2.AsyncClient], key: str) -> list[int]:
    return [(await client.get("/lists", params={"apiKey": key})).status_code for client in clients]


async def test_a_new_connector_key_ends_the_old_one_in_every_process(dsn: str, tmp_path: Path) -> None:
    async with (
        world.own_database(dsn, tmp_path) as database,
        web(database, tmp_path) as one,
        web(database, tmp_path) as two,
    ):
        account = await world.workspace(database)
        async with database.system(account) as tx:
            owner = (await users.create(tx, "owner@example.com", "owner")).member.id
        async with database.tx(account) as tx:
            old, _ = await api_keys.create(tx, owner, "connector")
        before = await statuses([one, two], old)

        async with database.tx(account) as tx:
            new, _ = await api_keys.create(tx, owner, "connector")
        deadline = time.monotonic() + AT_ONCE
        while await statuses([one, two], old) != [401, 401] and time.monotonic() < deadline:
            await asyncio.sleep(0.02)

        assert before == [200, 200]
        assert await statuses([one, two], old) == [401, 401]
        assert await statuses([one, two], new) == [200, 200]
