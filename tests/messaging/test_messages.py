"""Messages as they are read."""

from datetime import timedelta

import pytest

from tests import world
from trunkline.contacts import people
from trunkline.core import clock
from trunkline.core.errors import NotFound
from trunkline.core.urns import Urn
from trunkline.messaging import messages, sending
from trunkline.messaging.sending import Draft

pytestmark = pytest.mark.anyio

TO = Urn("tel", "+40740111222")


async def queue(database, account, texts, *, settings=None, to=TO, **options):
    channel = await world.simulator(database, account, **(settings or {}))
    async with database.tx(account) as tx:
        [(contact, _)] = await people.get_or_create(tx, [to])
        drafts = [Draft(contact_id=contact, to=to, text=text) for text in texts]
        return contact, [queued.id for queued in await sending.queue_many(tx, channel, drafts, **options)]


async def test_a_message_is_read_with_its_channel(database, account):
    contact, [id] = await queue(database, account, ["Hello"], batch="b_1")

    async with database.tx(account) as tx:
        message = await messages.get(tx, id)

    assert (message.channel, message.text, message.direction, message.status) == ("sms", "Hello", "out", "queued")
    assert (message.contact_id, message.shown_address, message.batch) == (contact, "+40740111222", "b_1")
    assert (message.attachments, message.metadata, message.is_scheduled) == ([], {}, False)


async def test_a_whatsapp_address_is_shown_as_a_number(database, account):
    _, [id] = await queue(database, account, ["Hi"], settings={"as": "whatsapp"}, to=Urn("whatsapp", "40740111222"))

    async with database.tx(account) as tx:
        assert (await messages.get(tx, id)).shown_address == "+40740111222"


async def test_several_come_in_the_order_asked_for(database, account):
    _, [first, second, third] = await queue(database, account, ["a", "b", "c"])

    async with database.tx(account) as tx:
        found = await messages.get_many(tx, [third, first, third, 2**70, -5, second + 10_000])

    assert [message.id for message in found] == [third, first]


async def test_what_waits_for_its_moment_is_scheduled(database, account):
    _, [id] = await queue(database, account, ["a"], at=clock.now() + timedelta(hours=1))

    async with database.tx(account) as tx:
        assert (await messages.get(tx, id)).is_scheduled


async def test_a_talk_is_walked_backwards(database, account):
    contact, ids = await queue(database, account, ["a", "b", "c"])

    async with database.tx(account) as tx:
        newest = await messages.of_contact(tx, contact, limit=2)
        rest = await messages.of_contact(tx, contact, before=newest[-1].id, limit=2)

    assert [message.id for message in (*newest, *rest)] == ids[::-1]


async def test_foreign_messages_are_unknown(database, account, other_account):
    contact, [id] = await queue(database, account, ["a"])

    async with database.tx(other_account) as tx:
        with pytest.raises(NotFound):
            await messages.get(tx, id)
        assert await messages.of_contact(tx, contact) == []
