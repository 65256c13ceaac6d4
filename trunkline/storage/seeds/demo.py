"""The Acme world: people, companies, channels, conversations, a finished and a running broadcast."""

import asyncio
from datetime import timedelta
from typing import Any

from msgspec import Struct

from trunkline import dialects
from trunkline.accounts import accounts, api_keys, users
from trunkline.billing import transfers
from trunkline.campaigns import broadcasts
from trunkline.campaigns.broadcasts import NewBroadcast
from trunkline.channels.base import Inbound
from trunkline.contacts import companies, groups, people, tags
from trunkline.contacts.companies import CompanyChanges
from trunkline.contacts.records import NewContact
from trunkline.core import clock, ids, urns
from trunkline.core.db import Database, Tx
from trunkline.inbox import assignment, canned, changes, notes, replies
from trunkline.inbox.changes import Changes
from trunkline.messaging import channels, receiving, templates
from trunkline.messaging.channels import Channel
from trunkline.storage import state
from trunkline.storage.seeds import people as world
from trunkline.worker import Worker

EMAIL = "demo@acme.example"
COLLEAGUES = (("mira@acme.example", "Mira Agent", "agent"), ("noor@acme.example", "Noor Editor", "editor"))
CREDITS = 10_000
PATIENCE_SECONDS = 60.0

# One message in fifty seconds: the running broadcast is still running when you look at it.
SLOW = 0.02


class Demo(Struct, frozen=True, omit_defaults=True):
    """What is told of the demo world: the login and the keys only by the run that made it."""

    email: str
    account: dict[str, Any]
    password: str | None = None
    keys: dict[str, str] | None = None


async def once(database: Database) -> Demo:
    """The demo world, made unless it is there. `database` has its tools."""
    async with database.system() as tx:
        known = await state.read(tx, state.DEMO)
        if known and known["whole"]:
            return Demo(EMAIL, known["account"])
        if known:
            # An earlier run was killed on the way; its login was never told.
            await state.close_account(tx, known["account"]["id"])
        demo = await _open(tx)
    await _fill(database, demo.account["id"])
    async with database.system() as tx:
        await state.note(tx, state.DEMO, {"account": demo.account, "whole": True})
    return demo


async def _open(tx: Tx) -> Demo:
    """The account, who may sign in, and a key for each API."""
    made = await accounts.create(tx, "Acme", timezone="Europe/Bucharest", country="US", languages=("eng", "ron"))
    tx.account = made.id
    password = ids.token(24)
    owner = (await users.create(tx, EMAIL, "owner", name="Demo Owner")).member
    await users.set_password(tx, owner.id, password)
    for email, name, role in COLLEAGUES:
        await users.create(tx, email, role, name=name)
    keys = {}
    for dialect in dialects.DIALECTS:
        keys[dialect], _ = await api_keys.create(tx, owner.id, dialect, name="Demo")
    account = {"id": made.id, "uuid": str(made.uuid)}
    await state.note(tx, state.DEMO, {"account": account, "whole": False})
    return Demo(EMAIL, account, password, keys)


async def _fill(database: Database, account: int) -> None:
    async with database.tx(account) as tx:
        await transfers.grant(tx, CREDITS, description="Welcome to the demo")
        await _people(tx)
        lines = await _channels(tx)
        await _texts(tx)
    await _inbound(database, lines)
    async with database.tx(account) as tx:
        finished = await _broadcast(tx, "New opening hours", "Customers", world.FINISHED, lines["sms"])
    worker = Worker(database, ("inbound", "outbound", "jobs"))
    running = asyncio.create_task(worker.run())
    running.add_done_callback(lambda _: living.cancel())
    living = asyncio.create_task(_live(database, account, finished))
    try:
        await living
    finally:
        worker.stop()
        await running
    async with database.tx(account) as tx:
        await _broadcast(tx, "Summer catalogue", "Newsletter", world.RUNNING, lines["slow"])


async def _live(database: Database, account: int, broadcast: int) -> None:
    """What happens while a worker works: messages are filed and answered, the broadcast goes out."""
    await _until_filed(database, account)
    async with database.tx(account) as tx:
        await _answers(tx)
    await _until_sent(database, account, broadcast)


