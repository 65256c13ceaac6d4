"""WhatsApp of the connector dialect, over HTTP."""

from datetime import timedelta

import pytest

from tests import world
from trunkline.core import opaque
from trunkline.inbox import changes
from trunkline.inbox.changes import Changes
from trunkline.messaging import templates
from trunkline.messaging.templates import Draft

pytestmark = pytest.mark.anyio

JANE = "+15551234567"


@pytest.fixture
async def welcome(database, account):
    async with database.tx(account) as tx:
        return await templates.create(
            tx,
            Draft(
                key="welcome_message",
                channel="whatsapp",
                body="Hi {{first_name}}, {{offer}}",
                language="en_US",
                category="MARKETING",
            ),
        )


async def test_templates_are_listed(api, welcome, outside):
    [told] = (await api.get("/whatsapp-templates")).json()["data"]

    assert told.pop("createdAt").endswith("Z")
    assert told == {
        "id": outside("template", welcome.id),
        "name": "welcome_message",
        "status": "approved",
        "language": "en_US",
        "category": "MARKETING",
    }


async def test_a_template_reaches_somebody_who_never_wrote(api, jane, whatsapp, welcome, database, account, outside):
    contact = outside("contact", jane.id)

    answer = await api.post(
        "/whatsapp-templates/send",
        json={"contactId": contact, "whatsappTemplateId": outside("template", welcome.id), "variables": {"offer": "!"}},
    )

    [said] = (await api.get(f"/contacts/messages/{contact}")).json()["messages"]
    assert answer.json() == {"data": "WhatsApp template message sent successfully", "success": True}
    assert (said["body"], said["channel"]) == ("Hi Jane, !", "whatsapp")


async def test_a_template_opens_the_session_again(api, jane, whatsapp, welcome, database, account, outside):
    contact, template = outside("contact", jane.id), outside("template", welcome.id)
    order = {"contactId": contact, "whatsappTemplateId": template, "variables": {"offer": "!"}}
    await api.post("/whatsapp-templates/send", json=order)
    await close(database, account)

    answer = await api.post("/whatsapp-templates/send", json=order)

    sessions = (await api.get(f"/chat-sessions/{contact}")).json()["data"]
    assert answer.status_code == 200
    assert [(each["status"], each["messageCount"]) for each in sessions] == [("open", 1), ("closed", 1)]


@pytest.mark.parametrize(
    ("order", "status", "code"),
    [
        ({}, 400, "MISSING_FIELD"),
        ({"contactId": "nobody"}, 404, "CONTACT_NOT_FOUND"),
        ({"whatsappTemplateId": "nothing"}, 404, "TEMPLATE_NOT_FOUND"),
        ({"variables": {}}, 400, "MISSING_VARIABLES"),
    ],
)
async def test_a_template_that_cannot_be_sent_is_refused(api, jane, whatsapp, welcome, outside, order, status, code):
    good = {"contactId": outside("contact", jane.id), "whatsappTemplateId": outside("template", welcome.id)}

    answer = await api.post("/whatsapp-templates/send", json={**good, **order} if order else {})

    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


async def test_without_a_channel_nothing_is_sent(api, jane, welcome, outside):
    order = {"contactId": outside("contact", jane.id), "whatsappTemplateId": outside("template", welcome.id)}

    answers = [
        await api.post("/whatsapp-templates/send", json=order),
        await api.post("/whatsapp-web/send", json={"phoneNumber": JANE, "message": "Hi"}),
    ]

    assert {(each.status_code, each.json()["error"]["code"]) for each in answers} == {(403, "FORBIDDEN")}


async def test_parts_of_a_text_come_as_somebody_types(api, whatsapp, database):
    await world.say(database, whatsapp, JANE, "Hello?")
    parts = ["First part", "x" * 250, "y" * 500]

    answer = await api.post("/whatsapp-web/send", json={"phoneNumber": JANE, "message": "\n\n  \n".join(parts)})

    body = answer.json()
    rows = [
        await world.message(database, opaque.read(database.tools.vault, "message", id) or 0)
        for id in body["messageIds"]
    ]
    waits = [row["scheduled_at"] and row["scheduled_at"] - rows[0]["created_at"] for row in rows]
    assert (body["success"], body["messagesSent"], body["totalChunks"], body["creditsUsed"]) == (True, 3, 3, 0)
    assert [row["body"] for row in rows] == parts
    assert waits[0] is None
    assert timedelta(seconds=29) < waits[1] < timedelta(seconds=32)
    assert timedelta(seconds=89) < waits[2] < timedelta(seconds=92)


async def test_somebody_unknown_becomes_a_contact(api, whatsapp, welcome):
    answer = await api.post("/whatsapp-web/send", json={"phoneNumber": JANE, "message": "Hi"})

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "TEMPLATE_REQUIRED")


@pytest.mark.parametrize(
    ("order", "code"),
    [
        ({"phoneNumber": "15551234567", "message": "Hi"}, "INVALID_PHONE"),
        ({"phoneNumber": "+1", "message": "Hi"}, "INVALID_PHONE"),
        ({"phoneNumber": "+999123", "message": "Hi"}, "INVALID_PHONE"),
        ({"phoneNumber": JANE, "message": " \n\n \u200b"}, "MISSING_FIELD"),
        ({"phoneNumber": JANE, "message": "a\n\n" * 31}, "INVALID_FIELD"),
        ({"message": "Hi"}, "MISSING_FIELD"),
    ],
)
async def test_a_text_that_makes_no_sense_is_refused(api, whatsapp, database, order, code):
    await world.say(database, whatsapp, JANE, "Hello?")

    answer = await api.post("/whatsapp-web/send", json=order)

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)


async def test_what_cannot_be_paid_is_not_sent(api, whatsapp, database, account, connection):
    await connection.execute("update accounts set metered = true where id = $1", account)
    await world.say(database, whatsapp, JANE, "Hello?")

    answer = await api.post("/whatsapp-web/send", json={"phoneNumber": JANE, "message": "Hi"})

    assert (answer.status_code, answer.json()["error"]["code"]) == (402, "INSUFFICIENT_CREDITS")


async def close(database, account):
    [row] = await world.execute(database.dsn, "select id from conversations where account_id = $1", account)
    async with database.tx(account) as tx:
        await changes.update(tx, row["id"], Changes(status="closed"))
