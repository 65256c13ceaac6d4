"""Webhooks by the portal dialect: registered, changed, told what happens, looked at, replayed."""

import json

import pytest

from tests import world
from trunkline.billing.events import CreditsLow
from trunkline.campaigns import events as campaigns
from trunkline.contacts import consents, people
from trunkline.core.urns import Urn
from trunkline.messaging.channels import Channel
from trunkline.messaging.events import MailsClicked, MailsOpened, MessagesChanged
from trunkline.messaging.statuses import Change, apply_many
from trunkline.webhooks.catalog import EVENTS

pytestmark = pytest.mark.anyio

URL = "https://example.com/webhooks/messages"
PHONE = "+40740111222"


async def add(api, **wanted) -> dict:
    answer = await api.post("/webhooks", json={"url": URL, **wanted})
    assert answer.status_code == 201, answer.text
    return answer.json()["data"]


async def told(database, account: int) -> list[dict]:
    """What endpoints of an account are told, after everything that happened was handled."""
    await world.react(database)
    rows = await world.execute(
        database.dsn, "select body from webhook_deliveries where account_id = $1 order by id", account
    )
    return [json.loads(row[0]) for row in rows]


async def test_a_webhook_is_registered_and_its_secret_shown_once(api):
    made = await add(api, delivery_profile="sms_only", description="CRM")

    listed = (await api.get("/webhooks")).json()["data"]
    got = (await api.get(f"/webhooks/{made['id']}")).json()["data"]
    secret = made.pop("secret")
    assert secret.startswith("whsec_")
    assert listed == [made] == [got]
    assert (made["url"], made["delivery_profile"], made["description"]) == (URL, "sms_only", "CRM")
    assert (made["is_active"], made["disabled_reason"], made["old_secret_until"]) == (True, None, None)
    assert made["events"] == [
        "message.sent", "message.delivered", "message.read", "message.failed", "message.received"
    ]  # fmt: skip


async def test_without_a_choice_it_gets_everything(api):
    made = await add(api)

    assert (made["delivery_profile"], made["events"]) == ("all", list(EVENTS))


async def test_events_instead_of_a_profile(api):
    made = await add(api, events=["contact.created", "message.sent", "message.sent"])

    assert (made["delivery_profile"], made["events"]) == (None, ["message.sent", "contact.created"])


async def test_the_catalogue_names_events_and_profiles(api):
    answer = await api.get("/webhooks/events-catalog")

    told = answer.json()["data"]
    profiles = {profile["key"]: profile for profile in told["profiles"]}
    assert [event["name"] for event in told["events"]] == list(EVENTS)
    assert set(told["events"][0]) == {"name", "channels", "description"}
    assert (profiles["sms_only"]["label"], profiles["sms_only"]["channels"]) == ("SMS only", ["sms"])


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({"delivery_profile": "all", "events": ["message.sent"]}, ["delivery_profile", "events"]),
        ({"delivery_profile": "loud_only"}, ["delivery_profile"]),
        ({"events": ["message.eaten"]}, ["events.0"]),
        ({"events": ["webhook.test"]}, ["events.0"]),
        ({"events": []}, ["events"]),
        ({"events": "message.sent"}, ["events"]),
        ({"url": "http://example.com/"}, ["url"]),
        ({"url": "ftp://example.com/"}, ["url"]),
        ({"url": "https://user:pw@example.com/"}, ["url"]),
        ({"url": "https://10.0.0.1/"}, ["url"]),
        ({"url": "https://169.254.169.254/latest/meta-data"}, ["url"]),
        ({"url": "https://[::1]/"}, ["url"]),
        ({"url": "https://[fd00::1]/"}, ["url"]),
        ({"url": "https://[::ffff:10.0.0.1]/"}, ["url"]),
        ({"url": "https://2130706433/"}, ["url"]),
        ({"url": "https://0x7f000001/"}, ["url"]),
        ({"url": "https://printer.local/"}, ["url"]),
        ({"url": "https://db.internal/"}, ["url"]),
        ({"url": "https://example.com:25/"}, ["url"]),
        ({"url": "https://example.com:99999/"}, ["url"]),
        ({"url": "https://exa mple.com/"}, ["url"]),
        ({"url": "https://example.com/\\@10.0.0.1"}, ["url"]),
        ({"url": "javascript:alert(1)"}, ["url"]),
        ({"url": "https://"}, ["url"]),
        ({"url": ""}, ["url"]),
        ({"url": None}, ["url"]),
        ({"url": ["https://example.com/"]}, ["url"]),
        ({"url": "https://example.com/" + "x" * 5000}, ["url"]),
        ({"description": "x" * 501}, ["description"]),
    ],
    ids=lambda value: str(value)[:60],
)
async def test_a_wrong_field_is_named(api, change, fields):
    answer = await api.post("/webhooks", json={"url": URL, **change})

    assert (answer.status_code, sorted(answer.json()["errors"])) == (422, fields)
    assert (await api.get("/webhooks")).json() == {"data": []}


