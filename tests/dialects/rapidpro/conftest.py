"""The rapidpro dialect behind an ASGI client that talks to it from the same machine."""

from collections.abc import AsyncIterator

import httpx2
import pytest
from temba_client.v2 import TembaClient

from tests.dialects.shell import served
from trunkline.contacts import groups, people
from trunkline.contacts.groups import Group
from trunkline.contacts.people import Contact, NewContact
from trunkline.core import urns
from trunkline.core.crypto import Vault
from trunkline.core.db import Database
from trunkline.dialects.dispatch import Dialects
from trunkline.dialects.rapidpro import rapidpro

BASE = "http://127.0.0.1/api/v2"


@pytest.fixture
def dialects(database: Database, vault: Vault) -> Dialects:
    return Dialects(database, vault=vault, served=[rapidpro])


@pytest.fixture
async def anybody(dialects: Dialects) -> AsyncIterator[httpx2.AsyncClient]:
    """A client without a token."""
    transport = httpx2.ASGITransport(dialects, raise_app_exceptions=True)
    async with httpx2.AsyncClient(transport=transport, base_url=BASE) as client:
        yield client


@pytest.fixture
async def api(anybody: httpx2.AsyncClient, new_key) -> httpx2.AsyncClient:
    """An administrator without rate limits."""
    anybody.headers["authorization"] = f"Token {await new_key('rapidpro', role='admin', rate='off')}"
    return anybody


@pytest.fixture
async def agent(dialects: Dialects, new_key) -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(dialects, raise_app_exceptions=True)
    headers = {"authorization": f"Token {await new_key('rapidpro', role='agent', rate='off')}"}
    async with httpx2.AsyncClient(transport=transport, base_url=BASE, headers=headers) as client:
        yield client


@pytest.fixture
async def official(dialects: Dialects, new_key) -> AsyncIterator[TembaClient]:
    """The official client of an administrator, over a socket. It blocks: call it in a thread."""
    key = await new_key("rapidpro", role="admin", rate="off")
    async with served(dialects) as address:
        yield TembaClient(address, key)


@pytest.fixture
async def group(database: Database, account: int) -> Group:
    """A group kept by hand."""
    async with database.tx(account) as tx:
        return await groups.create(tx, "Reporters")


@pytest.fixture
async def smart(database: Database, account: int) -> Group:
    async with database.tx(account) as tx:
        return await groups.create(tx, "Tall", query='name = "Tall"')


@pytest.fixture
async def ann(database: Database, account: int) -> Contact:
    async with database.tx(account) as tx:
        return await people.create(tx, NewContact(name="Ann", urns=[urns.parse("tel:+250788123123")]))


@pytest.fixture
async def stranger(database: Database, other_account: int) -> Contact:
    """Somebody of another workspace."""
    async with database.tx(other_account) as tx:
        return await people.create(tx, NewContact(name="Eve", urns=[urns.parse("tel:+250788999999")]))
