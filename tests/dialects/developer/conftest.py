"""The developer dialect behind an ASGI client, and the account that its documentation shows."""

from collections.abc import AsyncIterator
from decimal import Decimal

import asyncpg
import httpx2
import pytest
from msgspec import Struct

from tests import world
from trunkline.accounts import users
from trunkline.contacts import companies, people, tags
from trunkline.contacts.companies import CompanyChanges
from trunkline.contacts.people import Changes, NewContact
from trunkline.core.crypto import Vault
from trunkline.core.db import Database
from trunkline.dialects.developer import developer
from trunkline.dialects.dispatch import Dialects
from trunkline.inbox import assignment, listing, tagging

VISITOR = {
    "name": "Jane Smith",
    "email": "jane@example.com",
    "ip": "192.168.1.1",
    "user_agent": "Mozilla/5.0...",
    "referrer_url": "https://google.com",
    "page_url": "https://acme.com/pricing",
}


class Acme(Struct):
    """The ids that the developer dialect tells of the documented company, its contact and its chat."""

    company: str
    contact: str
    conversation: str
    stage: str
    owner: str


@pytest.fixture
def dialects(database: Database, vault: Vault) -> Dialects:
    return Dialects(database, vault=vault, served=[developer])


@pytest.fixture
async def anybody(dialects: Dialects) -> AsyncIterator[httpx2.AsyncClient]:
    """A client without a key."""
    transport = httpx2.ASGITransport(dialects, raise_app_exceptions=True)
    async with httpx2.AsyncClient(transport=transport, base_url="http://testserver/api/v1") as client:
        yield client


@pytest.fixture
async def api(anybody: httpx2.AsyncClient, new_key) -> httpx2.AsyncClient:
    """A client whose key reads everything."""
    anybody.headers["authorization"] = f"Bearer {await new_key('developer', rate='off')}"
    return anybody


@pytest.fixture
async def acme(database: Database, account: int, connection: asyncpg.Connection) -> Acme:
    """Acme Corporation with John Doe, and a chat with Jane Smith of the same company."""
    async with database.system(account) as tx:
        owner = (await users.create(tx, f"owner{account}@example.com", "owner", name="Olivia")).member
    async with database.tx(account) as tx:
        known = CompanyChanges(
            website="https://acme.com",
            industry="Technology",
            deal_value=Decimal(50000),
            logo_url="https://example.com/logo.png",
            notes="Important client",
        )
        company = await companies.create(tx, "Acme Corporation", created_by=owner.id, changes=known)
        stage = (await companies.stages(tx))[0]
        await companies.move(tx, company.id, stage.id, 0)
        john = NewContact(
            name="John Doe",
            email="john@acme.com",
            phone="+1-555-0123",
            title="CEO",
            buying_role="Decision Maker",
            notes="Primary contact",
            is_primary=True,
            company_id=company.id,
            owner_id=owner.id,
        )
        contact = await people.create(tx, john, loose_phone=True)
    await connection.execute("update companies set last_contact_at = now() where id = $1", company.id)
    chat = await world.simulator(database, account, **{"as": "webchat"})
    await world.say(database, chat, "visitor-1", "Hello?", visitor=VISITOR, name="Jane Smith")
    await world.react(database)
    async with database.tx(account) as tx:
        [begun] = await listing.page(tx, listing.Filter(channel="web_chat"))
        await people.update(tx, begun.contact_id, Changes(company_id=company.id))
        labels = [await tags.create(tx, name, kind="conversation") for name in ("support", "urgent")]
        await tagging.add(tx, [begun.id], [label.id for label in labels])
        await assignment.assign(tx, begun.id, owner.id)
    return Acme(*map(str, (company.uuid, contact.uuid, begun.uuid, stage.uuid, owner.uuid)))
