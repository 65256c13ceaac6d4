"""The account's own webhook: one URL, told in flat keys what was chosen, of whom was chosen."""

import json

import pytest

from tests import world
from trunkline.accounts import settings
from trunkline.ai.events import ConversationSummarised, HumanAlerted
from trunkline.contacts import people, tags
from trunkline.contacts.records import NewContact
from trunkline.core import opaque
from trunkline.core.ids import new_uuid
from trunkline.flows.facts import RunsEnded
from trunkline.inbox import sessions
from trunkline.messaging.statuses import Change, apply_many

pytestmark = pytest.mark.anyio

URL = "https://example.com/hook"


async def choose(database, account: int, **values: str) -> None:
    async with database.tx(account) as tx:
        await settings.put(tx, {"webhook_url": URL, **values})


async def add(database, account: int, *words: str, **more) -> int:
    async with database.tx(account) as tx:
        contact = await people.create(tx, NewContact(first_name="Jane", last_name="Smith", source="api", **more))
        for word in words:
            await tag(tx, contact.id, word)
        return contact.id


async def tag(tx, contact: int, word: str) -> None:
    [found] = await tags.get_or_create(tx, [word])
    await tags.add(tx, [contact], [found.id])


async def told(database, account: int) -> list[dict]:
    await world.react(database)
    rows = await world.execute(
        database.dsn, "select body from webhook_deliveries where account_id = $1 order by id", account
    )
    return [json.loads(row[0]) for row in rows]


async def test_a_new_contact(database, account):
    await choose(database, account, webhook_events="new_contact")
    id = await add(database, account, phone="+15551234567", email="jane@example.com")

    [heard] = await told(database, account)

    created = heard["data"].pop("createdAt")
    assert heard["event"] == "new_contact"
    assert heard["id"].startswith("evt_")
    assert heard["timestamp"].endswith("Z")
    assert created.endswith("Z")
    assert heard["data"] == {
        "contactId": opaque.write(database.tools.vault, "contact", id), "contactPhone": "+15551234567",
        "contactEmail": "jane@example.com", "contactFirstName": "Jane", "contactLastName": "Smith", "channel": "api",
    }  # fmt: skip


async def test_the_id_in_the_body_is_the_one_in_the_head(database, account):
    await choose(database, account)
    await add(database, account)

    [heard] = await told(database, account)

    [row] = await world.execute(database.dsn, "select uuid from webhook_deliveries where account_id = $1", account)
    assert heard["id"] == f"evt_{row[0].hex}"


async def test_a_tag_is_told_with_its_name(database, account):
    await choose(database, account, webhook_events="contact_tagged")
    await add(database, account, "VIP", phone="+15551234567")

    [heard] = await told(database, account)

    assert (heard["event"], heard["data"]["tag"], heard["data"]["contactPhone"]) == (
        "contact_tagged", "VIP", "+15551234567"
    )  # fmt: skip


async def test_what_somebody_writes_and_what_is_answered(database, account):
    await choose(database, account, webhook_events="new_message")
    channel = await world.simulator(database, account)
    said = await world.say(database, channel, "+15551234567", "Hello", "in-1")
    [first] = await told(database, account)
    [answer] = await world.queue(database, account, channel, ["+15551234567"], text="Hi Jane")
    async with database.tx(account) as tx:
        await apply_many(tx, [Change(answer, "sent")])

    [_, second] = await told(database, account)

    data = first["data"]
    assert (data["direction"], data["messageBody"], data["messageSid"]) == ("inbound", "Hello", "in-1")
    assert data["messageId"] == opaque.write(database.tools.vault, "message", said.message_id)
    assert data["conversationId"]
    assert (data["channel"], data["contactPhone"]) == ("sms", "+15551234567")
    assert second["data"]["direction"] == "outbound"
    assert second["data"]["messageBody"] == "Hi Jane"


@pytest.mark.parametrize(
    "reports", [("delivered", "sent"), ("unknown", "sent", "read"), ("failed", "sent", "delivered")], ids=str
)
async def test_an_answer_is_told_once_in_whatever_order_the_reports_come(database, account, reports):
    await choose(database, account, webhook_events="new_message")
    channel = await world.simulator(database, account)
    [answer] = await world.queue(database, account, channel, ["+15551234567"], text="Hi Jane")
    for status in reports:
        async with database.tx(account) as tx:
            await apply_many(tx, [Change(answer, status)])

    heard = await told(database, account)

    assert [(one["data"]["direction"], one["data"]["messageBody"]) for one in heard] == [("outbound", "Hi Jane")]


