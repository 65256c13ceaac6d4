"""The chat window in a real browser, on a page of another origin with a strict policy. Needs chromium."""

import asyncio
import contextlib
import hmac
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from tests import world
from tests.web import chromium
from trunkline.accounts import api_keys, users
from trunkline.app import App
from trunkline.core.db import Database
from trunkline.messaging import channels
from trunkline.messaging.channels import Channel
from trunkline.server import Edge, serve
from trunkline.worker import Worker

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(
        chromium.PROGRAM is None and not os.environ.get("CI"),
        reason="chromium is not installed (Debian: apt install chromium)",
    ),
]

ROOT = "document.querySelector('#trunkline-chat').shadowRoot"
LOG = f"[...{ROOT}.querySelectorAll('.log li')].map((row) => row.innerText).join('|')"
EVIL = "<img src=x onerror=\"document.title='broken'\"><script>document.title='broken'</script>"
WRITE = """(() => {{
    const root = document.querySelector('#trunkline-chat').shadowRoot;
    root.querySelector('textarea').value = {text!r};
    root.querySelector('form').requestSubmit();
}})()"""


@contextlib.asynccontextmanager
async def on_a_port(app: Any, port: int = 0) -> AsyncIterator[str]:
    stop, listening = asyncio.Event(), asyncio.get_running_loop().create_future()
    server = asyncio.create_task(
        serve(
            Edge(app, access_log=False),
            host="127.0.0.1",
            port=port,
            stop=stop,
            on_listen=lambda host, port: listening.set_result(f"http://{host}:{port}"),
        )
    )
    await asyncio.wait([server, listening], return_when=asyncio.FIRST_COMPLETED)
    try:
        yield listening.result()
    finally:
        stop.set()
        if isinstance(app, App):
            await app.close()
        await server


@contextlib.asynccontextmanager
async def product(database: Database, port: int = 0) -> AsyncIterator[str]:
    app = App(database)
    await app.open()
    async with on_a_port(app, port) as url:
        yield url


@pytest.fixture
async def own(dsn: str, tmp_path: Path) -> AsyncIterator[Database]:
    """A database with a worker at work."""
    async with world.own_database(dsn, tmp_path) as database:
        worker = Worker(database)
        working = asyncio.create_task(worker.run())
        yield database
        worker.stop()
        await working


class Shop:
    """A site with one page, which shows the chat window of `host`."""

    def __init__(self) -> None:
        self.host, self.window, self.attributes = "", "", ""

    async def page(self, request: Request) -> Response:
        tag = f'<script async src="{self.host}/chat/widget.js" data-channel="{self.window}" {self.attributes}></script>'
        policy = f"default-src 'none'; script-src {self.host}; connect-src {self.host}"
        head = '<meta name=viewport content="width=device-width,initial-scale=1"><title>Tea shop</title>'
        body = f"<!doctype html><html lang=en>{head}<h1>Tea</h1>{tag}"
        return HTMLResponse(body, headers={"Content-Security-Policy": policy})


async def opened(own: Database, account: int, origin: str, **settings: Any) -> Channel:
    values = {"origins": origin, "title": "Tea shop", "greeting": "Hello! How can we help?", **settings}
    async with own.tx(account) as tx:
        return (await channels.create(tx, "webchat", "Shop", "shop", values))[0]


async def answer(host: str, key: str, text: str) -> None:
    """A colleague answers through the platform API."""
    async with httpx2.AsyncClient(base_url=f"{host}/api/v1", headers={"Authorization": f"Bearer {key}"}) as api:
        async with asyncio.timeout(30):
            while not (found := (await api.get("/conversations")).json()["data"]):
                await asyncio.sleep(0.05)
        sent = await api.post(f"/conversations/{found[0]['id']}/reply", json={"body": text})
        assert sent.status_code == 201, sent.text


async def test_a_visitor_and_a_colleague_talk_through_restarts(own: Database, tmp_path: Path) -> None:
    account = await world.workspace(own)
    async with own.system(account) as tx:
        user = (await users.create(tx, "ana@example.com", "owner", password="a bird sang twice")).member.id
        key, _ = await api_keys.create(tx, user, "platform")
    shop = Shop()
    async with (
        asyncio.timeout(180),
        on_a_port(Starlette(routes=[Route("/", shop.page)])) as site,
        chromium.page() as page,
    ):
        window = await opened(own, account, site)
        async with product(own) as host:
            shop.host, shop.window = host, str(window.uuid)
            await page.go(site)
            await page.until(f"{ROOT}.querySelector('.launch')")
            await page.evaluate(f"{ROOT}.querySelector('.launch').click()")
            await page.evaluate(WRITE.format(text="Is the green tea in stock?"))
            await page.until(f"{LOG}.includes('green tea') && !{LOG}.includes('Sending')")
            await answer(host, key, "Yes: 1 < 2 &amp; <b>more")
            await page.until(f"{LOG}.includes('Yes: 1 < 2')")
            await page.evaluate(WRITE.format(text=EVIL))
            await page.until(f"{LOG}.includes('onerror=') && !{LOG}.includes('Sending')")
            (tmp_path / "talk.png").write_bytes(await page.picture())

            await page.go(site)
            await page.until(f"{LOG}.includes('green tea') && {LOG}.includes('onerror=')")
            await page.until(f"{ROOT}.querySelector('.notice').hidden")

        await page.until(f"!{ROOT}.querySelector('.notice').hidden")
        async with product(own, int(host.rpartition(":")[2])):
            await answer(host, key, "We are back")
            await page.until(f"{LOG}.includes('We are back') && {ROOT}.querySelector('.notice').hidden")
            await page.look(390, 844)
            (tmp_path / "mobile.png").write_bytes(await page.picture())

        assert await page.evaluate("document.title") == "Tea shop"
        assert await page.evaluate(f"{ROOT}.querySelectorAll('img, script').length") == 0
        assert [one for one in page.problems if "ERR_" not in one] == []


