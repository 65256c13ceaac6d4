"""The platform dialect behind an ASGI client, with people and channels to work on."""

from collections.abc import AsyncIterator

import httpx2
import pytest

from tests import world
from trunkline.core.crypto import Vault
from trunkline.core.db import Database
from trunkline.dialects.dispatch import Dialects
from trunkline.dialects.platform import platform
from trunkline.messaging.channels import Channel

BASE = "http://testserver/api/v1"


@pytest.fixture
def dialects(database: Database, vault: Vault) -> Dialects:
    return Dialects(database, vault=vault, served=[platform])


@pytest.fixture
async def anybody(dialects: Dialects) -> AsyncIterator[httpx2.AsyncClient]:
    """A client without a token."""
    transport = httpx2.ASGITransport(dialects, raise_app_exceptions=True)
    async with httpx2.AsyncClient(transport=transport, base_url=BASE) as client:
        yield client


@pytest.fixture
async def api(anybody: httpx2.AsyncClient, new_key) -> httpx2.AsyncClient:
    """A client whose token may do everything, without rate limits."""
    anybody.headers["authorization"] = f"Bearer {await new_key(rate='off')}"
    return anybody


@pytest.fixture
async def email(database: Database, account: int) -> Channel:
    return await world.simulator(database, account, **{"as": "email"})


@pytest.fixture
async def sms(database: Database, account: int) -> Channel:
    return await world.simulator(database, account)


@pytest.fixture
async def jane(api) -> dict:
    """A contact as the API tells it."""
    return (await api.post("/contacts", json={"first_name": "Jane", "email": "jane@example.com"})).json()["data"]


@pytest.fixture
async def conversation(api, jane, email) -> dict:
    """A conversation as the API tells it."""
    body = {"contact_id": jane["id"], "channel": "email", "subject": "Billing question", "message": "We got it."}
    return (await api.post("/conversations", json=body)).json()["data"]
