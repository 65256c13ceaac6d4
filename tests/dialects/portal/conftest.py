"""The portal dialect behind an ASGI client, with channels and templates to send by."""

from collections.abc import AsyncIterator

import asyncpg
import httpx2
import pytest

from tests import world
from trunkline.core.crypto import Vault
from trunkline.core.db import Database
from trunkline.dialects.dispatch import Dialects
from trunkline.dialects.portal import portal
from trunkline.messaging import channels, templates
from trunkline.messaging.channels import Channel
from trunkline.messaging.templates import Draft, Template

BASE = "http://testserver/api/v1/integrations"


@pytest.fixture
def dialects(database: Database, vault: Vault) -> Dialects:
    return Dialects(database, vault=vault, served=[portal])


@pytest.fixture
async def anybody(dialects: Dialects) -> AsyncIterator[httpx2.AsyncClient]:
    """A client without a key."""
    transport = httpx2.ASGITransport(dialects, raise_app_exceptions=True)
    async with httpx2.AsyncClient(transport=transport, base_url=BASE) as client:
        yield client


@pytest.fixture
async def api(anybody: httpx2.AsyncClient, new_key) -> httpx2.AsyncClient:
    """A client whose key may do everything, without rate limits."""
    anybody.headers["x-api-key"] = await new_key("portal", rate="off")
    return anybody


@pytest.fixture
async def sms(database: Database, account: int) -> Channel:
    return await world.simulator(database, account)


@pytest.fixture
async def pool(database: Database, connection: asyncpg.Connection) -> AsyncIterator[Channel]:
    """The operator's SMS channel, which every workspace sees while it is there."""
    channel = await world.simulator(database, channels.POOL)
    yield channel
    await connection.execute("update channels set deleted_at = now() where id = $1", channel.id)


@pytest.fixture
async def email(database: Database, account: int) -> Channel:
    return await world.simulator(database, account, **{"as": "email"})


@pytest.fixture
async def whatsapp(database: Database, account: int) -> Channel:
    return await world.simulator(database, account, **{"as": "whatsapp"})


@pytest.fixture
async def reminder(database: Database, account: int) -> Template:
    async with database.tx(account) as tx:
        body = "Hello {{name}}, see you on {{date}}."
        return await templates.create(tx, Draft(key="appointment_reminder", channel="sms", body=body))


@pytest.fixture
async def update(database: Database, account: int) -> Template:
    """What may be said on WhatsApp to people who have not written."""
    async with database.tx(account) as tx:
        return await templates.create(tx, Draft(key="delivery_update", channel="whatsapp", body="Order {{order}}"))