async def test_a_page_of_another_site_shows_no_window(own: Database) -> None:
    account = await world.workspace(own)
    shop = Shop()
    async with (
        asyncio.timeout(120),
        on_a_port(Starlette(routes=[Route("/", shop.page)])) as site,
        product(own) as host,
        chromium.page() as page,
    ):
        shop.host, shop.window = host, str((await opened(own, account, "https://shop.example")).uuid)

        await page.go(site)
        await page.until("window.Trunkline")
        await page.evaluate("new Promise((done) => setTimeout(done, 500))")

        assert not await page.evaluate("!!document.querySelector('#trunkline-chat')")


async def test_keyboard_and_language(own: Database) -> None:
    account = await world.workspace(own)
    shop = Shop()
    shop.attributes = 'data-lang="ro"'
    async with (
        asyncio.timeout(120),
        on_a_port(Starlette(routes=[Route("/", shop.page)])) as site,
        product(own) as host,
        chromium.page() as page,
    ):
        shop.host, shop.window = host, str((await opened(own, account, site)).uuid)
        await page.go(site)
        await page.until(f"{ROOT}.querySelector('.launch')")
        assert await page.evaluate(f"{ROOT}.querySelector('.launch').getAttribute('aria-label')") == "Deschide chatul"

        await page.evaluate("Trunkline.open()")
        await page.until(f"{ROOT}.activeElement === {ROOT}.querySelector('textarea')")
        for kind in ("keyDown", "keyUp"):
            await page.command(
                "Input.dispatchKeyEvent", type=kind, key="Escape", code="Escape", windowsVirtualKeyCode=27
            )

        await page.until(f"{ROOT}.querySelector('.panel').hidden")
        assert await page.evaluate(f"{ROOT}.activeElement === {ROOT}.querySelector('.launch')")


async def test_what_is_written_while_the_server_is_away_is_sent_once(own: Database) -> None:
    account = await world.workspace(own)
    shop = Shop()
    async with (
        asyncio.timeout(150),
        on_a_port(Starlette(routes=[Route("/", shop.page)])) as site,
        chromium.page() as page,
    ):
        async with product(own) as host:
            shop.host, shop.window = host, str((await opened(own, account, site)).uuid)
            await page.go(site)
            await page.until(f"{ROOT}.querySelector('.launch')")
            await page.evaluate("Trunkline.open()")
            await page.evaluate(WRITE.format(text="First"))
            await page.until(f"{LOG}.includes('First') && !{LOG}.includes('Sending')")
        await page.evaluate(WRITE.format(text="Second"))
        await page.until(f"{LOG}.includes('Second') && {LOG}.includes('Sending')")

        async with product(own, int(host.rpartition(":")[2])):
            await page.until(f"{LOG}.includes('Second') && !{LOG}.includes('Sending')")

    rows = await world.execute(own.dsn, "select body from messages where account_id = $1 order by id", account)
    assert [row[0] for row in rows] == ["First", "Second"]


async def test_a_known_visitor_sees_how_much_is_unread_and_may_attach(own: Database, tmp_path: Path) -> None:
    account = await world.workspace(own)
    async with own.system(account) as tx:
        user = (await users.create(tx, "ana@example.com", "owner", password="a bird sang twice")).member.id
        key, _ = await api_keys.create(tx, user, "platform")
    shop = Shop()
    proof = hmac.new(b"identity-secret-of-the-shop", b"42", "sha256").hexdigest()
    shop.attributes = f'data-user-id="42" data-user-hash="{proof}"'
    async with (
        asyncio.timeout(150),
        on_a_port(Starlette(routes=[Route("/", shop.page)])) as site,
        product(own) as host,
        chromium.page() as page,
    ):
        settings = {"secret": "identity-secret-of-the-shop", "trust_uploads": "identified", "colour": "#ffd54a"}
        shop.host, shop.window = host, str((await opened(own, account, site, **settings)).uuid)
        await page.go(site)
        await page.until(f"{ROOT}.querySelector('.launch')")
        await page.evaluate("Trunkline.open()")
        await page.evaluate(WRITE.format(text="Hello"))
        await page.until(f"{LOG}.includes('Hello') && !{LOG}.includes('Sending')")
        await page.evaluate("Trunkline.close()")

        await answer(host, key, "Hi Ana")

        await page.until(
            f"{ROOT}.querySelector('.badge').textContent === '1' && !{ROOT}.querySelector('.badge').hidden"
        )
        await page.evaluate("Trunkline.open()")
        await page.until(f"{ROOT}.querySelector('.badge').hidden")
        await page.evaluate(ATTACH)
        await page.until(f"{ROOT}.querySelector('.log a')?.textContent === 'note.txt'")
        (tmp_path / "known.png").write_bytes(await page.picture())
        assert page.problems == []


ATTACH = """(() => {
    const root = document.querySelector('#trunkline-chat').shadowRoot;
    const picker = root.querySelector('input[type=file]');
    const given = new DataTransfer();
    given.items.add(new File(['Hello'], 'note.txt', { type: 'text/plain' }));
    picker.files = given.files;
    picker.dispatchEvent(new Event('change'));
})()"""