async def test_plain_http_is_for_targets_that_the_operator_allows(api):
    made = await add(api, url="http://127.0.0.1:9000/hook")

    assert made["url"] == "http://127.0.0.1:9000/hook"


async def test_twenty_are_enough(api):
    for _ in range(20):
        made = await add(api)

    full = await api.post("/webhooks", json={"url": URL})
    await api.delete(f"/webhooks/{made['id']}")

    assert (full.status_code, full.json()["code"]) == (422, "webhook_limit")
    await add(api)


async def test_an_update_changes_what_is_given(api):
    made = await add(api, delivery_profile="sms_only", description="CRM")
    secret = made.pop("secret")

    changed = (await api.put(f"/webhooks/{made['id']}", json={"is_active": False})).json()["data"]
    listed = (await api.put(f"/webhooks/{made['id']}", json={"events": ["call.busy"]})).json()["data"]
    other = (await api.patch(f"/webhooks/{made['id']}", json={"delivery_profile": "all"})).json()["data"]

    assert changed == {**made, "is_active": False, "updated_at": changed["updated_at"]}
    assert (listed["delivery_profile"], listed["events"]) == (None, ["call.busy"])
    assert (other["delivery_profile"], other["description"]) == ("all", "CRM")
    assert secret not in str([changed, listed, other])


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"url": "https://10.0.0.1/"}, "url"),
        ({"delivery_profile": "all", "events": ["message.sent"]}, "events"),
        ({"delivery_profile": None}, "events"),
        ({"events": ["x"]}, "events.0"),
        ({"is_active": "yes"}, "is_active"),
        ({"rotate_secret": 1}, "rotate_secret"),
    ],
    ids=str,
)
async def test_a_wrong_change_is_refused(api, change, field):
    made = await add(api)

    answer = await api.put(f"/webhooks/{made['id']}", json=change)

    assert answer.status_code == 422
    assert field in answer.json()["errors"]


async def test_a_new_secret_is_shown_once(api):
    made = await add(api)

    changed = (await api.put(f"/webhooks/{made['id']}", json={"rotate_secret": True})).json()["data"]

    assert changed["secret"].startswith("whsec_")
    assert changed["secret"] != made["secret"]
    assert changed["old_secret_until"]
    assert "secret" not in (await api.get(f"/webhooks/{made['id']}")).json()["data"]


async def test_deleted_is_gone(api):
    made = await add(api)

    first = await api.delete(f"/webhooks/{made['id']}")
    again = await api.delete(f"/webhooks/{made['id']}")

    assert (first.status_code, again.status_code) == (204, 404)
    assert again.json() == {"message": "Webhook not found.", "code": "not_found"}


async def test_foreign_webhooks_are_unknown(api, new_key, other_account):
    made = await add(api)
    test = (await api.post(f"/webhooks/{made['id']}/test")).json()["data"]
    theirs = {"x-api-key": await new_key("portal", account=other_account)}
    path, one = f"/webhooks/{made['id']}", f"/webhooks/{made['id']}/deliveries/{test['id']}"

    answers = [
        await api.get(path, headers=theirs),
        await api.put(path, json={"is_active": False}, headers=theirs),
        await api.post(f"{path}/test", headers=theirs),
        await api.get(f"{path}/deliveries", headers=theirs),
        await api.get(one, headers=theirs),
        await api.post(f"{one}/replay", headers=theirs),
        await api.post(f"{path}/replay", json={"since": "2026-01-01T00:00:00Z"}, headers=theirs),
        await api.delete(path, headers=theirs),
    ]

    assert [answer.status_code for answer in answers] == [404] * 8
    assert (await api.get("/webhooks", headers=theirs)).json() == {"data": []}


async def test_a_test_event_is_queued_and_seen(api):
    made = await add(api, events=["call.busy"])

    answer = await api.post(f"/webhooks/{made['id']}/test")

    queued = answer.json()["data"]
    listed = (await api.get(f"/webhooks/{made['id']}/deliveries")).json()
    detail = (await api.get(f"/webhooks/{made['id']}/deliveries/{queued['id']}")).json()["data"]
    assert (answer.status_code, queued["event"], queued["status"]) == (202, "webhook.test", "pending")
    assert queued["webhook_id"].startswith("evt_")
    assert (listed["data"], listed["meta"]["total"]) == ([queued], 1)
    assert (detail["payload"]["type"], detail["payload"]["data"]["webhook_id"]) == ("webhook.test", made["id"])
    assert detail["log"] == []


