"""Filing: one living conversation per contact and channel, whatever happens at once."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import anyio
import pytest

from trunkline.channels.base import Thread
from trunkline.channels.mail import tokens
from trunkline.core import db
from trunkline.core.config import Settings
from trunkline.core.errors import NotFound
from trunkline.core.tools import Tools
from trunkline.inbox import changes, conversations, filing
from trunkline.inbox.changes import Changes
from trunkline.messaging import channels

pytestmark = pytest.mark.anyio

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


async def test_first_message_opens_a_conversation(tx, new_contact, new_channel, new_message):
    contact, channel = await new_contact(), await new_channel("web_chat")
    message = await new_message(contact, channel, text="x" * 300, visitor={"ip": "203.0.113.9"})

    [id] = await filing.file(tx, [message])

    found = await conversations.get(tx, id)
    assert (found.contact_id, found.channel_id, found.channel, found.status) == (contact, channel, "web_chat", "open")
    assert (found.preview, found.messages_count, found.is_read) == ("x" * 200, 1, False)
    assert (found.last_message_at, found.visitor) == (NOON, {"ip": "203.0.113.9"})
    assert found.tags == []
    assert found.assignee is None


async def test_next_message_joins_it(tx, new_contact, new_channel, new_message):
    contact, channel = await new_contact(), await new_channel()
    first, second = [await new_message(contact, channel) for _ in range(2)]

    assert await filing.file(tx, [first]) == await filing.file(tx, [second])


async def test_each_channel_has_its_own(tx, new_contact, new_channel, new_message):
    contact = await new_contact()
    messages = [await new_message(contact, await new_channel()) for _ in range(2)]

    one, other = await filing.file(tx, messages)

    assert one != other


async def test_filing_again_changes_nothing(tx, new_contact, new_channel, new_message):
    message = await new_message(await new_contact(), await new_channel())
    first = await filing.file(tx, [message, message])

    again = await filing.file(tx, [message])

    assert again == first[:1]
    assert (await conversations.get(tx, again[0])).messages_count == 1


@pytest.mark.parametrize(
    "rest", [Changes(status="closed"), Changes(status="snoozed", snoozed_until=NOON.replace(year=2999))]
)
async def test_message_reopens_what_rests(tx, new_contact, new_channel, new_message, rest):
    contact, channel = await new_contact(), await new_channel()
    [id] = await filing.file(tx, [await new_message(contact, channel)])
    await conversations.mark_read(tx, [id])
    await changes.update(tx, id, rest)

    await filing.file(tx, [await new_message(contact, channel)])

    found = await conversations.get(tx, id)
    assert (found.status, found.resolved_at, found.snoozed_until, found.is_read) == ("open", None, None, False)


@pytest.mark.parametrize("status", ["pending", "spam"])
async def test_message_leaves_other_states(tx, new_contact, new_channel, new_message, status):
    contact, channel = await new_contact(), await new_channel()
    [id] = await filing.file(tx, [await new_message(contact, channel)])
    await changes.update(tx, id, Changes(status=status))

    await filing.file(tx, [await new_message(contact, channel)])

    assert (await conversations.get(tx, id)).status == status


async def test_deleted_conversation_is_never_joined(tx, new_contact, new_channel, new_message):
    contact, channel = await new_contact(), await new_channel()
    [id] = await filing.file(tx, [await new_message(contact, channel)])
    await conversations.delete(tx, id)

    [new] = await filing.file(tx, [await new_message(contact, channel)])

    assert new != id


async def test_late_message_keeps_the_newest_preview(tx, new_contact, new_channel, new_message):
    contact, channel = await new_contact(), await new_channel()
    await filing.file(tx, [await new_message(contact, channel, text="new")])
    late = await new_message(contact, channel, text="old", received_at=NOON - timedelta(hours=1))

    [id] = await filing.file(tx, [late])

    found = await conversations.get(tx, id)
    assert (found.preview, found.last_message_at, found.messages_count) == ("new", NOON, 2)


async def test_64_at_once_make_one(database, account, connection, new_contact, new_channel, new_message):
    contact, channel = await new_contact(), await new_channel()
    messages = [await new_message(contact, channel) for _ in range(64)]

    async def file(message):
        async with database.tx(account) as tx:
            await filing.file(tx, [message])

    async with anyio.create_task_group() as group:
        for message in messages:
            group.start_soon(file, message)

    counts = await connection.fetch("select messages_count from conversations where account_id = $1", account)
    homeless = await connection.fetchval(
        "select count(*) from messages where account_id = $1 and conversation_id is null", account
    )
    assert [row[0] for row in counts] == [64]
    assert homeless == 0


async def test_crossing_batches_do_not_lock_up(database, account, connection, new_contact, new_channel, new_message):
    channel = await new_channel()
    contacts = [await new_contact() for _ in range(20)]
    batches = []
    for turn in range(8):
        order = contacts if turn % 2 else contacts[::-1]
        batches.append([await new_message(contact, channel) for contact in order])

    async def file(batch):
        async with database.tx(account) as tx:
            await filing.file(tx, batch)

    async with anyio.create_task_group() as group:
        for batch in batches:
            group.start_soon(file, batch)

    counts = await connection.fetch("select messages_count from conversations where account_id = $1", account)
    assert [row[0] for row in counts] == [8] * 20


async def test_thousand_messages_take_a_handful_of_statements(
    tx, account, connection, new_contact, new_channel, new_message, monkeypatch
):
    channel = await new_channel()
    contacts = [await new_contact() for _ in range(100)]
    messages = [await new_message(contact, channel) for contact in contacts for _ in range(10)]
    ran = []
    run = db.Tx._run

    async def counted(self, method, statement, args):
        ran.append(statement)
        return await run(self, method, statement, args)

    monkeypatch.setattr(db.Tx, "_run", counted)

    homes = await filing.file(tx, messages)

    assert len(ran) <= 5
    assert len(set(homes)) == 100


async def test_events_tell_what_opened_and_what_was_filed(
    database, account, events, new_contact, new_channel, new_message
):
    contact, channel = await new_contact(), await new_channel()
    first, second = [await new_message(contact, channel) for _ in range(2)]

    async with database.tx(account) as tx:
        [id] = await filing.file(tx, [first])
    async with database.tx(account) as tx:
        await changes.close(tx, id)
        await filing.file(tx, [second])

    assert len(await events("conversation.opened")) == 1
    assert len(await events("conversation.closed")) == 1
    assert len(await events("conversation.reopened")) == 1
    assert [row["data"] for row in await events("message.filed")] == [
        f'{{"filed": [[{message.id}, {id}]]}}' for message in (first, second)
    ]


@pytest.mark.parametrize("foreign", ["message", "contact", "channel"])
async def test_foreign_ids_are_unknown(tx, other_account, new_contact, new_channel, new_message, foreign):
    contact, channel = await new_contact(), await new_channel()
    mine = await new_message(contact, channel)
    theirs = await new_message(
        await new_contact(other_account), await new_channel("sms", other_account), account_id=other_account
    )
    id, contact, channel = (
        theirs.id if foreign == "message" else mine.id,
        theirs.contact_id if foreign == "contact" else contact,
        theirs.channel_id if foreign == "channel" else channel,
    )
    mixed = filing.FiledMessage(
        id=id, contact_id=contact, channel_id=channel, sends_as="sms", text="", received_at=NOON
    )

    with pytest.raises(NotFound):
        await filing.file(tx, [mixed])


async def test_mails_of_one_subject_are_one_conversation(tx, new_contact, new_channel, new_message):
    contact, channel = await new_contact(), await new_channel("email")
    subjects = ["Invoice 7", "Re: Invoice 7", "RE: Fwd: invoice 7", "Invoice 8"]
    mails = [await new_message(contact, channel, subject=subject) for subject in subjects]

    homes = await filing.file(tx, mails)

    assert homes[0] == homes[1] == homes[2] != homes[3]
    assert (await conversations.get(tx, homes[0])).subject == "Invoice 7"


async def test_answer_with_another_subject_stays_in_its_thread(tx, new_contact, new_channel, new_message):
    contact, channel = await new_contact(), await new_channel("email")
    first = await new_message(contact, channel, subject="Invoice 7", external_id="one@mail.test")
    [home] = await filing.file(tx, [first])
    answer = await new_message(
        contact, channel, subject="Something else", thread=Thread(references=("one@mail.test", "nobody@mail.test"))
    )

    assert await filing.file(tx, [answer]) == [home]


async def test_nearest_reference_wins(tx, new_contact, new_channel, new_message):
    contact, channel = await new_contact(), await new_channel("email")
    mails = [await new_message(contact, channel, subject=f"Topic {n}", external_id=f"{n}@mail.test") for n in range(3)]
    homes = await filing.file(tx, mails)
    answer = await new_message(
        contact,
        channel,
        subject="?",
        thread=Thread(references=("0@mail.test", "1@mail.test"), message_id="2@mail.test"),
    )

    assert await filing.file(tx, [answer]) == [homes[2]]


async def test_reference_to_anothers_conversation_is_not_believed(tx, new_contact, new_channel, new_message):
    jane, joe, channel = await new_contact(), await new_contact(), await new_channel("email")
    [home] = await filing.file(tx, [await new_message(jane, channel, subject="Mine", external_id="one@mail.test")])
    answer = await new_message(joe, channel, subject="Re: Mine", thread=Thread(message_id="one@mail.test"))

    [other] = await filing.file(tx, [answer])

    assert other != home


@pytest.fixture
def tools(database, tmp_path, monkeypatch):
    """A vault for the settings of channels."""
    made = Tools(Settings(data=tmp_path, secret="x" * 43))
    monkeypatch.setattr(database, "tools", made)
    return made


async def test_our_token_in_the_recipient_names_the_conversation(tx, tools, new_contact, new_message):
    settings = {"host": "mail.acme.test", "secret": "channel secret"}
    channel, secret = await channels.create(tx, "smtp", "Mail", "help@acme.test", settings)
    jane, joe = await new_contact(), await new_contact()
    made = await conversations.start(tx, jane, channel, subject="Offer")
    token = tokens.seal(tokens.signing_key(secret), "reply", made.id)
    forged = tokens.seal(tokens.signing_key("guessed"), "reply", made.id)

    async def home(contact, token):
        facts = {"subject": "Quite another thing", "thread": Thread(token=token), "sends_as": "email"}
        message = await new_message(contact, channel.id, **facts)
        return (await filing.file(tx, [message]))[0]

    assert await home(jane, token) == made.id
    assert await home(jane, forged) != made.id
    assert await home(joe, token) != made.id


async def test_very_long_subject_can_be_filed(tx, new_contact, new_channel, new_message):
    mail = await new_message(await new_contact(), await new_channel("email"), subject="\U0001f600" * 998)

    [home] = await filing.file(tx, [mail])

    assert (await conversations.get(tx, home)).subject == "\U0001f600" * 998


async def test_visitor_facts_add_up(tx, new_contact, new_channel, new_message):
    contact, channel = await new_contact(), await new_channel("web_chat")
    await filing.file(tx, [await new_message(contact, channel, visitor={"ip": "203.0.113.9", "page_url": "/a"})])

    [id] = await filing.file(tx, [await new_message(contact, channel, visitor={"page_url": "/b"})])

    assert (await conversations.get(tx, id)).visitor == {"ip": "203.0.113.9", "page_url": "/b"}


async def test_homes_come_in_the_order_of_the_messages(tx, new_contact, new_channel, new_message):
    channel = await new_channel()
    contacts = [await new_contact() for _ in range(5)]
    messages = [await new_message(contact, channel) for contact in contacts[::-1]]

    homes = await filing.file(tx, messages)

    found = {one.id: one.contact_id for one in await conversations.get_many(tx, homes)}
    assert [found[id] for id in homes] == contacts[::-1]
    assert all(one != other for one, other in pairwise(homes))
