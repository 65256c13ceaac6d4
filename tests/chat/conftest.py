"""Chat windows of a shop, behind an ASGI client and on a real port."""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette

from trunkline import callbacks
from trunkline.core.db import Database
from trunkline.messaging import channels
from trunkline.messaging.channels import Channel
from trunkline.server import Edge, serve
from trunkline.web.chat import live
from trunkline.web.chat.window import Chat

SHOP = "https://shop.example"
SECRET = "identity-secret-of-the-shop"

Open = Callable[..., Awaitable[Channel]]


@pytest.fixture
def opening(database: Database, account: int) -> Open:
    """Opens a chat window of the account."""

    async def make(**settings: Any) -> Channel:
        values = {"origins": SHOP, "title": "Acme", "secret": SECRET, **settings}
        async with database.tx(account) as tx:
            channel, _ = await channels.create(tx, "webchat", f"Shop {secrets.token_hex(3)}", "shop", values)
            return channel

    return make


@pytest.fixture
async def window(opening: Open) -> Channel:
    return await opening()


@pytest.fixture
async def chat(database: Database) -> AsyncIterator[Chat]:
    chat = Chat(database)
    yield chat
    await chat.close()


@pytest.fixture
def app(chat: Chat, database: Database) -> Starlette:
    return Starlette(routes=[*chat.routes(), *live.routes(chat), *callbacks.routes(database)])


@pytest.fixture
async def shop(app: Starlette, window: Channel) -> AsyncIterator[httpx2.AsyncClient]:
    """A page of the shop, calling its window."""
    async with page_of(app, window) as client:
        yield client


@pytest.fixture
def paging(app: Starlette) -> Callable[[Channel], contextlib.AbstractAsyncContextManager[httpx2.AsyncClient]]:
    return lambda window: page_of(app, window)


@contextlib.asynccontextmanager
async def page_of(app: Starlette, window: Channel) -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(app, client=("203.0.113.9", 4711))
    headers = {"Origin": SHOP, "User-Agent": "Firefox"}
    base = f"http://testserver/chat/{window.uuid}/"
    async with httpx2.AsyncClient(transport=transport, base_url=base, headers=headers) as client:
        yield client


@pytest.fixture
def key() -> str:
    """What a browser keeps."""
    return secrets.token_hex(16)


@pytest.fixture
async def ana(shop: httpx2.AsyncClient, key: str) -> httpx2.AsyncClient:
    """A page of the shop with a session of an anonymous visitor."""
    shop.headers["Authorization"] = f"Bearer {await begun(shop, visitor=key)}"
    return shop


async def begun(client: httpx2.AsyncClient, **hello: Any) -> str:
    answer = await client.post("session", json=hello)
    assert answer.status_code == 200, answer.text
    return answer.json()["token"]


@pytest.fixture
def begin() -> Callable[..., Awaitable[str]]:
    return begun


@pytest.fixture
def serving() -> Callable[..., contextlib.AbstractAsyncContextManager[str]]:
    return served


@contextlib.asynccontextmanager
async def served(database: Database, port: int = 0) -> AsyncIterator[str]:
    """The windows on a real port, until the end of the block."""
    chat = Chat(database)
    app = Starlette(routes=[*chat.routes(), *live.routes(chat), *callbacks.routes(database)])
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
        await chat.close()
        await server