async def test_deliveries_are_filtered(api):
    made = await add(api)
    await api.post(f"/webhooks/{made['id']}/test")
    path = f"/webhooks/{made['id']}/deliveries"

    found = [
        (await api.get(f"{path}?{query}")).json()["meta"]["total"]
        for query in ("status=pending", "status=failed", "event=webhook.test", "event=message.sent")
    ]
    wrong = await api.get(f"{path}?status=eaten")

    assert (found, wrong.status_code) == ([1, 0, 1, 0], 422)


async def test_what_is_off_can_be_neither_tested_nor_replayed(api):
    made = await add(api)
    test = (await api.post(f"/webhooks/{made['id']}/test")).json()["data"]
    await api.put(f"/webhooks/{made['id']}", json={"is_active": False})

    answers = [
        await api.post(f"/webhooks/{made['id']}/test"),
        await api.post(f"/webhooks/{made['id']}/deliveries/{test['id']}/replay"),
        await api.post(f"/webhooks/{made['id']}/replay", json={"since": "2026-01-01T00:00:00Z"}),
    ]

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(409, "webhook_inactive")] * 3


async def test_failed_deliveries_are_replayed_by_time(api, database):
    made = await add(api)
    test = (await api.post(f"/webhooks/{made['id']}/test")).json()["data"]
    await world.execute(database.dsn, "update webhook_deliveries set status = 'failed' where id = $1", test["id"])

    answer = await api.post(f"/webhooks/{made['id']}/replay", json={"since": "2026-01-01T00:00:00Z"})
    one = await api.post(f"/webhooks/{made['id']}/deliveries/{test['id']}/replay")
    wrong = await api.post(
        f"/webhooks/{made['id']}/replay", json={"since": "2026-01-02T00:00:00Z", "until": "2026-01-01T00:00:00Z"}
    )

    assert (answer.status_code, answer.json()) == (202, {"data": {"replayed": 1, "next_since": None}})
    assert (one.status_code, one.json()["data"]["status"]) == (202, "pending")
    assert (wrong.status_code, list(wrong.json()["errors"])) == (422, ["until"])


async def test_a_message_is_followed(api, sms, reminder, database, account):
    await add(api)
    body = {"channel": "sms", "to": PHONE, "template_key": "appointment_reminder",
            "variables": {"name": "Ana", "date": "May 1"}, "integration_id": sms.id}  # fmt: skip
    sent = (await api.post("/messages/send", json=body)).json()["data"]
    await world.react(database)
    for status in ("sent", "delivered"):
        async with database.tx(account) as tx:
            await apply_many(tx, [Change(sent["id"], status)])

    heard = [one for one in await told(database, account) if one["type"].startswith("message.")]

    assert [one["type"] for one in heard] == ["message.queued", "message.sent", "message.delivered"]
    assert set(heard[2]) == {"type", "timestamp", "data"}
    assert heard[2]["data"] == {
        "id": sent["id"], "channel": "sms", "to": PHONE, "status": "delivered", "template_key": "appointment_reminder",
        "batch_id": None, "campaign_id": None, "contact_id": sent["contact_id"], "error": None, "segments": 1,
        "credits": sent["credits"], "at": heard[2]["timestamp"],
    }  # fmt: skip


async def test_a_batch_is_told_message_by_message(api, sms, database, account):
    await add(api, events=["message.failed"])
    ids = await world.queue(database, account, sms, [f"+4074000{n:04d}" for n in range(30)])
    async with database.tx(account) as tx:
        await apply_many(tx, [Change(id, "failed", reason="rejected", error="No.", provider_code="21") for id in ids])

    heard = await told(database, account)

    assert {one["data"]["id"] for one in heard} == set(ids)
    assert {one["type"] for one in heard} == {"message.failed"}
    assert heard[0]["data"]["error"] == {"code": "rejected", "message": "No.", "provider_code": "21"}


async def test_a_bounce_is_a_failure_and_a_bounce(api, email: Channel, database, account):
    await add(api, delivery_profile="email_only")
    ids = await world.queue(database, account, email, ["a@example.com"])
    async with database.tx(account) as tx:
        await apply_many(tx, [Change(ids[0], "failed", reason="hard_bounce")])

    heard = await told(database, account)

    assert [one["type"] for one in heard] == ["message.failed", "message.bounced"]
    assert heard[1]["data"]["error"]["code"] == "hard_bounce"


async def test_opens_and_clicks_are_told(api, email: Channel, database, account):
    await add(api, delivery_profile="email_only")
    [id] = await world.queue(database, account, email, ["a@example.com"])
    async with database.tx(account) as tx:
        tx.record(MailsOpened([(id, 1, 1)]))
        tx.record(MailsClicked([(id, 1, 1, "https://example.com/sale")]))

    heard = await told(database, account)

    assert [(one["type"], one["data"].get("url")) for one in heard] == [
        ("message.opened", None),
        ("message.clicked", "https://example.com/sale"),
    ]


