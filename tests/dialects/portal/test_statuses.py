"""What became of messages, as the portal dialect tells it."""

import pytest

from trunkline.messaging import statuses
from trunkline.messaging.statuses import Change

pytestmark = pytest.mark.anyio

PHONE = "+40740111222"


async def test_a_status_tells_what_became_of_it(api, sms, database, account):
    sent = await api.post("/messages/send", json={"channel": "sms", "to": PHONE, "body": "Hi"})
    id = sent.json()["data"]["id"]
    async with database.tx(account) as tx:
        await statuses.apply_many(tx, [Change(id, "delivered")])

    answer = await api.get(f"/messages/{id}/status")

    told = answer.json()["data"]
    assert (told["id"], told["channel"], told["to"], told["status"]) == (id, "sms", PHONE, "delivered")
    assert (told["error"], told["segments"], told["credits"], told["read_at"]) == (None, 1, 0, None)
    assert all(told[name].endswith("Z") for name in ("queued_at", "sent_at", "delivered_at"))


async def test_a_failure_has_its_error(api, sms, database, account):
    sent = await api.post("/messages/send", json={"channel": "sms", "to": PHONE, "body": "Hi"})
    id = sent.json()["data"]["id"]
    change = Change(id, "failed", reason="rejected", error="No such number.", provider_code="30005")
    async with database.tx(account) as tx:
        await statuses.apply_many(tx, [change])

    told = (await api.get(f"/messages/{id}/status")).json()["data"]

    assert told["status"] == "failed"
    assert told["error"] == {"code": "rejected", "message": "No such number.", "provider_code": "30005"}
    assert told["failed_at"].endswith("Z")


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        ("sending", "queued"), ("errored", "queued"), ("unknown", "unknown"), ("sent", "sent"), ("read", "read"),
        ("canceled", "canceled"), ("received", "received"), ("handled", "received"),
    ],
)  # fmt: skip
async def test_states_are_told_in_the_dialects_words(api, sms, connection, account, stored, shown):
    sent = await api.post("/messages/send", json={"channel": "sms", "to": PHONE, "body": "Hi"})
    id = sent.json()["data"]["id"]
    await connection.execute("update messages set status = $2 where account_id = $3 and id = $1", id, stored, account)

    told = (await api.get(f"/messages/{id}/status")).json()["data"]

    assert told["status"] == shown


async def test_many_statuses_keep_the_order_of_the_request(api, sms):
    recipients = [{"to": PHONE}, {"to": "+40740333444"}]
    batch = await api.post("/messages/send-batch", json={"channel": "sms", "body": "Hi", "recipients": recipients})
    first, second = (message["id"] for message in batch.json()["data"]["messages"])

    answer = await api.post(
        "/messages/batch-status", json={"message_ids": [second, 2**62, first, second, -1, 2**64, 2**62]}
    )

    assert answer.status_code == 200
    assert [told["id"] for told in answer.json()["data"]] == [second, first]
    assert answer.json()["meta"] == {"not_found": [2**62, -1, 2**64]}


async def test_foreign_messages_are_unknown(api, sms, new_key, other_account):
    sent = await api.post("/messages/send", json={"channel": "sms", "to": PHONE, "body": "Hi"})
    id = sent.json()["data"]["id"]
    theirs = {"x-api-key": await new_key("portal", account=other_account)}

    one = await api.get(f"/messages/{id}/status", headers=theirs)
    many = await api.post("/messages/batch-status", json={"message_ids": [id]}, headers=theirs)

    assert (one.status_code, one.json()) == (404, {"message": "Message not found.", "code": "not_found"})
    assert many.json() == {"data": [], "meta": {"not_found": [id]}}
