"""What the portal's example files find there: keys, channels, a template, people of whom one has opted out."""

from datetime import timedelta
from typing import Any

from tests import world
from trunkline.accounts import settings
from trunkline.contacts import consents, groups, people
from trunkline.core import clock
from trunkline.core.db import Database
from trunkline.core.urns import Urn
from trunkline.messaging import templates
from trunkline.messaging.templates import Draft


async def prepare(database: Database, new_key: Any, account: int, wanted: set[str]) -> dict[str, Any]:
    """The values of the names that a file uses; costly ones are made only for those that want them."""
    made: dict[str, Any] = {
        kind: (await world.simulator(database, account, **{"as": kind})).id for kind in ("sms", "email", "whatsapp")
    }
    async with database.tx(account) as tx:
        text = "Hello {{name}}, see you on {{date}}."
        await templates.create(tx, Draft(key="appointment_reminder", channel="sms", body=text, language="ro"))
        await templates.create(tx, Draft(key="delivery_update", channel="whatsapp", body="{{name}}: {{order}}"))
        await consents.opt_out(tx, "sms", "+40740999888", "keyword")
        group = await groups.create(tx, "Customers")
        [(reader, _)] = await people.get_or_create(tx, [Urn("mailto", "reader@example.com")])
        await groups.add(tx, group.id, [reader])
    tomorrow = clock.now() + timedelta(days=1)
    made |= {"account": account, "group": group.id, "tomorrow": clock.iso(tomorrow)}
    made["key"] = await new_key("portal", rate="off")
    made["read_key"] = await new_key("portal", scopes=["read"])
    made["slow_key"] = await new_key("portal", rate="1/minute")
    if "voice" in wanted:
        made["voice"] = (await world.simulator(database, account, **{"as": "voice"})).id
    if "poor_key" in wanted:
        poor = await world.workspace(database, metered=True)
        await world.simulator(database, poor)
        made["poor_key"] = await new_key("portal", account=poor)
    if "empty_key" in wanted:
        made["empty_key"] = await new_key("portal", account=await world.workspace(database))
    if "careful_key" in wanted:
        made["careful_key"] = await new_key("portal", account=await _crowd(database))
    return made


async def _crowd(database: Database) -> int:
    """A workspace with more than a thousand people that wants to be asked before it writes to all of them."""
    account = await world.workspace(database)
    await world.simulator(database, account)
    async with database.tx(account) as tx:
        await people.get_or_create(tx, [Urn("tel", f"+4074{n:07d}") for n in range(1001)])
        await settings.put(tx, {"confirm_all": True})
    return account
