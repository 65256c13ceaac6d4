"""Sending one message by the portal dialect."""

from datetime import timedelta

import pytest

from tests import world
from trunkline.contacts import consents, people, urns
from trunkline.core import clock
from trunkline.core.urns import Urn
from trunkline.messaging import messages

pytestmark = pytest.mark.anyio

PHONE = "+40740111222"


async def test_an_sms_from_a_template_is_accepted(api, sms, reminder, database, account):
    body = {
        "sms_routing": "platform",
        "channel": "sms",
        "to": PHONE,
        "template_key": "appointment_reminder",
        "variables": {"name": "Andrei", "date": "2026-03-12 16:30", "unused": 1},
    }

    answer = await api.post("/messages/send", json=body)

    assert answer.status_code == 202
    told = answer.json()["data"]
    created_at, id, contact_id = told.pop("created_at"), told.pop("id"), told.pop("contact_id")
    assert told == {
        "status": "queued",
        "channel": "sms",
        "to": PHONE,
        "template_key": "appointment_reminder",
        "integration_id": sms.id,
        "sms_routing": "platform",
        "segments": 1,
        "credits": 0,
        "scheduled_at": None,
    }
    assert created_at.endswith("Z")
    async with database.tx(account) as tx:
        message, contact = await messages.get(tx, id), await people.get(tx, contact_id)
    assert (message.text, message.template_id) == ("Hello Andrei, see you on 2026-03-12 16:30.", reminder.id)
    assert (contact.phone, contact.source) == (PHONE, "api")


async def test_a_phone_is_understood_however_it_is_written(api, sms):
    answer = await api.post("/messages/send", json={"channel": "sms", "to": " +40 (740) 111-222", "body": "Hi"})

    assert answer.json()["data"]["to"] == PHONE


async def test_html_of_a_mail_has_escaped_values_and_a_plain_side(api, email, database, account):
    body = {
        "integration_id": email.id,
        "channel": "email",
        "to": "Client@Example.com",
        "body": "<h1>Hello {{name}}</h1><p>Order {{order}} is confirmed.</p>",
        "variables": {"name": "<b>Maria</b> {{order}}", "order": 456},
    }

    answer = await api.post("/messages/send", json=body)

    told = answer.json()["data"]
    async with database.tx(account) as tx:
        message = await messages.get(tx, told["id"])
    assert (told["to"], told["sms_routing"], told["integration_id"]) == ("client@example.com", None, email.id)
    assert message.html == "<h1>Hello &lt;b&gt;Maria&lt;/b&gt; {{order}}</h1><p>Order 456 is confirmed.</p>"
    assert message.text.split() == ["Hello", "<b>Maria</b>", "{{order}}", "Order", "456", "is", "confirmed."]
    assert message.subject == "Hello <b>Maria</b> {{order}}"


@pytest.mark.parametrize(
    ("body", "subject"),
    [
        ({"body": "<p>Hi</p><h2>Your <em>order</em></h2>"}, "Your order"),
        ({"body": "<p>Hi</p>"}, "Acme"),
        ({"body": "Just text, 1 < 2"}, "Acme"),
        (
            {"body": "<h1>No</h1>", "subject": "Order {{n}}", "variables": {"n": "5\r\nBcc: x@y.example"}},
            "Order 5 Bcc: x@y.example",
        ),
    ],
)
async def test_a_mail_has_a_subject(api, email, database, account, body, subject):
    answer = await api.post("/messages/send", json={"channel": "email", "to": "a@example.com", **body})

    async with database.tx(account) as tx:
        assert (await messages.get(tx, answer.json()["data"]["id"])).subject == subject


async def test_whatsapp_reaches_the_person_behind_the_phone(api, sms, whatsapp, update, database, account):
    first = await api.post("/messages/send", json={"channel": "sms", "to": PHONE, "body": "Hi"})

    second = await api.post(
        "/messages/send",
        json={"channel": "whatsapp", "to": PHONE, "template_key": update.key, "variables": {"order": "A12"}},
    )

    assert second.status_code == 202
    assert (second.json()["data"]["to"], second.json()["data"]["sms_routing"]) == (PHONE, None)
    assert second.json()["data"]["contact_id"] == first.json()["data"]["contact_id"]
    async with database.tx(account) as tx:
        owned = await urns.of(tx, [first.json()["data"]["contact_id"]])
        message = await messages.get(tx, second.json()["data"]["id"])
    assert [record.scheme for record in owned[first.json()["data"]["contact_id"]]] == ["tel", "whatsapp"]
    assert (message.scheme, message.shown_address) == ("whatsapp", PHONE)


