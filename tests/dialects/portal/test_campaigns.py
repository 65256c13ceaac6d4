"""Campaigns by the portal dialect."""

from datetime import timedelta

import pytest

from tests.world import next_portion
from trunkline.accounts import settings
from trunkline.campaigns import broadcasts
from trunkline.contacts import groups, people, tags
from trunkline.core import clock
from trunkline.core.urns import Urn
from trunkline.messaging import messages, statuses, templates
from trunkline.messaging.statuses import Change
from trunkline.messaging.templates import Draft

pytestmark = pytest.mark.anyio

SALE = {
    "name": "Spring Sale",
    "channel": "email",
    "message_template": "<h1>Spring Sale!</h1><p>50% off today only.</p>",
    "subject": "Spring Sale - 50% Off",
}
TEXT = {"name": "News", "channel": "sms", "message_template": "Hello {{name}}"}


async def mail_contacts(database, account, count):
    async with database.tx(account) as tx:
        return [
            id for id, _ in await people.get_or_create(tx, [Urn("mailto", f"c{n}@example.com") for n in range(count)])
        ]


async def test_a_campaign_is_a_draft_first(api, database, account):
    answer = await api.post("/campaigns", json=SALE)

    told = answer.json()["data"]
    assert (answer.status_code, told["status"]) == (201, "draft")
    assert {name: told[name] for name in SALE} == SALE
    assert told["audience"] == {"type": "all"}
    async with database.tx(account) as tx:
        stored = await broadcasts.get(tx, told["id"])
    assert (stored.html, stored.body) == (SALE["message_template"], "")


async def test_plain_channels_keep_plain_text(api, database, account):
    answer = await api.post("/campaigns", json={**TEXT, "sms_routing": "platform"})

    told = answer.json()["data"]
    async with database.tx(account) as tx:
        stored = await broadcasts.get(tx, told["id"])
    assert (stored.html, stored.body, stored.subject, stored.pool) == (None, "Hello {{name}}", None, True)
    assert told["sms_routing"] == "platform"


async def test_a_template_may_say_it(api, database, account):
    async with database.tx(account) as tx:
        await templates.create(tx, Draft(key="sale", channel="email", subject="Off {{n}}", body="<p>Hi {{name}}</p>"))
    body = {"name": "Sale", "channel": "email", "template_key": "sale", "variables": {"n": "50%"}}

    told = (await api.post("/campaigns", json=body)).json()["data"]

    assert (told["message_template"], told["subject"]) == ("<p>Hi {{name}}</p>", "Off {{n}}")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "name"),
        ({"channel": "fax"}, "channel"),
        ({"message_template": None}, "message_template"),
        ({"template_key": "sale"}, "message_template"),
        ({"message_template": None, "template_key": "nope"}, "template_key"),
        ({"audience": {"type": "planet"}}, "audience.type"),
        ({"audience": {"type": "group", "id": 2**40}}, "audience.id"),
        ({"audience": {"type": "tag"}}, "audience.id"),
        ({"contact_ids": []}, "contact_ids"),
        ({"contact_ids": [2**40]}, "contact_ids"),
        ({"contact_ids": [1], "audience": {"type": "all"}}, "contact_ids"),
        ({"integration_id": 2**40}, "integration_id"),
        ({"variables": {"a": {}}}, "variables.a"),
    ],
)
async def test_a_wrong_field_is_named(api, change, field):
    answer = await api.post("/campaigns", json={**SALE, **change})

    assert (answer.status_code, list(answer.json()["errors"])) == (422, [field])


@pytest.mark.parametrize("type", ["group", "segment", "tag"])
async def test_an_audience_is_a_group_or_a_tag(api, database, account, type):
    async with database.tx(account) as tx:
        id = (await (tags if type == "tag" else groups).create(tx, "VIP")).id

    told = (await api.post("/campaigns", json={**SALE, "audience": {"type": type, "id": id}})).json()["data"]

    assert told["audience"] == {"type": "tag" if type == "tag" else "group", "id": id}


async def test_contacts_may_be_named(api, database, account):
    ids = await mail_contacts(database, account, 3)

    told = (await api.post("/campaigns", json={**SALE, "contact_ids": ids})).json()["data"]

    assert told["audience"] == {"type": "contacts", "contacts": 3}


async def test_a_foreign_audience_is_unknown(api, database, other_account):
    async with database.tx(other_account) as tx:
        id = (await groups.create(tx, "VIP")).id

    answer = await api.post("/campaigns", json={**SALE, "audience": {"type": "group", "id": id}})

    assert (answer.status_code, list(answer.json()["errors"])) == (422, ["audience.id"])


async def test_sending_starts_it_once(api, email, database, account):
    await mail_contacts(database, account, 2)
    id = (await api.post("/campaigns", json=SALE)).json()["data"]["id"]

    sent = await api.post(f"/campaigns/{id}/send")
    again = await api.post(f"/campaigns/{id}/send")

    assert (sent.status_code, sent.json()) == (202, {"data": {"id": id, "status": "sending", "scheduled_at": None}})
    assert (again.status_code, again.json()["code"]) == (409, "invalid_state")


async def test_sending_later_schedules(api, email, database, account):
    await mail_contacts(database, account, 2)
    id = (await api.post("/campaigns", json=SALE)).json()["data"]["id"]
    at = clock.iso(clock.now() + timedelta(days=1))

    sent = await api.post(f"/campaigns/{id}/send", json={"scheduled_at": at})
    status = await api.get(f"/campaigns/{id}/status")

    assert sent.json() == {"data": {"id": id, "status": "scheduled", "scheduled_at": at}}
    assert (status.json()["data"]["status"], status.json()["data"]["scheduled_at"]) == ("scheduled", at)


