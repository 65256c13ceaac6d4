"""The URL that comes along with a message is told what becomes of it, and of nothing else."""

import json

import pytest

from tests import world
from trunkline.messaging import told as messages
from trunkline.messaging.statuses import Change, apply_many

pytestmark = pytest.mark.anyio

PHONE = "+40740111222"
URL = "https://example.com/status?order=5"


async def send(api, **more) -> int:
    answer = await api.post("/messages/send", json={"channel": "sms", "to": PHONE, "body": "Hi", **more})
    assert answer.status_code == 202, answer.text
    return answer.json()["data"]["id"]


async def become(database, account: int, *changes: Change) -> None:
    async with database.tx(account) as tx:
        await apply_many(tx, list(changes))


async def told(database, account: int) -> list[tuple[str | None, dict]]:
    await world.react(database)
    rows = await world.execute(
        database.dsn, "select url, body from webhook_deliveries where account_id = $1 order by id", account
    )
    return [(row[0], json.loads(row[1])) for row in rows]


async def test_statuses_are_told_in_the_envelope_of_webhooks(api, sms, reminder, database, account):
    named = {"body": None, "template_key": "appointment_reminder", "variables": {"name": "Ana", "date": "May"}}
    id = await send(api, callback_url=URL, **named)
    for status in ("sent", "delivered", "read"):
        await become(database, account, Change(id, status))

    heard = await told(database, account)

    assert {url for url, _ in heard} == {URL}
    assert [one["type"] for _, one in heard] == ["message.queued", "message.sent", "message.delivered", "message.read"]
    data = heard[2][1]["data"]
    data.pop("at")
    contact = data.pop("contact_id")
    assert contact > 0
    assert data == {
        "id": id, "channel": "sms", "to": PHONE, "status": "delivered", "template_key": "appointment_reminder",
        "batch_id": None, "campaign_id": None, "error": None, "segments": 1, "credits": 0,
    }  # fmt: skip


async def test_failures_say_why(api, sms, database, account):
    id = await send(api, callback_url=URL)
    await become(database, account, Change(id, "failed", reason="rejected", error="No.", provider_code="21"))

    [_, (_, failed)] = await told(database, account)

    assert failed["type"] == "message.failed"
    assert failed["data"]["error"] == {"code": "rejected", "message": "No.", "provider_code": "21"}


async def test_messages_without_one_are_not_told(api, sms, database, account):
    quiet, loud = await send(api), await send(api, callback_url=URL)
    await become(database, account, Change(quiet, "sent"), Change(loud, "sent"))

    heard = await told(database, account)

    assert [one["data"]["id"] for _, one in heard] == [loud, loud]


async def test_every_message_of_a_batch_is_told(api, sms, database, account):
    body = {"channel": "sms", "body": "Hi", "recipients": [{"to": PHONE}, {"to": "+40740111333"}], "callback_url": URL}
    answer = await api.post("/messages/send-batch", json=body)

    heard = await told(database, account)

    ids = [row["id"] for row in answer.json()["data"]["messages"]]
    assert [one["data"]["id"] for _, one in heard] == ids
    assert {url for url, _ in heard} == {URL}


async def test_registered_webhooks_hear_of_it_too(api, sms, database, account):
    await api.post("/webhooks", json={"url": "https://example.com/all", "events": ["message.sent"]})
    id = await send(api, callback_url=URL)
    await become(database, account, Change(id, "sent"))

    heard = await told(database, account)

    assert sorted((url or "", one["type"]) for url, one in heard) == [
        ("", "message.sent"), (URL, "message.queued"), (URL, "message.sent")
    ]  # fmt: skip


async def test_a_url_in_the_metadata_is_only_metadata(api, sms, database, account):
    await send(api, metadata={"callback_url": URL})

    assert await told(database, account) == []


async def test_nothing_is_read_where_no_message_named_one(api, sms, database, account, monkeypatch):
    read = []

    async def watched(tx, ids):
        read.append(ids)
        return {}

    monkeypatch.setattr(messages, "callbacks", watched)
    id = await send(api)
    await become(database, account, Change(id, "sent"))

    await world.react(database)

    assert read == []


async def test_calls_back_to_private_addresses_are_refused_at_once(api, sms):
    body = {"channel": "sms", "to": PHONE, "body": "Hi", "callback_url": "https://10.0.0.1/status"}

    answer = await api.post("/messages/send", json=body)

    assert (answer.status_code, list(answer.json()["errors"])) == (422, ["callback_url"])
