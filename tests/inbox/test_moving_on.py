"""What goes to somebody else: a message by mail, a conversation to another contact, a template to who was silent."""

from uuid import uuid4

import pytest

from tests import world
from trunkline.contacts import people, urns
from trunkline.contacts.people import NewContact
from trunkline.core.errors import Invalid, NotFound
from trunkline.core.urns import Urn
from trunkline.inbox import canned, conversations, filing, forwarding, history, offering, rehoming, replies
from trunkline.messaging import templates

pytestmark = pytest.mark.anyio


@pytest.fixture
async def ion(database, account) -> int:
    async with database.tx(account) as tx:
        return (await people.create(tx, NewContact(name="Ion Pop", phone="+15557654321"))).id


@pytest.fixture
async def phone(database, account):
    return await world.simulator(database, account)


@pytest.fixture
async def home(database, account, ion, phone, new_message) -> int:
    """Where Ion wrote."""
    message = await new_message(ion, phone.id, text="My boiler is broken")
    async with database.tx(account) as tx:
        return (await filing.file(tx, [message]))[0]


async def test_a_message_is_forwarded_with_a_word_above_it(database, account, home, new_user) -> None:
    user = await new_user()
    await world.simulator(database, account, **{"as": "email"})
    async with database.tx(account) as tx:
        [entry] = (await history.read(tx, home)).entries

        made = await forwarding.forward(tx, entry.id, " plumber@example.com", "Can you go?", user_id=user)

        [sent] = (await history.read(tx, made.id)).entries
    assert (made.channel, made.assignee_id) == ("email", user)
    assert sent.subject == "Fwd: My boiler is broken"
    assert sent.body.startswith("Can you go?\n\n-----")
    assert sent.body.endswith("\n\nMy boiler is broken")
    assert "From: +15557654321" in sent.body


async def test_an_address_that_is_none_is_refused(database, account, home, new_user) -> None:
    user = await new_user()
    await world.simulator(database, account, **{"as": "email"})
    async with database.tx(account) as tx:
        [entry] = (await history.read(tx, home)).entries

        with pytest.raises(Invalid):
            await forwarding.forward(tx, entry.id, "nobody", "", user_id=user)


async def test_a_conversation_goes_to_another_contact_with_its_address(database, account, home, ion) -> None:
    async with database.tx(account) as tx:
        maria = (await people.create(tx, NewContact(name="Maria"))).id

        moved = await rehoming.change_contact(tx, home, maria)

        now = await conversations.get(tx, home)
        [entry] = (await history.read(tx, home)).entries
        owners = await urns.owners(tx, [Urn("tel", "+15557654321")])
    assert (moved, now.contact_id, entry.contact_id) == (home, maria, maria)
    assert list(owners.values()) == [maria]


async def test_a_conversation_that_they_have_takes_it_in(database, account, home, phone, new_message) -> None:
    async with database.tx(account) as tx:
        maria = (await people.create(tx, NewContact(name="Maria", phone="+40722000222"))).id
    message = await new_message(maria, phone.id, text="Earlier")
    async with database.tx(account) as tx:
        [theirs] = await filing.file(tx, [message])

        moved = await rehoming.change_contact(tx, home, maria)

        said = {entry.body for entry in (await history.read(tx, theirs)).entries}
        with pytest.raises(NotFound):
            await conversations.get(tx, home)
    assert (moved, said) == (theirs, {"Earlier", "My boiler is broken"})


async def test_nobody_takes_no_conversation(database, account, home) -> None:
    async with database.tx(account) as tx:
        with pytest.raises(NotFound):
            await rehoming.change_contact(tx, home, 2**40)


async def test_a_template_is_a_persons_answer(database, account, home, new_user) -> None:
    user = await new_user()
    async with database.tx(account) as tx:
        body = "Dear {{first_name}}, order {{order}} is ready"
        made = await templates.create(tx, templates.Draft(key="ready", channel="sms", body=body))
        await templates.create(tx, templates.Draft(key="other", channel="whatsapp", body="No"))
        [offered] = await offering.offered(tx, home)

        entry = await offering.answer(tx, home, made.id, {"order": "17"}, user_id=user)

    assert (offered.name, offered.variables, offered.known) == ("ready", ["first_name", "order"], {"first_name": "Ion"})
    assert (entry.body, entry.user_id) == ("Dear Ion, order 17 is ready", user)


async def test_a_template_without_its_variables_is_not_sent(database, account, home, new_user) -> None:
    user = await new_user()
    async with database.tx(account) as tx:
        made = await templates.create(tx, templates.Draft(key="ready", channel="sms", body="Order {{order}}"))

        with pytest.raises(Invalid, match="order"):
            await offering.answer(tx, home, made.id, {}, user_id=user)


async def test_a_template_reaches_whoever_has_been_silent(database, account, ion, new_user) -> None:
    user = await new_user()
    channel = await world.simulator(database, account, **{"as": "whatsapp"})
    async with database.tx(account) as tx:
        await urns.add(tx, ion, [Urn("whatsapp", "40722000111")])
        silent = (await conversations.start(tx, ion, channel)).id
        made = await templates.create(tx, templates.Draft(key="ready", channel="whatsapp", body="Ready"))
        with pytest.raises(Invalid):
            await replies.reply(tx, silent, "Ready", user_id=user)

        entry = await offering.answer(tx, silent, made.id, {}, user_id=user)

    assert entry.body == "Ready"


async def test_a_canned_response_needs_files_that_are_there(database, account) -> None:
    async with database.tx(account) as tx:
        with pytest.raises(Invalid):
            await canned.create(tx, "Menu", "Here", files=[uuid4()])
