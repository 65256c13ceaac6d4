"""Replies: queued for the contact, or kept among colleagues."""

import contextlib
from datetime import UTC, datetime

import pytest

from tests import world
from trunkline.contacts import consents, urns
from trunkline.core.errors import Invalid, NotFound
from trunkline.core.urns import Urn
from trunkline.inbox import changes, conversations, filing, history, replies

pytestmark = pytest.mark.anyio

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def opened(new_contact, new_channel, new_message):
    async def open(tx, sends_as="sms", **facts):
        contact, channel = await new_contact(), await new_channel(sends_as)
        [id] = await filing.file(tx, [await new_message(contact, channel, **facts)])
        return id

    return open


async def outgoing(connection, id):
    return await connection.fetchrow("select * from messages where id = $1", id)


async def test_reply_goes_to_where_the_contact_wrote_from(database, account, connection, opened, new_user):
    user = await new_user()
    async with database.tx(account) as tx:
        id = await opened(tx)

        entry = await replies.reply(tx, id, "Hi Jane", user_id=user)

    sent = await outgoing(connection, entry.id)
    assert (sent["direction"], sent["status"], sent["conversation_id"], sent["user_id"]) == ("out", "queued", id, user)
    assert (sent["scheme"], sent["address"], sent["body"], sent["lane"]) == ("tel", "+15557654321", "Hi Jane", 0)
    assert (entry.type, entry.conversation_id, entry.body, entry.user_name) == ("message", id, "Hi Jane", "Agent Jones")


async def test_reply_keeps_the_books(tx, opened):
    id = await opened(tx)
    await changes.close(tx, id)

    await replies.reply(tx, id, "Hi Jane", user_id=7)

    found = await conversations.get(tx, id)
    assert (found.status, found.preview, found.messages_count) == ("open", "Hi Jane", 2)
    assert found.first_response_at is not None


async def test_internal_reply_is_a_note(tx, opened, new_user):
    id = await opened(tx)
    await changes.close(tx, id)

    entry = await replies.reply(tx, id, "", "<b>watch out</b>", user_id=await new_user(), internal=True)

    found = await conversations.get(tx, id)
    assert (entry.type, entry.body) == ("note", "watch out")
    assert (found.status, found.messages_count, found.first_response_at) == ("closed", 1, None)


async def test_html_is_cleaned_and_has_a_text(database, account, connection, opened):
    async with database.tx(account) as tx:
        id = await opened(tx, "email", subject="Invoice")

        entry = await replies.reply(tx, id, "", '<p onclick="x()">Hi <b>Jane</b></p>', user_id=7)

    sent = await outgoing(connection, entry.id)
    assert (sent["html"], sent["body"], sent["kind"]) == ("<p>Hi <b>Jane</b></p>", "Hi Jane", "html")


async def test_html_becomes_text_where_only_text_is_shown(database, account, connection, opened):
    async with database.tx(account) as tx:
        id = await opened(tx, "sms")

        entry = await replies.reply(tx, id, "", "<p>Hi <b>Jane</b></p>", user_id=7)

    sent = await outgoing(connection, entry.id)
    assert (sent["html"], sent["body"]) == (None, "Hi Jane")


async def test_mail_answers_name_the_thread(database, account, connection, opened):
    async with database.tx(account) as tx:
        id = await opened(tx, "email", subject="Invoice", external_id="one@mail.test")

        entry = await replies.reply(tx, id, "Paid", user_id=7, cc=["Boss@Acme.test"], bcc=["log@acme.test"])

    sent = await outgoing(connection, entry.id)
    assert sent["subject"] == "Re: Invoice"
    assert '"in_reply_to": "one@mail.test"' in sent["headers"]
    assert '"cc": ["boss@acme.test"]' in sent["headers"]
    assert '"bcc": ["log@acme.test"]' in sent["headers"]


async def test_subject_is_marked_once(tx, opened):
    id = await opened(tx, "email", subject="RE: Invoice", external_id="one@mail.test")

    entry = await replies.reply(tx, id, "Paid", user_id=7)

    assert entry.subject == "RE: Invoice"


async def test_bad_copies_name_their_place(tx, opened):
    id = await opened(tx, "email")

    with pytest.raises(Invalid) as caught:
        await replies.reply(tx, id, "Paid", user_id=7, cc=["boss@acme.test", "nobody"])

    assert list(caught.value.fields) == ["cc_emails.1"]


async def test_nothing_to_say_is_invalid(tx, opened):
    id = await opened(tx)

    with pytest.raises(Invalid) as caught:
        await replies.reply(tx, id, " ", "<p></p>", user_id=7)

    assert list(caught.value.fields) == ["body"]


async def test_who_opted_out_is_left_alone(tx, opened):
    id = await opened(tx)
    await consents.opt_out(tx, "sms", "+15557654321", "stop word", "inbound")

    with pytest.raises(Invalid) as caught:
        await replies.reply(tx, id, "Hi", user_id=7)

    assert caught.value.code == "recipient_opted_out"
    assert (await conversations.get(tx, id)).messages_count == 1


async def test_first_word_can_be_ours(tx, new_contact, new_channel, new_user):
    contact, user, _ = await new_contact(), await new_user(), await new_channel()
    await urns.add(tx, contact, [Urn("tel", "+15557654321")])

    made = await replies.start(tx, contact, "sms", "Hello", priority="high", user_id=user)

    assert (made.contact_id, made.status, made.priority, made.assignee_id) == (contact, "open", "high", user)
    assert (made.preview, made.messages_count) == ("Hello", 1)
    [entry] = (await history.read(tx, made.id)).entries
    assert (entry.direction, entry.body) == ("out", "Hello")


async def test_contact_without_an_address_cannot_be_written_to(tx, new_contact, new_channel):
    contact, _ = await new_contact(), await new_channel()

    with pytest.raises(Invalid) as caught:
        await replies.start(tx, contact, "sms", "Hello")

    assert caught.value.code == "no_address"


async def test_foreign_conversation_is_unknown(database, account, other_account, opened):
    async with database.tx(account) as mine:
        id = await opened(mine)

    async with database.tx(other_account) as theirs:
        for internal in (False, True):
            with pytest.raises(NotFound):
                await replies.reply(theirs, id, "Hi", user_id=7, internal=internal)


@pytest.mark.parametrize(
    ("body", "parts"),
    [
        ("Hi\nJane", ("Hi\nJane", None)),
        ("1 < 2 > 0", ("1 < 2 > 0", None)),
        ("<p>Hi</p>", ("", "<p>Hi</p>")),
    ],
)
def test_bodies_are_text_or_html(body, parts):
    assert replies.parts(body) == parts


@pytest.mark.parametrize(("hours", "refused"), [(1, False), (25, True)])
async def test_free_text_reaches_who_wrote_lately_on_whatsapp(database, account, connection, hours, refused):
    channel = await world.simulator(database, account, **{"as": "whatsapp"})
    received = await world.say(database, channel, "15557654321", "Hello")
    await world.react(database)
    [id] = await connection.fetchrow("select conversation_id from messages where id = $1", received.message_id)
    await connection.execute(
        "update messages set created_at = now() - make_interval(hours => $2) where account_id = $1", account, hours
    )

    async with database.tx(account) as tx:
        with pytest.raises(Invalid) if refused else contextlib.nullcontext() as caught:
            await replies.reply(tx, id, "Hi Jane", user_id=7)

    assert not refused or caught.value.code == "template_required"
