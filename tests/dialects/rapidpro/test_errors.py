"""Every sentence of `errors.toml` is what its request gets, to the letter."""

import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests import talks
from tests import world as makers
from trunkline.campaigns import sequences
from trunkline.campaigns.sequences import NewPoint
from trunkline.contacts import fields, groups, people
from trunkline.contacts.people import NewContact
from trunkline.core.ids import new_uuid
from trunkline.flows import stored
from trunkline.inbox import tickets, topics
from trunkline.inbox.tickets import NewTicket
from trunkline.messaging import labels, optins
from trunkline.webhooks import resthooks

pytestmark = pytest.mark.anyio

CASES = tomllib.loads((Path(__file__).parent / "errors.toml").read_text())["case"]


@pytest.fixture
async def world(api, database, account, other_account, group, smart, ann, stranger) -> dict[str, str]:
    """What requests may name."""
    await api.get("/groups.json")  # makes the groups that everybody has
    async with database.tx(other_account) as tx:
        foreign = await groups.create(tx, "Foreign")
    async with database.tx(account) as tx:
        await fields.create(tx, "Nick")
        await fields.create(tx, "Joined", "datetime")
        used = await groups.create(tx, "Used")
        series = await sequences.create(tx, "Reminders", used.id)
        point = await sequences.add_point(
            tx, series.id, NewPoint(relative_to="joined", distance=1, unit="days", message={"eng": "Hi"})
        )
        other = await sequences.create(tx, "Others", used.id)
        flow = await stored.save(tx, talks.definition())
        await resthooks.get_or_create(tx, ["new-report"])
        await resthooks.subscribe(tx, "new-report", "https://hooks.example.com/1")
        blocked = await people.create(tx, NewContact(name="Bob", status="blocked"))
        deleted = await people.create(tx, NewContact(name="Del"))
        await people.delete(tx, [deleted.id])
        named = {group.name: group for group in await groups.all(tx)}
    return {
        "group": str(group.uuid),
        "smart": str(smart.uuid),
        "used": str(used.uuid),
        "foreign_group": str(foreign.uuid),
        "open_tickets": str(named["Open Tickets"].uuid),
        "ann": str(ann.uuid),
        "urn": "tel:+250788123123",
        "stranger": str(stranger.uuid),
        "blocked": str(blocked.uuid),
        "deleted": str(deleted.uuid),
        "campaign": str(series.uuid),
        "other_campaign": str(other.uuid),
        "event": str(point.uuid),
        "flow": str(flow.uuid),
        "nothing": "01234567-89ab-4cde-8123-456789abcdef",
        **await _talk(database, account, ann),
        "foreign_ticket": (await _talk(database, other_account, stranger))["ticket"],
    }


async def _talk(database, account, contact) -> dict[str, str]:
    """A message each way, a label, a topic and a ticket of a contact."""
    channel = await makers.simulator(database, account)
    [record] = await makers.execute(database.dsn, "select path from urns where contact_id = $1", contact.id)
    received = await makers.say(database, channel, record["path"], "Hello")
    [sent] = await makers.queue(database, account, channel, [record["path"]])
    async with database.tx(account) as tx:
        general, topic = await topics.default(tx), await topics.create(tx, "Billing")
        label = await labels.create(tx, "Spam")
        await optins.create(tx, "Jokes")
        [ticket] = await tickets.open_many(tx, [NewTicket(uuid=new_uuid(), contact_id=contact.id)])
    return {
        "received": str(received.message_id),
        "sent": str(sent),
        "general": str(general.uuid),
        "topic": str(topic.uuid),
        "label": str(label.uuid),
        "ticket": str(ticket.uuid),
    }


@pytest.mark.parametrize("case", CASES, ids=[f"{number} {case['request']}" for number, case in enumerate(CASES)])
async def test_a_refusal_is_worded_as_promised(api, world, case):
    method, path = case["request"].split(" ", 1)
    body = _filled(case.get("body"), world)
    for name, value in (body or {}).items():
        if "times" in case and isinstance(value, list):
            body[name] = value * case["times"]

    answer = await api.request(method, path.format(**{k: quote(v) for k, v in world.items()}), json=body)

    assert (answer.status_code, answer.json()) == (case["status"], _filled(case["answer"], world))


def _filled(value: Any, world: dict[str, str]) -> Any:
    match value:
        case str():
            for name, known in world.items():
                value = value.replace(f"{{{name}}}", known)
        case list():
            return [_filled(each, world) for each in value]
        case dict():
            return {name: _filled(each, world) for name, each in value.items()}
    return value
