"""The dashboard among a million contacts and 200,000 conversations: pages, news between browsers, many streams."""

import asyncio
import contextlib
import re
import time
from collections.abc import AsyncIterator

import aiohttp
import asyncpg
from msgspec import Struct

from benchmarks import crowd, stage
from benchmarks.idle import pss_mib
from benchmarks.measuring import Figure, Scale, percentile
from benchmarks.stage import Stage, Up, Workspace
from trunkline.accounts import users
from trunkline.core.db import Database
from trunkline.messaging import channels

PASSWORD = "a bird sang twice"  # noqa: S105 of a database that lives for a minute
STREAMS_OF_ONE = 20


class Size(Struct, frozen=True):
    contacts: int
    conversations: int
    rounds: int
    messages: int
    streams: int


SIZES: dict[Scale, Size] = {
    "full": Size(1_000_000, 200_000, 40, 60, 500),
    "quick": Size(50_000, 10_000, 10, 10, 100),
    "tiny": Size(1_000, 200, 1, 2, 20),
}

PAGES = {
    "contacts": "/contacts",
    "contacts: search": "/contacts?search=zeb",
    "contacts: a query": "/contacts?query=name+~+Zebulon",
    "a contact": "/contacts/{contact}",
    "companies": "/companies",
    "pipeline": "/companies/pipeline",
    "campaigns": "/campaigns",
    "flows": "/flows",
    "analytics": "/analytics",
    "status": "/status",
    "palette": "/palette?q=zebulon",
    "inbox": "/inbox",
    "inbox: views with counts": "/inbox/api/views",
    "inbox: list": "/inbox/api/list?view=unassigned",
    "inbox: a conversation": "/inbox/api/conversations/{conversation}",
    "inbox: its messages": "/inbox/api/conversations/{conversation}/messages",
    "inbox: its panel": "/inbox/api/conversations/{conversation}/panel",
}


async def run(where: Stage, size: Size) -> list[Figure]:
    async with where.database("pages") as database:
        workspace = await stage.workspace(database)
        await crowd.people(database, workspace.id, size.contacts)
        ids = await _talks(database, workspace.id, size.conversations)
        await _members(database, workspace, size.streams // STREAMS_OF_ONE + 1)
        up = stage.running(["up"], where.new_folder("up"), TRUNKLINE_DATABASE_URL=database.dsn)
        async with up as server, _signed_in(server, 0) as session:
            figures = [await _page(session, server.url, name, path.format(**ids), size) for name, path in PAGES.items()]
            figures += await _first_paint(session, server.url)
            figures.append(await _news(database, session, server, ids, size.messages))
            figures.append(await _streams(server, size.streams))
        return figures


async def _page(session: aiohttp.ClientSession, url: str, name: str, path: str, size: Size) -> Figure:
    waits = []
    for _ in range(size.rounds):
        began = time.perf_counter()
        async with session.get(url + path) as answer:
            await answer.read()
        waits.append((time.perf_counter() - began) * 1000)
        assert answer.status == 200, (path, answer.status)
    most = 80.0 if size.contacts == SIZES["full"].contacts else None
    return Figure(name=f"{name}, p95", value=percentile(waits, 95), unit="ms", most=most)


async def _first_paint(session: aiohttp.ClientSession, url: str) -> list[Figure]:
    """Every byte that a browser fetches for the inbox the first time, as it goes over the wire."""
    async with session.get(f"{url}/inbox") as answer:
        page = await answer.text()
    total = len(page.encode())
    for path in set(re.findall(r'(?:href|src)="(/static/[^"]+)"', page)):
        async with session.get(url + path, headers={"Accept-Encoding": "gzip"}, auto_decompress=False) as answer:
            total += len(await answer.read())
    for path in ("/inbox/api/views", "/inbox/api/list?view=unassigned"):
        async with session.get(url + path) as answer:
            total += len(await answer.read())
    return [Figure(name="inbox: data until the first paint", value=total / 1000, unit="kB", most=150.0)]


async def _news(
    database: Database, session: aiohttp.ClientSession, server: Up, ids: dict[str, int], messages: int
) -> Figure:
    """From a provider's call to the event in somebody's open browser."""
    async with database.system() as tx:
        secret = await tx.value(str, SECRET, ids["channel"])
    del secret
    heard: asyncio.Queue[float] = asyncio.Queue()
    listener = asyncio.create_task(_listen(session, server.url, heard))
    await heard.get()
    waits = []
    for n in range(messages):
        began = time.perf_counter()
        await _say(database, ids["channel"], n)
        waits.append((await asyncio.wait_for(heard.get(), 30) - began) * 1000)
    listener.cancel()
    return Figure(name="a message shows in another browser, p95", value=percentile(waits, 95), unit="ms", most=300.0)