async def test_a_past_moment_means_now(api, email, database, account):
    await mail_contacts(database, account, 1)
    id = (await api.post("/campaigns", json=SALE)).json()["data"]["id"]

    sent = await api.post(f"/campaigns/{id}/send", json={"scheduled_at": "2020-04-01T10:00:00Z"})

    assert sent.json()["data"]["status"] == "sending"


@pytest.mark.parametrize("at", ["soon", "2026-04-01T10:00:00", "2026-13-01T10:00:00Z", 1774000000])
async def test_a_wrong_moment_is_refused(api, at):
    answer = await api.post("/campaigns/1/send", json={"scheduled_at": at})

    assert (answer.status_code, list(answer.json()["errors"])) == (422, ["scheduled_at"])


async def test_a_moment_far_away_is_refused(api, email, database, account):
    await mail_contacts(database, account, 1)
    id = (await api.post("/campaigns", json=SALE)).json()["data"]["id"]

    answer = await api.post(f"/campaigns/{id}/send", json={"scheduled_at": "9999-12-31T23:59:59-14:00"})

    assert (answer.status_code, list(answer.json()["errors"])) == (422, ["scheduled_at"])


async def test_without_a_channel_there_is_no_route(api, database, account):
    await mail_contacts(database, account, 1)
    id = (await api.post("/campaigns", json=SALE)).json()["data"]["id"]

    answer = await api.post(f"/campaigns/{id}/send")

    assert (answer.status_code, answer.json()["code"]) == (422, "no_route")


async def test_a_crowd_is_confirmed_where_the_account_wants_it(api, email, database, account):
    ids = await mail_contacts(database, account, 1001)
    async with database.tx(account) as tx:
        await settings.put(tx, {"confirm_all": True})
    everybody = (await api.post("/campaigns", json=SALE)).json()["data"]["id"]
    named = (await api.post("/campaigns", json={**SALE, "contact_ids": ids})).json()["data"]["id"]

    asked = await api.post(f"/campaigns/{everybody}/send")
    confirmed = await api.post(f"/campaigns/{everybody}/send", json={"confirm_all": True})
    chosen = await api.post(f"/campaigns/{named}/send")

    assert (asked.status_code, asked.json()["code"]) == (422, "confirmation_required")
    assert list(asked.json()["errors"]) == ["confirm_all"]
    assert (confirmed.status_code, chosen.status_code) == (202, 202)


async def test_a_crowd_needs_no_confirmation_by_default(api, email, database, account):
    await mail_contacts(database, account, 1001)
    id = (await api.post("/campaigns", json=SALE)).json()["data"]["id"]

    assert (await api.post(f"/campaigns/{id}/send")).status_code == 202


async def test_the_status_counts_messages(api, email, database, account):
    contacts = await mail_contacts(database, account, 5)
    id = (await api.post("/campaigns", json=SALE)).json()["data"]["id"]
    await api.post(f"/campaigns/{id}/send")
    async with database.tx(account) as tx:
        await next_portion(tx, id)
    async with database.tx(account) as tx:
        ids = [(await messages.of_contact(tx, contact))[0].id for contact in contacts]
        states = ("sent", "delivered", "read", "failed")
        await statuses.apply_many(tx, [Change(m, state) for m, state in zip(ids, states, strict=False)])

    told = (await api.get(f"/campaigns/{id}/status")).json()["data"]

    assert (told["id"], told["status"], told["completed_at"]) == (id, "sending", None)
    assert told["started_at"].endswith("Z")
    assert told["stats"] == {
        "total": 5, "queued": 1, "sent": 3, "delivered": 2, "read": 1, "failed": 1, "canceled": 0, "opened": 0,
        "clicked": 0, "unsubscribed": 0,
    }  # fmt: skip


async def test_what_is_stored_as_sent_is_told_as_completed(api, connection, account):
    id = (await api.post("/campaigns", json=SALE)).json()["data"]["id"]
    await connection.execute("update broadcasts set status = 'sent' where account_id = $1 and id = $2", account, id)

    status = await api.get(f"/campaigns/{id}/status")
    listed = await api.get("/campaigns?status=completed")

    assert status.json()["data"]["status"] == "completed"
    assert [campaign["id"] for campaign in listed.json()["data"]] == [id]


async def test_campaigns_are_listed(api):
    first = (await api.post("/campaigns", json=SALE)).json()["data"]["id"]
    second = (await api.post("/campaigns", json=TEXT)).json()["data"]["id"]

    everything = (await api.get("/campaigns")).json()
    texts = (await api.get("/campaigns?channel=sms&status=draft")).json()
    wrong = await api.get("/campaigns?status=sent")

    assert [campaign["id"] for campaign in everything["data"]] == [second, first]
    assert everything["meta"]["total"] == 2
    assert [campaign["id"] for campaign in texts["data"]] == [second]
    assert (wrong.status_code, list(wrong.json()["errors"])) == (422, ["status"])


async def test_foreign_campaigns_are_unknown(api, email, new_key, other_account):
    id = (await api.post("/campaigns", json=SALE)).json()["data"]["id"]
    theirs = {"x-api-key": await new_key("portal", account=other_account)}

    answers = [
        await api.get(f"/campaigns/{id}/status", headers=theirs),
        await api.post(f"/campaigns/{id}/send", headers=theirs),
    ]

    assert [answer.json() for answer in answers] == [{"message": "Campaign not found.", "code": "not_found"}] * 2
    assert (await api.get("/campaigns", headers=theirs)).json()["data"] == []
