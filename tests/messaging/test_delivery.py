"""The whole way of a message: queued, claimed, handed to the built-in carrier, written down."""

import pytest

from tests import world
from trunkline.contacts import people
from trunkline.core import urns
from trunkline.core.db import Database
from trunkline.messaging import carrier, sending, statuses
from trunkline.messaging.sending import Draft

pytestmark = pytest.mark.anyio


async def test_a_queued_message_reaches_the_carrier(database: Database, account: int) -> None:
    channel = await world.simulator(database, account)
    ids = await queue(database, account, channel, ["+40740111222"], "Hello")

    await world.deliver(database, account)

    async with database.tx(account) as tx:
        delivered = await carrier.outbox(tx, channel.id)
        stats = await statuses.stats(tx)
    assert [(one.seq, one.to, one.text) for one in delivered] == [(1, "+40740111222", "Hello")]
    assert (len(ids), stats["sent"], stats["queued"]) == (1, 1, 0)


async def test_five_hundred_messages_go_out_once_each(database: Database, account: int) -> None:
    channel = await world.simulator(database, account)
    numbers = [f"+4074{n:07d}" for n in range(500)]
    await queue(database, account, channel, numbers, "Hello")

    await world.deliver(database, account)

    async with database.tx(account) as tx:
        delivered = await carrier.outbox(tx, channel.id)
    assert sorted(one.to for one in delivered) == sorted(numbers)


async def queue(database: Database, account: int, channel, numbers: list[str], text: str) -> list[int]:
    async with database.tx(account) as tx:
        to = [urns.make("tel", number) for number in numbers]
        contacts = await people.get_or_create(tx, to, source="test")
        drafts = [Draft(contact_id=id, to=urn, text=text) for urn, (id, _) in zip(to, contacts, strict=True)]
        return [outcome.id for outcome in await sending.queue_many(tx, channel, drafts)]
