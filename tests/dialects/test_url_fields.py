"""Every field that takes a URL refuses what is private by its form, in whichever dialect, command or page it stands;
what is called later is judged again by the one client that makes the call, hop by hop.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx2
import pytest
from aiohttp import web

from tests import world
from trunkline.accounts import settings
from trunkline.channels.telephony.waves import BadRecording
from trunkline.core.db import Database
from trunkline.core.egress import Egress
from trunkline.core.errors import Invalid
from trunkline.dialects.dispatch import Dialects
from trunkline.dialects.portal import portal
from trunkline.flows import recordings
from trunkline.messaging import channels

pytestmark = pytest.mark.anyio

PRIVATE = [
    "https://10.0.0.1/hook", "https://127.0.0.2/hook", "https://169.254.169.254/latest/meta-data", "https://[::1]/hook",
    "https://[fd00::1]/hook", "https://[::ffff:10.0.0.1]/hook", "https://0x7f000001/hook", "https://2130706433/hook",
    "https://printer.local/hook", "https://db.internal/hook", "https://user:pw@example.com/hook",
    "https://example.com:25/hook", "http://example.com/hook", "ftp://example.com/hook",
]  # fmt: skip
SMS = {"channel": "sms", "body": "Hi"}
PHONE = "+40740111222"

Refuses = Callable[[str], Awaitable[list[str]]]


@pytest.fixture
async def api(database: Database, vault: Any, new_key: Any) -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(Dialects(database, vault=vault, served=[portal]))
    headers = {"x-api-key": await new_key("portal", rate="off")}
    base = "http://testserver/api/v1/integrations"
    async with httpx2.AsyncClient(transport=transport, base_url=base, headers=headers) as client:
        yield client


@pytest.fixture
async def asked(
    api: httpx2.AsyncClient, database: Database, account: int
) -> Callable[[str, str], Awaitable[list[str]]]:
    """Put a URL into a field; the names of the fields that were refused for it."""
    await world.simulator(database, account)
    await world.simulator(database, account, **{"as": "voice"})
    endpoint = (await api.post("/webhooks", json={"url": "https://example.com/"})).json()["data"]["id"]
    bodies: dict[str, tuple[str, str, dict[str, Any]]] = {
        "webhook": ("POST", "/webhooks", {}),
        "webhook, changed": ("PUT", f"/webhooks/{endpoint}", {}),
        "message": ("POST", "/messages/send", {**SMS, "to": PHONE}),
        "batch": ("POST", "/messages/send-batch", {**SMS, "recipients": [{"to": PHONE}]}),
        "call": ("POST", "/calls/initiate", {"to": PHONE, "message": "Hello"}),
    }

    async def ask(place: str, url: str) -> list[str]:
        if place in bodies:
            method, path, body = bodies[place]
            answer = await api.request(method, path, json={**body, FIELDS[place]: url})
            return list(answer.json()["errors"]) if answer.status_code == 422 else []
        try:
            async with database.tx(account) as tx:
                if place == "channel":
                    await channels.create(tx, "custom_http", "Custom", "acme", {"url": url})
                else:
                    await settings.put(tx, {FIELDS[place]: url}, egress=Egress(), operator=True)
        except Invalid as refused:
            return list(refused.fields)
        return []

    return ask


FIELDS = {
    "webhook": "url",
    "webhook, changed": "url",
    "message": "callback_url",
    "batch": "callback_url",
    "call": "webhook_url",
    "channel": "url",
    "account": "webhook_url",
    "agency": "auto_recharge_url",
}


@pytest.mark.parametrize("place", FIELDS)
async def test_b87_what_is_private_is_refused_in_the_field(
    asked: Any, connection: Any, account: int, place: str
) -> None:
    refused = {url: await asked(place, url) for url in PRIVATE}

    assert refused == {url: [FIELDS[place]] for url in PRIVATE}
    assert await connection.fetchval("select count(*) from messages where account_id = $1", account) == 0


@pytest.mark.parametrize("place", FIELDS)
async def test_a_name_is_taken_without_asking_for_its_address(asked: Any, place: str) -> None:
    assert await asked(place, "https://nowhere.example/hook?a=b") == []


class Site:
    """A server at an address that may be called, which leads on to one that may not."""

    def __init__(self) -> None:
        self.status, self.calls, self.hidden, self.url = 302, 0, 0, ""

    async def answer(self, request: web.Request) -> web.Response:
        if request.path == "/hidden":
            self.hidden += 1
            return web.Response(text="secret")
        self.calls += 1
        there = self.url.replace("127.0.0.1", "127.0.0.2").replace("/hook", "/hidden")
        return web.Response(status=self.status, headers={"Location": there})


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    site, app = Site(), web.Application()
    app.router.add_route("*", "/{path:.*}", site.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "0.0.0.0", 0).start()
    site.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    yield site
    await runner.cleanup()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_custom_channel_that_leads_elsewhere_is_not_followed(
    database: Database, account: int, connection: Any, site: Site, status: int
) -> None:
    site.status = status
    channel = await world.custom(database, account, site.url)
    [id] = await world.queue(database, account, channel, ["someone"])

    await world.deliver(database, account)

    assert (site.calls, site.hidden) == (1, 0)
    assert await connection.fetchval("select status from messages where id = $1", id) == "errored"


async def test_media_are_not_fetched_from_where_a_public_address_leads(database: Database, site: Site) -> None:
    with pytest.raises(BadRecording, match="not a public address"):
        await recordings.fetch(database.tools, site.url)

    assert (site.calls, site.hidden) == (1, 0)