async def _people(tx: Tx) -> None:
    stages = {stage.name: stage.id for stage in await companies.stages(tx)}
    for firm in world.FIRMS:
        details = CompanyChanges(
            website=firm.website, industry=firm.industry, deal_value=firm.deal_value, stage_id=stages[firm.stage]
        )
        await companies.create(tx, firm.name, changes=details)
    marks = {mark.name: mark.id for mark in await tags.get_or_create(tx, ["vip", "newsletter", "beta"])}
    members: dict[str, list[int]] = {}
    tagged: dict[str, list[int]] = {}
    for person in world.PEOPLE:
        contact = await people.create(tx, _new(person))
        for name in person.groups:
            members.setdefault(name, []).append(contact.id)
        for name in person.tags:
            tagged.setdefault(name, []).append(contact.id)
    crowd = {urns.make("tel", phone): name for name, phone in world.CROWD}
    found = await people.get_or_create(tx, list(crowd), names=crowd, source="demo")
    members["Newsletter"] = [id for id, _ in found]
    for name, contacts in members.items():
        await groups.add(tx, (await groups.create(tx, name)).id, contacts)
    for name, contacts in tagged.items():
        await tags.add(tx, contacts, [marks[name]])


def _new(person: world.Person) -> NewContact:
    return NewContact(
        name=person.name,
        phone=person.phone,
        email=person.email,
        urns=[urns.make("whatsapp", person.phone.lstrip("+"))],
        company=person.company,
        title=person.title,
        city=person.city,
        country=person.country,
        language=person.language,
        fields={"plan": person.plan},
        source="demo",
    )


async def _channels(tx: Tx) -> dict[str, Channel]:
    """The simulator in its roles: an SMS number, WhatsApp, a mailbox, and a slow number for the newsletter."""
    wanted = {
        "sms": ("Acme SMS", "+15550100001", {"as": "sms", "auto_dlr": True}),
        "whatsapp": ("Acme WhatsApp", "15550100002", {"as": "whatsapp", "auto_dlr": True}),
        "email": ("Acme Mail", "hello@acme.example", {"as": "email"}),
        "slow": ("Acme Newsletter", "+15550100003", {"as": "sms", "rate": SLOW}),
    }
    return {
        key: (await channels.create(tx, "simulator", name, address, settings))[0]
        for key, (name, address, settings) in wanted.items()
    }


async def _texts(tx: Tx) -> None:
    await templates.create(tx, templates.Draft(key="appointment_reminder", channel="sms", body=world.REMINDER))
    await templates.create(tx, templates.Draft(key="delivery_update", channel="whatsapp", body=world.UPDATE))
    for title, shortcut, body in world.CANNED:
        await canned.create(tx, title, body, shortcut)


async def _inbound(database: Database, lines: dict[str, Channel]) -> None:
    """What people wrote, as their providers would have told it."""
    for n, said in enumerate(world.TALKS):
        person = _person(said.name)
        scheme, path = {
            "sms": ("tel", person.phone),
            "whatsapp": ("whatsapp", person.phone.lstrip("+")),
            "email": ("mailto", person.email),
        }[said.channel]
        message = Inbound(
            urn=urns.make(scheme, path), text=said.text, subject=said.subject, external_id=f"demo-{n}", name=said.name
        )
        await receiving.take(database, lines[said.channel], [message])


async def _answers(tx: Tx) -> None:
    """What the agents did about it."""
    [agent] = [member for member in await users.members(tx) if member.role == "agent"]
    homes = dict(await tx.rows(state.CONVERSATIONS, tx.account, [f"demo-{n}" for n in range(len(world.TALKS))]))
    for n, said in enumerate(world.TALKS):
        id = homes[f"demo-{n}"]
        if said.answer:
            await assignment.assign(tx, id, agent.id)
            await replies.reply(tx, id, said.answer, user_id=agent.id)
        if said.note:
            await notes.add(tx, id, said.note, agent.id)
        if said.then == "snoozed":
            tomorrow = clock.now() + timedelta(days=1)
            await changes.update(tx, id, Changes(status="snoozed", snoozed_until=tomorrow))
        elif said.then == "closed":
            await changes.close(tx, id)


async def _broadcast(tx: Tx, name: str, group: str, body: str, channel: Channel) -> int:
    audience = await groups.find(tx, group)
    assert audience
    new = NewBroadcast(
        name=name, channel="sms", body=body, channel_id=channel.id, audience={"type": "group", "id": audience.id}
    )
    draft = await broadcasts.create(tx, new)
    return (await broadcasts.send(tx, draft.id)).id


async def _until_filed(database: Database, account: int) -> None:
    async def filed(tx: Tx) -> bool:
        names = [f"demo-{n}" for n in range(len(world.TALKS))]
        return len(await tx.rows(state.CONVERSATIONS, tx.account, names)) == len(names)

    await _until(database, account, filed)


async def _until_sent(database: Database, account: int, broadcast: int) -> None:
    async def sent(tx: Tx) -> bool:
        return (await broadcasts.get(tx, broadcast)).status == "sent"

    await _until(database, account, sent)


async def _until(database: Database, account: int, condition: Any) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            async with database.tx(account) as tx:
                if await condition(tx):
                    return
            await asyncio.sleep(0.02)


def _person(name: str) -> world.Person:
    return next(person for person in world.PEOPLE if person.name == name)
