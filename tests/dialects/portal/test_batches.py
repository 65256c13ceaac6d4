"""Sending to many at once by the portal dialect."""

import asyncio

import pytest

from tests import world
from trunkline.contacts import consents
from trunkline.core.db import Tx
from trunkline.messaging import messages

pytestmark = pytest.mark.anyio

PHONE = "+40740111222"


async def test_a_batch_is_accepted_in_order(api, sms, reminder, database, account):
    recipients = [
        {"to": PHONE, "variables": {"name": "Ana"}},
        {"to": "+40740333444", "variables": {"name": "Mihai", "date": "Friday"}},
    ]
    body = {"channel": "sms", "template_key": "appointment_reminder", "variables": {"date": "Monday"}}

    answer = await api.post("/messages/send-batch", json={**body, "recipients": recipients})

    told = answer.json()["data"]
    assert answer.status_code == 202
    assert told["batch_id"].startswith("b_")
    assert (told["accepted"], told["rejected"]) == (2, 0)
    assert [(m["index"], m["to"], m["status"]) for m in told["messages"]] == [
        (0, PHONE, "queued"),
        (1, "+40740333444", "queued"),
    ]
    async with database.tx(account) as tx:
        said = await messages.get_many(tx, [m["id"] for m in told["messages"]])
    assert [m.text for m in said] == ["Hello Ana, see you on Monday.", "Hello Mihai, see you on Friday."]
    assert {m.batch for m in said} == {told["batch_id"]}


async def test_bad_recipients_of_a_batch_are_told_one_by_one(api, sms, database, account):
    async with database.tx(account) as tx:
        await consents.opt_out(tx, "sms", "+40740333444", "keyword")
    recipients = [
        {"to": PHONE, "variables": {"name": "Ana"}},
        {"to": "+40 740 111 222", "variables": {"name": "Ana"}},
        {"to": "12", "variables": {"name": "Ana"}},
        {"to": "+40740555666"},
        {"to": "+40740777888", "variables": {"name": []}},
        {"to": "+40740333444", "variables": {"name": "Ana"}},
    ]

    answer = await api.post(
        "/messages/send-batch", json={"channel": "sms", "body": "Hi {{name}}", "recipients": recipients}
    )

    told = answer.json()["data"]
    assert (answer.status_code, told["accepted"], told["rejected"]) == (202, 1, 5)
    assert [message.get("error", {}).get("code") for message in told["messages"]] == [
        None, "duplicate_recipient", "invalid_recipient", "missing_variables", "invalid_variables",
        "recipient_opted_out",
    ]  # fmt: skip
    assert [message["status"] for message in told["messages"]] == ["queued"] + ["rejected"] * 5
    assert all("id" not in message for message in told["messages"][1:])


async def test_a_batch_of_only_bad_recipients_is_refused(api, sms):
    recipients = [{"to": "12"}, {"to": "x@example.com"}]

    answer = await api.post("/messages/send-batch", json={"channel": "sms", "body": "Hi", "recipients": recipients})

    assert answer.status_code == 422
    assert list(answer.json()["errors"]) == ["recipients.0.to", "recipients.1.to"]


async def test_free_text_of_a_batch_reaches_on_whatsapp_those_who_wrote_lately(api, whatsapp, database):
    await world.say(database, whatsapp, "40740111222", "Hello")
    recipients = [{"to": PHONE}, {"to": "+40740333444"}]

    answer = await api.post(
        "/messages/send-batch", json={"channel": "whatsapp", "body": "Hi", "recipients": recipients}
    )

    told = answer.json()["data"]
    assert (answer.status_code, told["accepted"], told["rejected"]) == (202, 1, 1)
    assert told["messages"][1]["error"]["code"] == "template_required"


@pytest.mark.parametrize("count", [0, 501])
async def test_a_batch_has_1_to_500_recipients(api, sms, count):
    recipients = [{"to": f"+4074{n:07d}"} for n in range(count)]

    answer = await api.post("/messages/send-batch", json={"channel": "sms", "body": "Hi", "recipients": recipients})

    assert (answer.status_code, list(answer.json()["errors"])) == (422, ["recipients"])


async def test_a_batch_that_cannot_be_paid_queues_nothing(api, sms, database, account, connection):
    await connection.execute("update accounts set metered = true where id = $1", account)
    await connection.execute("insert into balances (account_id, available) values ($1, 9)", account)
    recipients = [{"to": f"+4074{n:07d}"} for n in range(10)]
    body = {"channel": "sms", "body": "Hi"}

    refused = await api.post("/messages/send-batch", json={**body, "recipients": recipients})
    paid = await api.post("/messages/send-batch", json={**body, "recipients": recipients[:9]})

    left = await connection.fetchrow("select available, reserved from balances where account_id = $1", account)
    assert (refused.status_code, refused.json()["code"]) == (402, "insufficient_credits")
    assert (paid.status_code, tuple(left)) == (202, (0, 9))
    assert await connection.fetchval("select count(*) from messages where account_id = $1", account) == 9


async def test_five_hundred_take_a_handful_of_statements(api, sms, database, monkeypatch):
    ran = []
    run = Tx._run
    monkeypatch.setattr(
        Tx, "_run", lambda tx, method, statement, args: ran.append(statement) or run(tx, method, statement, args)
    )
    recipients = [{"to": f"+4074{n:07d}", "variables": {"name": str(n)}} for n in range(500)]

    answer = await api.post(
        "/messages/send-batch", json={"channel": "sms", "body": "Hi {{name}}", "recipients": recipients}
    )

    assert answer.json()["data"]["accepted"] == 500
    assert len(ran) < 20


async def test_equal_batches_at_once_make_each_contact_once(api, sms, whatsapp, update, connection, account):
    recipients = [{"to": f"+4074{n:07d}", "variables": {"order": "A12"}} for n in range(50)]
    by_sms = {"channel": "sms", "body": "Hi", "recipients": recipients}
    by_whatsapp = {"channel": "whatsapp", "template_key": "delivery_update", "recipients": recipients}
    bodies = [by_sms, by_whatsapp] * 4

    answers = await asyncio.gather(*(api.post("/messages/send-batch", json=body) for body in bodies))

    assert {answer.status_code for answer in answers} == {202}
    assert await connection.fetchval("select count(*) from contacts where account_id = $1", account) == 50
    assert await connection.fetchval("select count(*) from urns where account_id = $1", account) == 100
