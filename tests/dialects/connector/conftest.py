"""The connector dialect behind an ASGI client, with custom channels and people to talk to."""

from collections.abc import AsyncIterator, Awaitable, Callable

import httpx2
import pytest

from tests import world
from trunkline.contacts import groups, people
from trunkline.contacts.people import Contact, NewContact
from trunkline.core import opaque
from trunkline.core.crypto import Vault
from trunkline.core.db import Database
from trunkline.dialects.connector import connector
from trunkline.dialects.dispatch import Dialects
from trunkline.messaging import channels
from trunkline.messaging.channels import Channel

BASE = "https://testserver/v1"


@pytest.fixture
def vault(database: Database) -> Vault:
    """The installation's own: what its workers write must read here too."""
    return database.tools.vault


@pytest.fixture
def dialects(database: Database, vault: Vault) -> Dialects:
    return Dialects(database, vault=vault, served=[connector])


@pytest.fixture
async def anybody(dialects: Dialects) -> AsyncIterator[httpx2.AsyncClient]:
    """A client without a key."""
    transport = httpx2.ASGITransport(dialects, raise_app_exceptions=True)
    async with httpx2.AsyncClient(transport=transport, base_url=BASE) as client:
        yield client


@pytest.fixture
async def key(new_key: Callable[..., Awaitable[str]]) -> str:
    """A key without rate limits."""
    return await new_key("connector", rate="off")


@pytest.fixture
async def api(anybody: httpx2.AsyncClient, key: str) -> httpx2.AsyncClient:
    """A client with a key in its header."""
    anybody.headers["x-api-key"] = key
    return anybody


@pytest.fixture
def custom_channel(database: Database) -> Callable[..., Awaitable[Channel]]:
    async def make(account: int, name: str = "my-channel", address: str = "your-user-id") -> Channel:
        async with database.tx(account) as tx:
            settings = {"url": "http://127.0.0.1:9/hook"}
            channel, _ = await channels.create(tx, "custom_http", name, address, settings)
        return channel

    return make


@pytest.fixture
async def channel(custom_channel: Callable[..., Awaitable[Channel]], account: int) -> Channel:
    return await custom_channel(account)


@pytest.fixture
async def whatsapp(database: Database, account: int) -> Channel:
    return await world.simulator(database, account, **{"as": "whatsapp"})


@pytest.fixture
async def jane(database: Database, account: int) -> Contact:
    async with database.tx(account) as tx:
        new = NewContact(first_name="Jane", last_name="Smith", phone="+15551234567", email="jane@example.com")
        return await people.create(tx, new)


@pytest.fixture
async def stranger(database: Database, other_account: int) -> Contact:
    """Somebody of another workspace."""
    async with database.tx(other_account) as tx:
        return await people.create(tx, NewContact(first_name="Joe", phone="+15557654321"))


@pytest.fixture
def new_list(database: Database, vault: Vault) -> Callable[..., Awaitable[str]]:
    """The id of a new list of an account."""

    async def make(account: int, name: str = "My List") -> str:
        async with database.tx(account) as tx:
            return opaque.write(vault, "list", (await groups.create(tx, name)).id)

    return make


@pytest.fixture
def outside(vault: Vault) -> Callable[[str, int], str]:
    """The id by which programs know a thing."""
    return lambda kind, id: opaque.write(vault, kind, id)
