"""Custom channels of the connector dialect, over HTTP: out, in, and what became of it."""

import asyncio
import json

import pytest

from tests import world
from trunkline.ai import assistants, talks
from trunkline.core import opaque
from trunkline.messaging import messages

pytestmark = pytest.mark.anyio

OUT = {"fromId": "external-contact-id", "customChannel": "my-channel", "body": "Hello Jane!"}
IN = {"messageSid": "sid-1", "fromId": "external-contact-id", "toId": "your-user-id", "body": "Where is my order?"}


async def send(api, path="send_custom_channel_message", **changes):
    return await api.post(f"/{path}", json={"customData": {**OUT, **changes}})


async def receive(api, path="incoming_custom_channel_message", *, type="text", **changes):
    return await api.post(f"/{path}", json={"customData": {**IN, **changes}, "messageType": type})


async def conversation_of(api, contact_id):
    [session] = (await api.get(f"/chat-sessions/{contact_id}")).json()["data"]
    return session


@pytest.fixture
async def campaign(database, account):
    async with database.tx(account) as tx:
        return await assistants.create(tx, "Support")


@pytest.mark.parametrize("path", ["send_custom_channel_message", "send-custom-channel-message"])
async def test_a_message_is_sent(api, channel, path):
    answer = await send(api, path)

    body = answer.json()
    [said] = (await api.get(f"/contacts/{body['contactId']}/messages")).json()["messages"]
    assert answer.status_code == 200
    assert (body["success"], body["status"]) == (True, "queued")
    assert (said["id"], said["body"], said["direction"], said["channel"]) == (
        body["messageId"],
        "Hello Jane!",
        "outbound",
        "custom",
    )


async def test_the_recipient_becomes_a_contact(api, channel):
    await send(api, firstName="Jane", lastName="Smith", email="jane@example.com")

    found = (await api.get("/contacts", params={"email": "jane@example.com"})).json()
    assert (found["firstName"], found["lastName"]) == ("Jane", "Smith")


async def test_one_known_by_that_id_stays_as_they_are(api, channel):
    created = await api.post("/contacts", json={"firstName": "Jane", "phone": "+15551234567", "externalId": "crm-1"})

    answer = await send(api, fromId="crm-1", firstName="Eve", email="eve@example.com")

    found = (await api.get("/contacts", params={"phoneNumber": "+15551234567"})).json()
    assert answer.json()["contactId"] == created.json()["id"]
    assert (found["firstName"], found["email"]) == ("Jane", None)


async def test_an_email_of_somebody_else_is_not_taken_from_them(api, channel, jane, outside):
    answer = await send(api, firstName="Eve", email="jane@example.com")

    assert answer.status_code == 200
    assert answer.json()["contactId"] != outside("contact", jane.id)


async def test_a_number_serves_as_an_id(api, channel):
    answers = [await send(api, fromId=17), await send(api, fromId="17")]

    assert len({answer.json()["contactId"] for answer in answers}) == 1


async def test_a_message_belongs_to_its_campaign(api, channel, campaign, database, account, outside):
    answer = await send(api, campaignId=outside("campaign", campaign.id))

    async with database.tx(account) as tx:
        id = opaque.read(database.tools.vault, "message", answer.json()["messageId"])
        conversation = (await messages.get(tx, id)).conversation_id
        assert await talks.present(tx, [conversation]) == {conversation: campaign.id}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"customChannel": "nowhere"}, "CHANNEL_NOT_FOUND"),
        ({"campaignId": "optional-campaign-id"}, "CAMPAIGN_NOT_FOUND"),
        ({"campaignId": "4UYbrhSNX2vQwJzLkF6d"}, "CAMPAIGN_NOT_FOUND"),
    ],
)
async def test_a_message_that_leads_nowhere_is_refused(api, channel, changes, code):
    answer = await send(api, **changes)

    assert (answer.status_code, answer.json()["error"]["code"]) == (404, code)


async def test_whatever_belongs_to_others_does_not_exist(
    api, channel, custom_channel, database, other_account, outside
):
    await custom_channel(other_account, "theirs")
    async with database.tx(other_account) as tx:
        foreign = await assistants.create(tx, "Theirs")

    by_channel = await send(api, customChannel="theirs")
    by_campaign = await send(api, campaignId=outside("campaign", foreign.id))
    heard = await receive(api, campaignId=outside("campaign", foreign.id))

    assert by_channel.json()["error"]["code"] == "CHANNEL_NOT_FOUND"
    assert by_campaign.json()["error"]["code"] == heard.json()["error"]["code"] == "CAMPAIGN_NOT_FOUND"
    assert (await api.get("/chat-sessions/recent?hours=1")).json()["data"] == []


async def test_nobody_who_wants_no_messages_gets_one(api, channel):
    created = await api.post(
        "/contacts", json={"email": "j@example.com", "externalId": "crm-1", "do_not_disturb": True}
    )

    answer = await send(api, fromId="crm-1")

    assert created.status_code == 201
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "RECIPIENT_OPTED_OUT")


