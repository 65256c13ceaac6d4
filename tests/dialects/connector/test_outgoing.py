"""What the owner of a custom channel is called with, and what they may say of it afterwards."""

import json
from uuid import UUID

import pytest
from aiohttp import web

from tests import world
from trunkline.ai import assistants
from trunkline.core import crypto

pytestmark = pytest.mark.anyio

SECRET = crypto.new_webhook_secret()


class Owner:
    """The owner's outgoing URL; it answers each call with `says`."""

    def __init__(self):
        self.calls = []
        self.says = {}

    async def answer(self, request):
        self.calls.append((dict(request.headers), await request.read()))
        return web.json_response(self.says)


@pytest.fixture
async def owner(database, account):
    owner = Owner()
    app = web.Application()
    app.router.add_post("/hook", owner.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    owner.channel = await world.custom(database, account, url, secret=SECRET)
    yield owner
    await runner.cleanup()


async def send(api, owner, **changes):
    data = {"fromId": "external-contact-id", "customChannel": owner.channel.name, "body": "Hello Jane!", **changes}
    answer = await api.post("/send_custom_channel_message", json={"customData": data})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def status_of(api, sent):
    said = (await api.get(f"/contacts/messages/{sent['contactId']}")).json()["messages"]
    return next(message["status"] for message in said if message["id"] == sent["messageId"])


async def test_a_message_reaches_the_owner(api, owner, database, account, outside):
    async with database.tx(account) as tx:
        campaign = outside("campaign", (await assistants.create(tx, "Support")).id)
    sent = await send(api, owner, campaignId=campaign)

    await world.deliver(database, account)

    [(headers, body)] = owner.calls
    told = json.loads(body)
    sid = told["customData"].pop("messageSid")
    assert UUID(sid)
    assert told.pop("timestamp").endswith("Z")
    assert told == {
        "customData": {
            "fromId": "acme",
            "toId": "external-contact-id",
            "body": "Hello Jane!",
            "customChannel": owner.channel.name,
            "channel": "custom",
            "status": "sent",
            "campaignId": campaign,
            "contactId": sent["contactId"],
            "mediaUrl": None,
        },
        "messageType": "text",
    }
    signed = crypto.sign_webhook([SECRET], sid, int(headers["webhook-timestamp"]), body)
    assert {name: headers[name] for name in signed} == signed
    assert await status_of(api, sent) == "sent"


@pytest.mark.parametrize("path", ["custom_channel_status", "custom-channel-status"])
async def test_the_owner_reports_by_our_id(api, owner, database, account, path):
    sent = await send(api, owner)
    await world.deliver(database, account)
    sid = json.loads(owner.calls[0][1])["customData"]["messageSid"]

    answer = await api.post(f"/{path}", json={"messageSid": sid, "status": "delivered"})

    assert answer.json() == {"status": "delivered", "pending": False, "success": True}
    assert await status_of(api, sent) == "delivered"


async def test_the_owner_reports_by_an_id_of_their_own(api, owner, database, account):
    owner.says = {"messageSid": "their-own"}
    sent = await send(api, owner)
    await world.deliver(database, account)

    answer = await api.post("/custom_channel_status", data={"messageSid": "their-own", "status": "failed"})

    assert answer.status_code == 200
    assert await status_of(api, sent) == "failed"


async def test_a_report_may_be_faster_than_our_own_note(api, owner, database, account):
    sent = await send(api, owner)
    said = (await api.get(f"/contacts/messages/{sent['contactId']}")).json()["messages"]

    answer = await api.post("/custom_channel_status", json={"messageSid": said[0]["messageSid"], "status": "read"})

    await world.deliver(database, account)
    await world.execute(database.dsn, "update jobs set run_at = now() where account_id = $1", account)
    await world.react(database)
    assert answer.json()["pending"] is True
    assert await status_of(api, sent) == "read"


async def test_a_report_about_nothing_is_refused(api, owner):
    answer = await api.post("/custom_channel_status", json={"messageSid": "nothing", "status": "read"})

    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "MESSAGE_NOT_FOUND")


async def test_nobody_reports_about_messages_of_others(api, owner, database, account, new_key, other_account):
    owner.says = {"messageSid": "their-own"}
    sent = await send(api, owner)
    await world.deliver(database, account)
    foreign = await new_key("connector", account=other_account)

    answer = await api.post(
        "/custom_channel_status", json={"messageSid": "their-own", "status": "read"}, headers={"x-api-key": foreign}
    )

    assert answer.status_code == 404
    assert await status_of(api, sent) == "sent"