async def test_what_a_campaign_sends_is_not_told(database, account):
    await choose(database, account, webhook_events="new_message")
    channel = await world.simulator(database, account)
    [sent] = await world.queue(database, account, channel, ["+15551234567"], text="News")
    await world.execute(database.dsn, "update messages set broadcast_id = 5 where account_id = $1", account)
    async with database.tx(account) as tx:
        await apply_many(tx, [Change(sent, "sent")])

    assert await told(database, account) == []


async def test_people_were_alerted(database, account):
    await choose(database, account, webhook_events="human_alerted")
    id = await add(database, account, phone="+15551234567")
    async with database.tx(account) as tx:
        tx.record(HumanAlerted(id, 4, 1, "asked", "Let me talk to somebody"))

    [heard] = await told(database, account)

    data = heard["data"]
    assert (data["contactId"], data["reason"]) == (opaque.write(database.tools.vault, "contact", id), "asked")
    assert (data["contactPhone"], data["lastMessage"]) == ("+15551234567", "Let me talk to somebody")


async def test_a_conversation_was_summarised(database, account):
    await choose(database, account, webhook_events="conversation_summary")
    channel = await world.simulator(database, account)
    said = await world.say(database, channel, "+15551234567", "Where is my money?")
    await world.react(database)
    async with database.tx(account) as tx:
        [session] = await sessions.of_contact(tx, said.contact_id)
        tx.record(ConversationSummarised(said.contact_id, session.conversation_id, "Wants a refund."))

    [heard] = await told(database, account)

    assert (heard["event"], heard["data"]["summary"]) == ("conversation_summary", "Wants a refund.")
    assert heard["data"]["sessionId"] == opaque.write(database.tools.vault, "session", session.id)


async def test_who_went_through_a_flow_is_told_with_the_answers(database, account):
    await choose(database, account, webhook_events="flow_completed")
    id = await add(database, account, phone="+15551234567")
    run, child = str(new_uuid()), str(new_uuid())
    for uuid, parent in ((run, None), (child, run)):
        await world.execute(
            database.dsn,
            "insert into flow_runs (account_id, uuid, flow_id, contact_id, session, parent, status, results) "
            """values ($1, $2, 9, $3, $2, $4, 'completed', '{"size": {"name": "Size", "value": "XL"}}')""",
            account, uuid, id, parent,
        )  # fmt: skip
    async with database.tx(account) as tx:
        tx.record(RunsEnded([(run, 9, id, "completed"), (child, 9, id, "completed"), (run, 9, id, "expired")]))

    [heard] = await told(database, account)

    assert heard["event"] == "flow_completed"
    assert heard["data"]["flowId"] == opaque.write(database.tools.vault, "flow", 9)
    assert heard["data"]["answers"] == {"size": "XL"}


@pytest.mark.parametrize("chosen", ["", "*", "contact_tagged,*"])
async def test_without_a_choice_everything_is_told(database, account, chosen):
    await choose(database, account, webhook_events=chosen)
    await add(database, account, "VIP")

    heard = await told(database, account)

    assert sorted(one["event"] for one in heard) == ["contact_tagged", "new_contact"]


async def test_without_a_url_nothing_is_told(database, account):
    async with database.tx(account) as tx:
        await settings.put(tx, {"webhook_events": "new_contact"})
    await add(database, account)

    assert await told(database, account) == []


async def test_with_tags_only_their_contacts_are_told(database, account):
    await choose(database, account, webhook_events="human_alerted", webhook_tags="vip, Lead")
    asked = [await add(database, account, "VIP"), await add(database, account, "cold"), await add(database, account)]
    async with database.tx(account) as tx:
        for id in asked:
            tx.record(HumanAlerted(id, 4, 1, "asked", str(id)))

    heard = await told(database, account)

    assert [one["data"]["lastMessage"] for one in heard] == [str(asked[0])]


async def test_with_tags_only_those_tags_are_told(database, account):
    await choose(database, account, webhook_events="contact_tagged", webhook_tags="vip")
    await add(database, account, "VIP", "cold")

    heard = await told(database, account)

    assert [one["data"]["tag"] for one in heard] == ["VIP"]


async def test_an_import_is_told_contact_by_contact(database, account):
    await choose(database, account, webhook_events="new_contact")
    await world.contacts(database, account, [f"+1555123450{n}" for n in range(3)])

    heard = await told(database, account)

    assert len({one["data"]["contactId"] for one in heard}) == 3


async def test_other_accounts_hear_nothing(database, account, other_account):
    await choose(database, other_account)
    await add(database, account)

    assert await told(database, other_account) == []
