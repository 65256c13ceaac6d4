"""One campaign seen through two dialects: made here, sent there, opened in between, the same figures for both."""

import re
from collections.abc import AsyncIterator

import httpx2
import pytest
from starlette.applications import Starlette

from tests import world
from tests.world import next_portion
from trunkline import callbacks
from trunkline.core.db import Database
from trunkline.dialects.dispatch import Dialects
from trunkline.messaging import carrier, tracking
from trunkline.messaging.channels import Channel

pytestmark = pytest.mark.anyio

PERSON = {"user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}
HTML = '<p>Hi</p><a href="https://shop.test/sale">See</a>'


@pytest.fixture(scope="module")
async def database(dsn: str, anyio_backend: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Database]:
    """One of its own: the sender looks at the lines of all accounts."""
    async with world.own_database(dsn, tmp_path_factory.mktemp("data")) as database:
        yield database


@pytest.fixture
async def connection(database: Database):
    import asyncpg

    connection = await asyncpg.connect(database.dsn)
    yield connection
    await connection.close()


@pytest.fixture
async def client(database: Database, vault) -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(Dialects(database, vault=vault))
    async with httpx2.AsyncClient(transport=transport, base_url="http://testserver/api/v1") as client:
        yield client


@pytest.fixture
async def platform(new_key) -> dict[str, str]:
    return {"authorization": f"Bearer {await new_key('platform')}"}


@pytest.fixture
async def portal(new_key) -> dict[str, str]:
    return {"x-api-key": await new_key("portal")}


@pytest.fixture
async def email(database: Database, account: int) -> Channel:
    return await world.simulator(database, account, **{"as": "email"})


async def read(database: Database, channel: Channel, *, people: int) -> None:
    """So many recipients open the mail and follow its link, a minute after they got it."""
    async with database.tx(channel.account_id) as tx:
        mails = await carrier.outbox(tx, channel.id)
    await world.execute(database.dsn, "update messages set sent_at = sent_at - interval '1 minute'")
    app = Starlette(routes=callbacks.routes(database))
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://testserver") as browser:
        for mail in mails[:people]:
            for path in re.findall(r'(?:src|href)="http://localhost:8080(/[ol]/[^"]+)"', mail.html or ""):
                await browser.get(path, headers=PERSON)
    await world.execute(database.dsn, "update mail_hits set at = at - interval '10 seconds'")
    await tracking.judge(database)


async def test_what_the_portal_sends_the_platform_tells(client, platform, portal, email, database, account):
    await world.contacts(database, account, [f"c{n}@example.com" for n in range(8)], "mailto")
    sale = {"name": "Sale", "channel": "email", "subject": "Sale", "message_template": HTML}
    id = (await client.post("/integrations/campaigns", json=sale, headers=portal)).json()["data"]["id"]
    await client.post(f"/integrations/campaigns/{id}/send", headers=portal)
    async with database.tx(account) as tx:
        await next_portion(tx, id)
    await world.deliver(database, account)
    await read(database, email, people=2)

    stats = (await client.get(f"/integrations/campaigns/{id}/status", headers=portal)).json()["data"]["stats"]
    told = (await client.get(f"/campaigns/{id}", headers=platform)).json()["data"]

    assert (stats["sent"], stats["opened"], stats["clicked"]) == (8, 2, 2)
    assert (told["sent_count"], told["delivered_count"], told["opened_count"], told["clicked_count"]) == (8, 8, 2, 2)
    assert (told["open_rate"], told["click_rate"]) == (25.0, 25.0)
    assert told["links"] == [{"url": "https://shop.test/sale", "clicks": 2}]


async def test_what_the_platform_makes_the_portal_sends(client, platform, portal, email, database, account):
    await world.contacts(database, account, ["c@example.com"], "mailto")
    promo = {"name": "Promo", "subject": "Promo", "html_body": HTML}
    id = (await client.post("/campaigns", json=promo, headers=platform)).json()["data"]["id"]

    listed = (await client.get("/integrations/campaigns", headers=portal)).json()["data"]
    sent = await client.post(f"/integrations/campaigns/{id}/send", headers=portal)
    told = (await client.get(f"/campaigns/{id}", headers=platform)).json()["data"]

    assert [(one["id"], one["message_template"]) for one in listed] == [(id, HTML)]
    assert (sent.status_code, told["status"]) == (202, "sending")


async def test_a_message_that_is_no_mail_is_a_campaign_all_the_same(client, platform, portal):
    text = {"name": "News", "channel": "sms", "message_template": "Hello {{name}}"}
    id = (await client.post("/integrations/campaigns", json=text, headers=portal)).json()["data"]["id"]

    told = (await client.get(f"/campaigns/{id}", headers=platform)).json()["data"]

    assert (told["channel"], told["body_text"], told["body_html"]) == ("sms", "Hello {{name}}", None)
