"""What the developer dialect's example files find there: a company with one person, and a chat with a visitor."""

from decimal import Decimal
from typing import Any

from tests import world
from trunkline.accounts import users
from trunkline.contacts import companies, people, tags
from trunkline.contacts.companies import CompanyChanges
from trunkline.contacts.people import NewContact
from trunkline.core.db import Database
from trunkline.inbox import listing, tagging

VISITOR = {
    "name": "Jane Smith",
    "email": "jane@example.com",
    "ip": "192.168.1.77",
    "user_agent": "Mozilla/5.0",
    "referrer_url": "https://google.example/",
    "page_url": "https://acme.example/pricing",
}


async def prepare(database: Database, new_key: Any, account: int, wanted: set[str]) -> dict[str, Any]:
    """The values of the names that a file uses."""
    made: dict[str, Any] = {"key": await new_key("developer")}
    async with database.system(account) as tx:
        member = (await users.create(tx, f"owner{account}@example.com", "owner", name="Olivia")).member
    made["owner"] = member.uuid
    async with database.tx(account) as tx:
        changes = CompanyChanges(website="https://acme.example", industry="Technology", deal_value=Decimal(50000))
        company = await companies.create(tx, "Acme Corporation", created_by=member.id, changes=changes)
        stage = (await companies.stages(tx))[0]
        await companies.move(tx, company.id, stage.id, 0)
        john = NewContact(
            name="John Doe",
            email="john@acme.example",
            phone="+1 555 012 3456",
            title="CEO",
            buying_role="Decision Maker",
            notes="Primary contact",
            is_primary=True,
            company_id=company.id,
            owner_id=member.id,
        )
        contact = await people.create(tx, john)
        made |= {"company": company.uuid, "stage": stage.uuid, "contact": contact.uuid}
    if "conversation" in wanted:
        chat = await world.simulator(database, account, **{"as": "webchat"})
        await world.say(database, chat, "visitor-1", "Hello?", visitor=VISITOR, name="Jane Smith")
        await world.react(database)
        sms = await world.simulator(database, account)
        await world.say(database, sms, "+15550123456", "And by text.")
        await world.react(database)
        async with database.tx(account) as tx:
            urgent = await tags.create(tx, "urgent", kind="conversation")
            chats = await listing.page(tx, listing.Filter(channel="web_chat"))
            await tagging.add(tx, [chats[0].id], [urgent.id])
        made["conversation"] = "one"
    if "platform_key" in wanted:
        made["platform_key"] = await new_key("platform")
    if "masking_key" in wanted:
        made["masking_key"] = await new_key("developer", scopes=["read"])
    return made
