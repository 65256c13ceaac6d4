"""A database of its own for these tests: senders and reactions look at all accounts. Colleagues to do the work."""

from collections.abc import AsyncIterator, Awaitable, Callable

import asyncpg
import pytest

from tests import world
from trunkline.accounts import users
from trunkline.core.db import Database

NewUser = Callable[..., Awaitable[int]]


@pytest.fixture(scope="module")
async def database(dsn: str, anyio_backend: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Database]:
    async with world.own_database(dsn, tmp_path_factory.mktemp("data")) as database:
        yield database


@pytest.fixture
async def connection(database: Database) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database.dsn, server_settings={"timezone": "UTC"})
    yield connection
    await connection.close()


@pytest.fixture
def new_user(database: Database, account: int) -> NewUser:
    async def make(name: str, role: str = "agent") -> int:
        async with database.system(account) as tx:
            email = f"{name.lower()}{account}@example.com"
            return (await users.create(tx, email, role, password="plain words make a long one", name=name)).member.id

    return make
