"""Calls by the portal dialect: asked for, followed, refused."""

import json

import pytest

from tests import world
from trunkline.contacts import consents, people
from trunkline.core.urns import Urn
from trunkline.messaging import channels, messages, sending
from trunkline.messaging.carrier import outbox

pytestmark = pytest.mark.anyio

PHONE = "+40740111222"
CALL = {"to": PHONE, "message": "Hello, this is a reminder for your appointment tomorrow."}
URL = "https://example.com/call-status"
EVENTS = ["message.queued", "message.sent", "message.delivered", "call.initiated", "call.answered", "call.completed"]


@pytest.fixture
async def voice(database, account):
    return await world.simulator(database, account, **{"as": "voice"})


async def told(database, account: int) -> list[dict]:
    await world.react(database)
    rows = await world.execute(
        database.dsn, "select body from webhook_deliveries where account_id = $1 order by id", account
    )
    return [json.loads(row[0]) for row in rows]


async def test_a_call_is_a_message_that_is_spoken(api, voice, database, account):
    id = (await api.post("/calls/initiate", json=CALL)).json()["data"]["id"]

    async with database.tx(account) as tx:
        found = await messages.get(tx, id)
    assert (found.kind, found.text, found.channel, found.address) == ("call", CALL["message"], "voice", PHONE)


async def test_the_answer_holds_what_was_promised(api, voice):
    answer = await api.post("/calls/initiate", json=CALL)

    data = answer.json()["data"]
    assert answer.status_code == 202
    assert (data["status"], data["to"], data["integration_id"], data["credits"]) == ("queued", PHONE, voice.id, 0)
    assert isinstance(data["id"], int)
    assert data["created_at"].endswith("Z")


async def test_a_call_is_spoken_and_told_step_by_step(api, voice, database, account):
    id = (await api.post("/calls/initiate", json={**CALL, "webhook_url": URL})).json()["data"]["id"]

    await world.deliver(database, account)

    call = (await api.get(f"/calls/{id}")).json()["data"]
    async with database.tx(account) as tx:
        [heard] = await outbox(tx, voice.id)
    steps = ["initiated", "ringing", "in_progress", "completed"]
    assert (call["status"], call["error"], call["duration_seconds"]) == ("completed", None, 4)
    assert [step["status"] for step in call["timeline"]] == ["queued", *steps]
    assert (heard.to, heard.text) == (PHONE, CALL["message"])
    events = await told(database, account)
    assert [event["type"] for event in events] == [
        "call.initiated", "call.ringing", "call.answered", "call.completed"
    ]  # fmt: skip
    assert [event["data"]["status"] for event in events] == steps
    assert set(events[-1]["data"]) == {"id", "to", "status", "contact_id", "duration_seconds", "error", "at"}
    assert (events[-1]["data"]["id"], events[-1]["data"]["to"]) == (id, PHONE)


@pytest.mark.parametrize(("answer", "words"), [("busy", "The line was busy."), ("no_answer", "Nobody picked up.")])
async def test_a_call_that_reaches_nobody(api, database, account, answer, words):
    await world.simulator(database, account, **{"as": "voice", "answer": answer})
    id = (await api.post("/calls/initiate", json={**CALL, "webhook_url": URL})).json()["data"]["id"]

    await world.deliver(database, account)

    call = (await api.get(f"/calls/{id}")).json()["data"]
    assert call["status"] == answer
    assert call["error"] == {"code": answer, "message": words, "provider_code": None}
    events = await told(database, account)
    assert [event["type"] for event in events] == ["call.initiated", "call.ringing", f"call.{answer}"]
    assert (await world.message(database, id))["status"] == "failed"


async def test_an_endpoint_of_the_account_hears_of_calls_and_of_no_messages(api, voice, database, account):
    await api.post("/webhooks", json={"url": "https://example.com/hook", "events": EVENTS})
    await api.post("/calls/initiate", json=CALL)

    await world.deliver(database, account)

    events = await told(database, account)
    assert [event["type"] for event in events] == EVENTS[3:]


async def test_a_repeated_request_calls_once(api, voice, database, account):
    key = {"idempotency-key": "reminder-1"}

    first = await api.post("/calls/initiate", json=CALL, headers=key)
    again = await api.post("/calls/initiate", json=CALL, headers=key)

    await world.deliver(database, account)
    async with database.tx(account) as tx:
        assert len(await outbox(tx, voice.id)) == 1
    assert first.json() == again.json()
    assert again.headers["idempotent-replayed"] == "true"


async def test_without_a_voice_channel_there_is_no_route(api, sms):
    answer = await api.post("/calls/initiate", json=CALL)

    assert (answer.status_code, answer.json()["code"]) == (422, "no_route")


async def test_an_integration_of_another_channel(api, sms, voice):
    answer = await api.post("/calls/initiate", json={**CALL, "integration_id": sms.id})

    assert (answer.status_code, answer.json()["code"]) == (422, "integration_channel_mismatch")


async def test_the_operators_channel_is_paid_by_credits(api, database, connection, account):
    channel = await world.simulator(database, channels.POOL, **{"as": "voice"})
    try:
        poor = await api.post("/calls/initiate", json=CALL)
        await world.grant(database, account, 5)
        paid = await api.post("/calls/initiate", json=CALL)
        await world.deliver(database, account)
    finally:
        await connection.execute("update channels set deleted_at = now() where id = $1", channel.id)

    assert (poor.status_code, poor.json()["code"]) == (402, "insufficient_credits")
    assert paid.json()["data"]["credits"] == 1
    call = (await api.get(f"/calls/{paid.json()['data']['id']}")).json()["data"]
    assert call["status"] == "completed"