async def test_everything_wrong_is_told_at_once(api):
    body = {
        "channel": "sms",
        "to": "maria@example.com",
        "template_key": "nope",
        "variables": {"name": {}},
        "callback_url": "https://127.0.0.2/x",
        "scheduled_at": "2999-01-01T00:00:00Z",
    }

    answer = await api.post("/messages/send", json=body)

    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
    assert set(answer.json()["errors"]) == {
        "to", "template_key", "variables.name", "callback_url", "scheduled_at", "channel",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"channel": "fax"}, "channel"),
        ({"to": "client@example.com"}, "to"),
        ({"to": "0740111222"}, "to"),
        ({"to": ""}, "to"),
        ({"to": None}, "to"),
        ({"body": None}, "body"),
        ({"body": " "}, "body"),
        ({"template_key": "appointment_reminder"}, "body"),
        ({"body": "x" * 1601}, "body"),
        ({"body": "Hi {{name}}"}, "variables"),
        ({"body": "{{a}}", "variables": {"a": ""}}, "body"),
        ({"body": "{{a}}", "variables": {"a": "x" * 2000}}, "body"),
        ({"variables": []}, "variables"),
        ({"sms_routing": "free"}, "sms_routing"),
        ({"scheduled_at": "2026-03-29T02:30:00"}, "scheduled_at"),
        ({"metadata": {"a": "x" * 9000}}, "metadata"),
        ({"metadata": []}, "metadata"),
        ({"callback_url": "http://example.com/x"}, "callback_url"),
        ({"callback_url": "https://user:pw@example.com/"}, "callback_url"),
    ],
)
async def test_a_wrong_field_is_named(api, sms, reminder, change, field):
    answer = await api.post("/messages/send", json={"channel": "sms", "to": PHONE, "body": "Hi", **change})

    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
    assert list(answer.json()["errors"]) == [field]


async def test_missing_variables_are_listed(api, sms, reminder):
    body = {"channel": "sms", "to": PHONE, "template_key": "appointment_reminder"}

    answer = await api.post("/messages/send", json=body)

    assert answer.json()["errors"] == {"variables": ["Missing variables: name, date."]}


async def test_without_a_channel_there_is_no_route(api):
    answer = await api.post("/messages/send", json={"channel": "sms", "to": PHONE, "body": "Hi"})

    assert (answer.status_code, answer.json()["code"]) == (422, "no_route")


async def test_an_integration_of_another_channel_is_refused(api, sms, email):
    body = {"channel": "sms", "to": PHONE, "body": "Hi", "integration_id": email.id}

    answer = await api.post("/messages/send", json=body)

    assert (answer.status_code, answer.json()["code"]) == (422, "integration_channel_mismatch")
    assert list(answer.json()["errors"]) == ["integration_id"]


async def test_a_foreign_integration_is_unknown(api, sms, database, other_account):
    foreign = await world.simulator(database, other_account)

    answer = await api.post(
        "/messages/send", json={"channel": "sms", "to": PHONE, "body": "Hi", "integration_id": foreign.id}
    )

    assert (answer.status_code, answer.json()["code"]) == (422, "integration_not_found")


async def test_the_shared_pool_carries_and_costs(api, sms, pool, account, connection):
    await connection.execute("insert into balances (account_id, available) values ($1, 10)", account)

    answer = await api.post(
        "/messages/send", json={"channel": "sms", "to": PHONE, "body": "é" * 161, "sms_routing": "platform"}
    )

    told = answer.json()["data"]
    assert (told["integration_id"], told["sms_routing"], told["segments"], told["credits"]) == (None, "platform", 2, 2)


async def test_without_credits_nothing_is_sent(api, sms, database, account, connection):
    await connection.execute("update accounts set metered = true where id = $1", account)

    answer = await api.post("/messages/send", json={"channel": "sms", "to": PHONE, "body": "Hi"})

    assert (answer.status_code, answer.json()["code"]) == (402, "insufficient_credits")
    async with database.tx(account) as tx:
        assert await people.total(tx) == (0, False)


