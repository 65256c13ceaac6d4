"""Chat sessions and summaries of the connector dialect, over HTTP."""

import pytest

from tests import world
from trunkline.inbox import changes, conversations
from trunkline.inbox.changes import Changes

pytestmark = pytest.mark.anyio


async def write(api, sid, sender="visitor-1", text="Hello"):
    data = {"messageSid": sid, "fromId": sender, "toId": "your-user-id", "body": text}
    answer = await api.post("/incoming_custom_channel_message", json={"customData": data})
    return answer.json()["contactId"]


async def turn(database, account, status):
    [row] = await world.execute(database.dsn, "select id from conversations where account_id = $1", account)
    async with database.tx(account) as tx:
        await changes.update(tx, row["id"], Changes(status=status))
    return row["id"]


async def test_a_session_goes_from_opening_to_closing(api, channel, database, account, outside):
    contact = await write(api, "a")
    await world.react(database)
    await turn(database, account, "closed")
    await write(api, "b")
    await write(api, "c")
    await world.react(database)

    [second, first] = (await api.get(f"/chat-sessions/{contact}")).json()["data"]

    assert first.pop("startedAt") <= first.pop("endedAt") <= second.pop("startedAt")
    assert (first["status"], first["messageCount"]) == ("closed", 1)
    assert second.pop("id") != first["id"]
    assert second == {
        "contactId": contact,
        "status": "open",
        "channel": "custom",
        "endedAt": None,
        "messageCount": 2,
        "summary": None,
    }


async def test_snoozing_ends_nothing(api, channel, database, account):
    contact = await write(api, "a")
    await world.react(database)
    await turn(database, account, "pending")

    [session] = (await api.get(f"/chat-sessions/{contact}")).json()["data"]

    assert session["status"] == "open"


async def test_a_deleted_conversation_is_gone(api, channel, database, account):
    contact = await write(api, "a")
    await world.react(database)
    id = await turn(database, account, "open")
    async with database.tx(account) as tx:
        await conversations.delete(tx, id)

    answers = [await api.get(f"/chat-sessions/{contact}"), await api.get("/chat-sessions/recent?hours=1")]

    assert [answer.json()["data"] for answer in answers] == [[], []]


async def test_recent_sessions_with_their_messages(api, channel, database, account):
    await write(api, "a", "visitor-1", "First")
    await world.react(database)
    await turn(database, account, "closed")
    await write(api, "b", "visitor-2", "Second")
    await world.react(database)

    told = (await api.get("/chat-sessions/recent?hours=1&includeMessages=true")).json()

    assert told["success"] is True
    assert [(each["status"], [said["body"] for said in each["messages"]]) for each in told["data"]] == [
        ("open", ["Second"]),
        ("closed", ["First"]),
    ]


@pytest.mark.parametrize(("query", "found"), [("status=open", 1), ("status=closed", 0), ("limit=1", 1)])
async def test_sessions_are_chosen(api, channel, database, query, found):
    contact = await write(api, "a")
    await world.react(database)

    answers = [
        await api.get(f"/chat-sessions/{contact}?{query}"),
        await api.get(f"/chat-sessions/recent?hours=1&{query}"),
    ]

    assert [len(answer.json()["data"]) for answer in answers] == [found, found]


async def test_what_is_long_ago_is_not_recent(api, channel, database, account):
    await write(api, "a")
    await world.react(database)
    await world.execute(
        database.dsn,
        "update conversations set last_message_at = now() - interval '2 hours' where account_id = $1",
        account,
    )

    answers = [await api.get(f"/chat-sessions/recent?hours={hours}") for hours in (1, 3)]

    assert [len(answer.json()["data"]) for answer in answers] == [0, 1]


@pytest.mark.parametrize("query", ["", "hours=0", "hours=x", "hours=1&status=banana", "hours=1&limit=0", "hours=99999"])
async def test_a_question_that_makes_no_sense_is_refused(api, query):
    answer = await api.get(f"/chat-sessions/recent?{query}")

    assert answer.status_code == 400
    assert answer.json()["error"]["code"] in ("MISSING_FIELD", "INVALID_FIELD")


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_summary_is_written(api, channel, database, account, method):
    contact = await write(api, "a", text="My parcel is lost. It was sent on Monday.")
    await world.react(database)
    await api.put(f"/contacts/{contact}", json={"email": "jane@example.com"})

    answer = await api.request(method, "/summaries", params={"email": "jane@example.com"})

    await world.react(database)
    [session] = (await api.get(f"/chat-sessions/{contact}")).json()["data"]
    assert answer.json() == {"message": "The summary is being written", "success": True}
    assert "My parcel is lost." in session["summary"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 400, "MISSING_FIELD"),
        ({"phoneNumber": "+15551234567", "email": "jane@example.com"}, 400, "MISSING_FIELD"),
        ({"phoneNumber": "5551234567"}, 404, "CONTACT_NOT_FOUND"),
        ({"phoneNumber": "+1"}, 400, "INVALID_PHONE"),
        ({"email": "jane"}, 400, "INVALID_EMAIL"),
        ({"email": "nobody@example.com"}, 404, "CONTACT_NOT_FOUND"),
    ],
)
async def test_a_summary_of_nobody_is_refused(api, body, status, code):
    answer = await api.post("/summaries", json=body)

    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