@pytest.mark.parametrize("path", ["incoming_custom_channel_message", "incoming-custom-channel-message"])
async def test_a_message_is_received(api, channel, database, path):
    answer = await receive(api, path, firstName="Jane", email="jane@example.com")
    await world.react(database)

    body = answer.json()
    session = await conversation_of(api, body["contactId"])
    [said] = (await api.get(f"/contacts/messages/{body['contactId']}")).json()["messages"]
    assert answer.status_code == 200
    assert set(body) == {"success", "messageId", "contactId"}
    assert (said["messageSid"], said["body"], said["direction"]) == ("sid-1", IN["body"], "inbound")
    assert (session["status"], session["channel"], session["messageCount"]) == ("open", "custom", 1)


async def test_a_form_says_the_same(api, channel):
    fields = {f"customData[{name}]": value for name, value in IN.items()}

    answer = await api.post("/incoming_custom_channel_message", data={**fields, "messageType": "text"})

    [said] = (await api.get(f"/contacts/messages/{answer.json()['contactId']}")).json()["messages"]
    assert (said["messageSid"], said["body"]) == ("sid-1", IN["body"])


async def test_id_stands_in_for_the_sid(api, channel):
    first = await receive(api)

    again = await receive(api, messageSid=None, id="sid-1")

    assert again.json() == {**first.json(), "duplicate": True}


async def test_the_channel_is_found_by_its_address(api, channel, custom_channel, account):
    await custom_channel(account, "second", "other-id")

    answers = [
        await receive(api, messageSid="a", fromId="x"),
        await receive(api, messageSid="a", fromId="x", toId="other-id"),
        await receive(api, messageSid="a", fromId="x", toId="whoever", customChannel="second"),
        await receive(api, messageSid="a", fromId="x", toId="whoever"),
    ]

    assert ["duplicate" in answer.json() for answer in answers] == [False, False, True, True]
    assert answers[2].json()["messageId"] == answers[1].json()["messageId"]
    assert answers[3].json()["messageId"] == answers[0].json()["messageId"]


async def test_without_a_custom_channel_nothing_comes_in(api):
    answer = await receive(api)

    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "CHANNEL_NOT_FOUND")


async def test_a_repeat_is_told_and_changes_nothing(api, channel):
    first = await receive(api)

    again = await receive(api, body="Something else", fromId="somebody-else")

    said = (await api.get(f"/contacts/messages/{first.json()['contactId']}")).json()["messages"]
    assert again.status_code == 200
    assert again.json() == {**first.json(), "duplicate": True}
    assert [message["body"] for message in said] == [IN["body"]]


async def test_many_copies_at_once_make_one_message(api, channel):
    answers = await asyncio.gather(*(receive(api) for _ in range(16)))

    bodies = [answer.json() for answer in answers]
    assert len({body["messageId"] for body in bodies}) == 1
    assert len({body["contactId"] for body in bodies}) == 1
    assert sum("duplicate" in body for body in bodies) == 15


async def test_a_campaign_is_asked_for_the_answer(api, channel, campaign, database, account, outside):
    answer = await receive(api, campaignId=outside("campaign", campaign.id))
    await world.react(database)

    async with database.tx(account) as tx:
        id = opaque.read(database.tools.vault, "message", answer.json()["messageId"])
        conversation = (await messages.get(tx, id)).conversation_id
        assert await talks.present(tx, [conversation]) == {conversation: campaign.id}


async def test_the_campaigns_of_a_contact_are_told(api, channel, campaign, outside):
    id = outside("campaign", campaign.id)
    created = await api.post("/contacts", json={"email": "eve@example.com", "externalId": "crm-1"})

    await send(api, fromId="crm-1", campaignId=id)

    found = (await api.get("/contacts?email=eve@example.com")).json()["contact"]
    assert found["id"] == created.json()["id"]
    assert found["currentCampaign"] == {"id": id, "name": "Support"}
    assert (found["campaigns"], found["channel"]) == ([{"id": id, "name": "Support"}], "custom")


async def test_a_reaction_belongs_to_what_was_sent_last(api, channel, campaign, database, outside):
    sent = await send(api, campaignId=outside("campaign", campaign.id))

    answer = await receive(api, type="reaction", body="👍")
    await world.react(database)

    id = opaque.read(database.tools.vault, "message", answer.json()["messageId"])
    row = await world.message(database, id)
    turns = await world.execute(
        database.dsn, "select waiting_since from assistant_talks where conversation_id = $1", row["conversation_id"]
    )
    said = (await api.get(f"/contacts/messages/{answer.json()['contactId']}")).json()["messages"]
    assert outside("message", json.loads(row["metadata"])["reaction_to"]) == sent.json()["messageId"]
    assert [turn["waiting_since"] for turn in turns] == [None]
    assert [message["type"] for message in said] == ["reaction", "text"]


async def test_a_reaction_to_nothing_is_kept(api, channel):
    answer = await receive(api, type="reaction", body="👍")

    assert answer.status_code == 200
