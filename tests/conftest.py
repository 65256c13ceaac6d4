"""What every test may ask for: a database of its own process, a new account of its own test."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest

from tests import world
from trunkline.core import config
from trunkline.core.db import Database, Tx
from trunkline.core.tools import Tools


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def dsn(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[str]:
    """A migrated database cloned for this process. The server is shared by all processes of one run."""
    root = tmp_path_factory.getbasetemp() if worker_id == "master" else tmp_path_factory.getbasetemp().parent
    with world.server(root) as server:
        yield asyncio.run(world.clone(server, worker_id))


@pytest.fixture(scope="session")
def worker_id() -> str:
    return os.environ.get("PYTEST_XDIST_WORKER", "master")


@pytest.fixture(scope="session")
async def database(dsn: str, anyio_backend: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Database]:
    database = await Database(dsn, connections=8).open()
    settings = config.load({}, data=tmp_path_factory.mktemp("data"), egress_allow=("127.0.0.1", "localhost"))
    database.tools = Tools(settings)
    yield database
    await database.tools.close()
    await database.close()


@pytest.fixture
async def account(database: Database) -> int:
    """A new workspace; no test sees another's rows."""
    return await world.workspace(database)


@pytest.fixture
async def other_account(database: Database) -> int:
    return await world.workspace(database)


@pytest.fixture
async def tx(database: Database, account: int) -> AsyncIterator[Tx]:
    async with database.tx(account, "test") as tx:
        yield tx


@pytest.fixture
async def connection(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """A bare connection of the owner, for looking behind the curtain."""
    connection = await asyncpg.connect(dsn)
    yield connection
    await connection.close()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"
