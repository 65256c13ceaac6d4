"""A database of its own for these tests: jobs and senders look at the queues of all accounts."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from tests import world
from trunkline.contacts import people
from trunkline.contacts.people import NewContact
from trunkline.core.db import Database
from trunkline.messaging.channels import Channel


@pytest.fixture(scope="module")
async def database(dsn: str, anyio_backend: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Database]:
    async with world.own_database(dsn, tmp_path_factory.mktemp("data")) as database:
        yield database


@pytest.fixture
async def connection(database: Database) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database.dsn)
    yield connection
    await connection.close()


@pytest.fixture
async def jane(database: Database, account: int) -> int:
    """A contact with a mail address and a phone."""
    async with database.tx(account) as tx:
        new = NewContact(first_name="Jane", last_name="Doe", email="jane@example.com", phone="+40740111222")
        contact = (await people.create(tx, new)).id
    await world.react(database)
    return contact


@pytest.fixture
async def email(database: Database, account: int) -> Channel:
    return await world.simulator(database, account, **{"as": "email"})