async def test_who_opted_out_is_not_called(api, voice, database, account):
    async with database.tx(account) as tx:
        await consents.opt_out(tx, "voice", PHONE, "api")

    answer = await api.post("/calls/initiate", json=CALL)

    assert (answer.status_code, answer.json()["code"]) == (422, "recipient_opted_out")
    assert answer.json()["errors"]["to"]


async def test_who_is_blocked_is_not_called(api, voice, database, account, connection):
    async with database.tx(account) as tx:
        [(contact, _)] = await people.get_or_create(tx, [Urn("tel", PHONE)])
    await connection.execute("update contacts set status = 'blocked' where id = $1", contact)

    answer = await api.post("/calls/initiate", json=CALL)

    assert (answer.status_code, answer.json()["code"]) == (422, "recipient_opted_out")


async def test_who_opts_out_while_the_call_waits_is_not_called(api, voice, database, account):
    id = (await api.post("/calls/initiate", json={**CALL, "webhook_url": URL})).json()["data"]["id"]
    async with database.tx(account) as tx:
        await consents.opt_out(tx, "voice", PHONE, "api")
        await sending.cancel_for_address(tx, "voice", PHONE)

    await world.deliver(database, account)
    events = await told(database, account)

    call = (await api.get(f"/calls/{id}")).json()["data"]
    assert (call["status"], call["error"]["code"]) == ("canceled", "suppressed")
    assert [(event["type"], event["data"]["status"]) for event in events] == [("call.failed", "canceled")]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"to": None}, "to"),
        ({"to": "client@example.com"}, "to"),
        ({"to": "112"}, "to"),
        ({"to": "+40112"}, "to"),
        ({"to": "+1911"}, "to"),
        ({"to": "+40900123456"}, "to"),
        ({"to": "+19005551234"}, "to"),
        ({"message": None}, "message"),
        ({"message": ""}, "message"),
        ({"message": "  \n"}, "message"),
        ({"message": "x" * 4_001}, "message"),
        ({"message": "x" * 100_000}, "message"),
        ({"message": '<speak><audio src="https://example.com/a.wav"/></speak>'}, "message"),
        ({"message": 'Hi <break time="9999s"/>'}, "message"),
        ({"webhook_url": "http://example.com/x"}, "webhook_url"),
        ({"webhook_url": "https://10.0.0.1/x"}, "webhook_url"),
        ({"webhook_url": "https://169.254.169.254/latest"}, "webhook_url"),
        ({"webhook_url": "https://[::ffff:10.0.0.1]/x"}, "webhook_url"),
        ({"webhook_url": "https://db.internal/x"}, "webhook_url"),
        ({"webhook_url": "https://a:b@example.com/x"}, "webhook_url"),
        ({"webhook_url": "ftp://example.com/x"}, "webhook_url"),
        ({"voice": "../../etc/passwd"}, "voice"),
        ({"voice": "-w/tmp/x"}, "voice"),
        ({"language": "en us"}, "language"),
        ({"from": "+40999999999"}, "from"),
        ({"integration_id": 0}, "integration_id"),
        ({"integration_id": "1"}, "integration_id"),
    ],
    ids=lambda value: json.dumps(value)[:50] if isinstance(value, dict) else value,
)
async def test_a_call_that_makes_no_sense_is_refused(api, voice, connection, account, change, field):
    answer = await api.post("/calls/initiate", json={**CALL, **change})

    assert answer.status_code == 422, answer.text
    assert list(answer.json()["errors"]) == [field]
    assert await connection.fetchval("select count(*) from messages where account_id = $1", account) == 0


async def test_a_caller_shows_its_own_number(api, voice):
    answer = await api.post("/calls/initiate", json={**CALL, "from": "+40 700 000 000"})

    assert answer.status_code == 202


async def test_a_message_of_4000_characters_and_angles_is_taken(api, voice):
    answer = await api.post("/calls/initiate", json={**CALL, "message": "a < b. " + "x" * 3_993})

    assert answer.status_code == 202


async def test_a_key_needs_the_scopes(anybody, new_key, voice):
    anybody.headers["x-api-key"] = await new_key("portal", scopes=["read"])
    refused = await anybody.post("/calls/initiate", json=CALL)
    anybody.headers["x-api-key"] = await new_key("portal", scopes=["send"])
    sent = await anybody.post("/calls/initiate", json=CALL)
    unseen = await anybody.get(f"/calls/{sent.json()['data']['id']}")

    assert (refused.status_code, sent.status_code, unseen.status_code) == (403, 202, 403)


async def test_calls_of_others_are_not_found(api, anybody, new_key, voice, other_account):
    id = (await api.post("/calls/initiate", json=CALL)).json()["data"]["id"]
    unknown = await api.get("/calls/999999999")
    anybody.headers["x-api-key"] = await new_key("portal", account=other_account)
    foreign = await anybody.get(f"/calls/{id}")

    assert (unknown.status_code, foreign.status_code) == (404, 404)
    assert unknown.json() == foreign.json()


async def test_the_onboarding_shows_how_to_call(api, voice):
    data = (await api.get("/onboarding")).json()["data"]
    [example] = [one for one in data["examples"] if one["path"].endswith("/calls/initiate")]

    answer = await api.request(example["method"], "/calls/initiate", json=example["body"])

    assert data["defaults"]["voice"] == {"integration_id": voice.id}
    assert answer.status_code == 202
