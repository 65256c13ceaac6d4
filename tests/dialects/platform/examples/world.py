"""What the platform's example files find there: tokens, channels, a colleague, people, tags."""

from datetime import timedelta
from typing import Any

from tests import world
from trunkline.accounts import users
from trunkline.contacts import groups, people, tags
from trunkline.contacts.people import NewContact
from trunkline.core import clock
from trunkline.core.db import Database
from trunkline.inbox import replies
from trunkline.knowledge import documents
from trunkline.knowledge.documents import NewDocument

PASSWORD = "plain words make a long one"


async def prepare(database: Database, new_key: Any, account: int, wanted: set[str]) -> dict[str, Any]:
    """The values of the names that a file uses; costly ones are made only for those that want them."""
    for kind in ("sms", "email"):
        await world.simulator(database, account, **{"as": kind})
    made: dict[str, Any] = {"account": account, "tomorrow": clock.iso(clock.now() + timedelta(days=1))}
    async with database.tx(account) as tx:
        made["vip"] = (await tags.create(tx, "VIP", color="#F59E0B")).id
        made["news"] = (await tags.create(tx, "Newsletter")).id
        ana = NewContact(first_name="Ana", last_name="Pop", email="ana@example.com", phone="+40740333444")
        made["ana"] = (await people.create(tx, ana)).id
        begun = await replies.start(tx, made["ana"], "email", "We got it.", subject="Billing question")
        made["conversation"] = begun.id
    made["key"] = await new_key("platform", rate="off")
    if "tags_key" in wanted:
        made["tags_key"] = await new_key("platform", scopes=["tags"])
    if "viewer_key" in wanted:
        made["viewer_key"] = await new_key("platform", role="viewer")
    if "slow_key" in wanted:
        made["slow_key"] = await new_key("platform", rate="1/minute")
    if "colleague" in wanted:
        made["colleague"] = await _member(database, account, f"jones{account}@example.com", "agent", "Agent Jones")
    if "owner_email" in wanted:
        made |= {"owner_email": f"owner{account}@example.com", "password": PASSWORD}
        made["owner"] = await _member(database, account, made["owner_email"], "owner", "Olivia Owner")
    if "list" in wanted:
        async with database.tx(account) as tx:
            made["list"] = (await groups.create(tx, "Newsletter")).id
            await groups.add(tx, made["list"], [made["ana"]])
            made["segment"] = (await groups.create(tx, "Friends", query='name = "Bob"')).id
    if "returns_policy" in wanted:
        async with database.tx(account) as tx:
            text = "Goods may be returned within 30 days."
            policy = NewDocument(kind="document", title="Return Policy", content=text)
            made["returns_policy"] = (await documents.create(tx, policy)).id
        await world.react(database)
    if "foreign_contact" in wanted:
        async with database.tx(await world.workspace(database)) as tx:
            made["foreign_contact"] = (await people.create(tx, NewContact(first_name="Far"))).id
    return made


async def _member(database: Database, account: int, email: str, role: str, name: str) -> int:
    async with database.system(account) as tx:
        return (await users.create(tx, email, role, password=PASSWORD, name=name)).member.id