@pytest.mark.parametrize(
    "change",
    [{"status": "blocked"}, {"status": "stopped"}, {"do_not_disturb": True}],
    ids=lambda change: next(iter(change)),
)
async def test_who_opted_out_is_not_written_to(api, sms, database, account, change):
    async with database.tx(account) as tx:
        [(id, _)] = await people.get_or_create(tx, [Urn("tel", PHONE)])
        await people.update(tx, id, people.Changes(**change))

    answer = await api.post("/messages/send", json={"channel": "sms", "to": PHONE, "body": "Hi"})

    assert (answer.status_code, answer.json()["code"]) == (422, "recipient_opted_out")
    assert list(answer.json()["errors"]) == ["to"]


async def test_a_suppressed_address_is_not_made_a_contact(api, email, database, account):
    async with database.tx(account) as tx:
        await consents.opt_out(tx, "email", "client@example.com", "complaint")

    answer = await api.post("/messages/send", json={"channel": "email", "to": "CLIENT@example.com", "body": "Hi"})

    assert answer.json()["code"] == "recipient_opted_out"
    async with database.tx(account) as tx:
        assert await people.total(tx) == (0, False)


async def test_a_later_moment_schedules(api, sms):
    at = (clock.now() + timedelta(days=2)).replace(microsecond=0)

    answer = await api.post(
        "/messages/send", json={"channel": "sms", "to": PHONE, "body": "Hi", "scheduled_at": at.isoformat()}
    )

    told = answer.json()["data"]
    status = await api.get(f"/messages/{told['id']}/status")
    assert (told["status"], told["scheduled_at"]) == ("scheduled", clock.iso(at))
    assert status.json()["data"]["status"] == "scheduled"


@pytest.mark.parametrize("at", ["2020-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00"])
async def test_a_past_moment_means_now(api, sms, at):
    answer = await api.post("/messages/send", json={"channel": "sms", "to": PHONE, "body": "Hi", "scheduled_at": at})

    assert (answer.json()["data"]["status"], answer.json()["data"]["scheduled_at"]) == ("queued", None)


async def test_metadata_and_callback_are_kept(api, sms, database, account):
    extras = {"metadata": {"order": 5, "callback_url": "x"}, "callback_url": "https://example.com/status"}

    answer = await api.post("/messages/send", json={"channel": "sms", "to": PHONE, "body": "Hi", **extras})

    async with database.tx(account) as tx:
        assert (await messages.get(tx, answer.json()["data"]["id"])).metadata == extras


async def test_free_text_reaches_nobody_on_whatsapp_who_has_not_written(api, whatsapp, connection, account):
    answer = await api.post("/messages/send", json={"channel": "whatsapp", "to": PHONE, "body": "Hi"})

    assert (answer.status_code, answer.json()["code"]) == (422, "template_required")
    assert list(answer.json()["errors"]) == ["body"]
    assert await connection.fetchval("select count(*) from messages where account_id = $1", account) == 0


async def test_an_approved_template_reaches_everybody_on_whatsapp(api, whatsapp, update):
    body = {"channel": "whatsapp", "to": PHONE, "template_key": "delivery_update", "variables": {"order": "A12"}}

    answer = await api.post("/messages/send", json=body)

    assert answer.status_code == 202


@pytest.mark.parametrize(("hours", "status"), [(0, 202), (23, 202), (25, 422)])
async def test_what_somebody_wrote_opens_whatsapp_for_a_day(
    api, whatsapp, database, connection, account, hours, status
):
    await world.say(database, whatsapp, "40740111222", "Hello")
    await connection.execute(
        "update messages set created_at = now() - make_interval(hours => $2) where account_id = $1", account, hours
    )

    answer = await api.post("/messages/send", json={"channel": "whatsapp", "to": PHONE, "body": "Hi"})

    assert answer.status_code == status


async def test_what_somebody_wrote_to_another_number_opens_nothing(api, whatsapp, database, account):
    other = await world.simulator(database, account, **{"as": "whatsapp"})
    await world.say(database, other, "40740111222", "Hello")

    answer = await api.post(
        "/messages/send",
        json={"channel": "whatsapp", "to": PHONE, "body": "Hi", "integration_id": whatsapp.id},
    )

    assert answer.json()["code"] == "template_required"


async def test_a_repeated_send_has_one_effect(api, sms):
    body = {"channel": "sms", "to": PHONE, "body": "Hi"}

    first = await api.post("/messages/send", json=body, headers={"idempotency-key": "order-5"})
    again = await api.post("/messages/send", json=body, headers={"idempotency-key": "order-5"})

    assert again.json() == first.json()
    assert again.headers["idempotent-replayed"] == "true"
