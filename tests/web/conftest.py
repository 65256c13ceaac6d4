"""The pages behind an ASGI client and on a real port, and somebody who can sign in."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from types import SimpleNamespace

import asyncpg
import httpx2
import pytest
from starlette.applications import Starlette

from trunkline.accounts import users
from trunkline.core.db import Database
from trunkline.core.ids import token
from trunkline.server import Edge, serve
from trunkline.web import Pages

PASSWORD = "a bird sang twice"

SERVED = [
    SimpleNamespace(name="platform", title="Platform API", address="/api/v1"),
    SimpleNamespace(name="portal", title="Portal API", address="/api/v1/integrations"),
]


@pytest.fixture
async def pages(database: Database) -> AsyncIterator[Pages]:
    pages = Pages(database, SimpleNamespace(served=SERVED))
    await pages.open()
    yield pages
    await pages.close()


@pytest.fixture
def app(pages: Pages) -> Starlette:
    return Starlette(routes=pages.routes(), exception_handlers=pages.error_pages())


@pytest.fixture
async def browser(app: Starlette, connection: asyncpg.Connection) -> AsyncIterator[httpx2.AsyncClient]:
    """Somebody who is not signed in. They do not follow redirects."""
    # All tests come from one address; what others typed wrong is not held against this one.
    await connection.execute("delete from login_failures")
    transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
    headers = {"Accept": "text/html,*/*", "Origin": "http://testserver"}
    async with httpx2.AsyncClient(transport=transport, base_url="http://testserver", headers=headers) as client:
        yield client


@pytest.fixture
async def email(database: Database, account: int) -> str:
    """Ana, the owner of the account."""
    address = f"{token(12).lower()}@example.com"
    async with database.system(account) as tx:
        await users.create(tx, address, "owner", password=PASSWORD, name="Ana <Pop>")
    return address


@pytest.fixture
def password() -> str:
    return PASSWORD


@pytest.fixture
async def ana(browser: httpx2.AsyncClient, email: str) -> httpx2.AsyncClient:
    """The browser with Ana signed in."""
    answer = await browser.post("/login", data={"email": email, "password": PASSWORD})
    assert answer.status_code == 303
    return browser


@pytest.fixture
async def site(app: Starlette) -> AsyncIterator[str]:
    """The address of the pages on a real port: streams never end, so no ASGI client can wait for them."""
    async with served(app) as (url, _):
        yield url


@pytest.fixture
def serving() -> Callable[..., contextlib.AbstractAsyncContextManager[tuple[str, asyncio.Event]]]:
    return served


@pytest.fixture
async def cookie(site: str, email: str) -> dict[str, str]:
    """Ana's session at the `site`."""
    async with httpx2.AsyncClient(base_url=site) as client:
        answer = await client.post("/login", data={"email": email, "password": PASSWORD})
    return {"Cookie": f"trunkline={answer.cookies['trunkline']}"}


@contextlib.asynccontextmanager
async def served(app: Starlette) -> AsyncIterator[tuple[str, asyncio.Event]]:
    """The address, and the event that stops the server."""
    stop, listening = asyncio.Event(), asyncio.get_running_loop().create_future()
    server = asyncio.create_task(
        serve(
            Edge(app, access_log=False),
            host="127.0.0.1",
            port=0,
            stop=stop,
            on_listen=lambda host, port: listening.set_result(f"http://{host}:{port}"),
        )
    )
    await asyncio.wait([server, listening], return_when=asyncio.FIRST_COMPLETED)
    try:
        yield listening.result(), stop
    finally:
        stop.set()
        await server
