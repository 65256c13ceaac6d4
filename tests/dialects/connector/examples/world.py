"""What the connector's example files find there: a key, a list, custom and WhatsApp channels, a template, an agency."""

from typing import Any

from tests import world
from trunkline.contacts import groups, people
from trunkline.contacts.people import NewContact
from trunkline.core import opaque
from trunkline.core.db import Database
from trunkline.messaging import channels, templates
from trunkline.messaging.templates import Draft


async def prepare(database: Database, new_key: Any, account: int, wanted: set[str]) -> dict[str, Any]:
    """The values of the names that a file uses."""
    whatsapp = await world.simulator(database, account, **{"as": "whatsapp"})
    await world.say(database, whatsapp, "+15551230000", "Hello?")
    async with database.tx(account) as tx:
        await groups.create(tx, "My List")
        await people.create(tx, NewContact(first_name="Mia", last_name="Jones", phone="+15559876543"))
        settings = {"url": "https://example.com/hook"}
        await channels.create(tx, "custom_http", "my-channel", "your-user-id", settings)
        body = "Welcome, {{first_name}}!"
        await templates.create(
            tx, Draft(key="welcome_message", channel="whatsapp", body=body, language="en_US", category="MARKETING")
        )
    made = {"key": await new_key("connector", rate="off"), "slow_key": await new_key("connector", rate="1/minute")}
    if "config_id" in wanted:
        made |= await _window(database, account)
    if "agency_key" in wanted:
        made["agency_key"] = await _agency(database, new_key)
    return made


async def _window(database: Database, account: int) -> dict[str, Any]:
    vault = database.tools.vault
    async with database.tx(account) as tx:
        settings = {"origins": "https://shop.example", "title": "Acme", "greeting": "Hello!"}
        window, _ = await channels.create(tx, "webchat", "Shop", "shop", settings)
    return {
        "config_id": opaque.write(vault, "widget", window.id),
        "user_id": opaque.write(vault, "account", account),
        "visitor_id": "7d3f0b5a9c1e4d2f8a6b",
    }


async def _agency(database: Database, new_key: Any) -> str:
    account = await world.workspace(database, kind="agency")
    await world.grant(database, account, 1000)
    return await new_key("connector", account=account, rate="off")