async def test_what_comes_in_is_told_with_its_conversation(api, sms: Channel, database, account):
    await add(api, delivery_profile="inbound_only")
    received = await world.say(database, sms, PHONE, "Hello")

    [heard] = await told(database, account)

    data = heard["data"]
    assert (heard["type"], data["id"], data["from"], data["body"]) == (
        "message.received", received.message_id, PHONE, "Hello"
    )  # fmt: skip
    assert (data["channel"], data["to"], data["media"]) == ("sms", "+40700000000", [])
    assert data["conversation_id"] > 0
    assert data["contact_id"] > 0


async def test_contacts_are_told_as_they_are(api, database, account):
    await add(api, delivery_profile="contacts_only")
    made = (await api.post("/contacts", json={"name": "Ana", "phone": PHONE})).json()["data"]
    created = await told(database, account)
    await api.put(f"/contacts/{made['id']}", json={"name": "Anna"})
    changed = await told(database, account)
    async with database.tx(account) as tx:
        await consents.opt_out(tx, "sms", PHONE, "keyword")
    stopped = await told(database, account)
    await api.delete(f"/contacts/{made['id']}")

    heard = await told(database, account)

    assert created == [{"type": "contact.created", "timestamp": created[0]["timestamp"], "data": made}]
    assert [(one["type"], one["data"]["name"]) for one in changed[1:]] == [("contact.updated", "Anna")]
    assert {one["type"] for one in stopped[2:]} == {"contact.opted_out", "contact.updated"}
    assert (heard[-1]["type"], heard[-1]["data"]["id"]) == ("contact.deleted", made["id"])


@pytest.mark.parametrize(("source", "name"), [("link", "message.unsubscribed"), ("complaint", "message.complained")])
async def test_who_wants_no_more_mail_is_told_with_the_mail(api, email: Channel, database, account, source, name):
    await add(api, delivery_profile="email_only")
    [id] = await world.queue(database, account, email, ["a@example.com"])
    async with database.tx(account) as tx:
        await consents.opt_out(tx, "email", "a@example.com", source)

    heard = await told(database, account)

    assert [(one["type"], one["data"]["id"], one["data"]["to"]) for one in heard] == [(name, id, "a@example.com")]


async def test_campaigns_are_told_with_their_figures(api, sms, database, account):
    await add(api, delivery_profile="campaigns_only")
    made = (await api.post("/campaigns", json={"name": "Sale", "channel": "sms", "message_template": "Hi"})).json()
    id = made["data"]["id"]
    async with database.tx(account) as tx:
        tx.record(campaigns.BroadcastStarted(id, "Sale"))
        tx.record(campaigns.BroadcastFailed(id, "Sale", "No route."))
        tx.record(campaigns.BroadcastStarted(2**40, "deleted meanwhile"))

    heard = await told(database, account)

    assert [one["type"] for one in heard] == ["campaign.started", "campaign.failed"]
    assert (heard[0]["data"]["id"], heard[0]["data"]["name"]) == (id, "Sale")
    assert heard[0]["data"]["stats"]["total"] == 0
    assert heard[1]["data"]["reason"] == "No route."


async def test_low_credits_are_told(api, database, account):
    await add(api, events=["credits.low"])
    async with database.tx(account) as tx:
        tx.record(CreditsLow(4, 5))

    [heard] = await told(database, account)

    assert (heard["type"], heard["data"]) == ("credits.low", {"balance": 4, "threshold": 5})


async def test_nobody_hears_what_is_not_theirs(api, new_key, sms, database, account, other_account):
    theirs = {"x-api-key": await new_key("portal", account=other_account)}
    await api.post("/webhooks", json={"url": URL}, headers=theirs)
    off = await add(api)
    await api.put(f"/webhooks/{off['id']}", json={"is_active": False})
    await add(api, delivery_profile="whatsapp_only")
    await world.queue(database, account, sms, [PHONE])
    async with database.tx(account) as tx:
        await people.get_or_create(tx, [Urn("tel", "+40740999000")])

    assert await told(database, account) == []
    assert await told(database, other_account) == []


async def test_all_endpoints_hear_of_an_event_under_one_id(api, database, account):
    for _ in range(2):
        await add(api, events=["contact.created"])
    await api.post("/contacts", json={"phone": PHONE})
    await world.react(database)

    rows = await world.execute(database.dsn, "select uuid from webhook_deliveries where account_id = $1", account)

    assert len(rows) == 2
    assert len({row[0] for row in rows}) == 1


async def test_of_a_message_that_is_not_there_nothing_is_told(api, database, account):
    await add(api, events=["message.sent"])
    async with database.tx(account) as tx:
        tx.record(MessagesChanged([(2**40, "sent", None, None, None)]))

    assert await told(database, account) == []
