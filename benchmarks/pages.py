"""The dashboard among a million contacts and 200,000 conversations: pages, news between browsers, many streams."""

import asyncio
import contextlib
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

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
from trunkline.proof.targets import below, title
from trunkline.storage import postgres

PASSWORD = "a bird sang twice"
STREAMS_OF_ONE = 20
SETTLED, PATIENCE = 1.0, 30.0
"""Seconds until streams surely listen; seconds after which a message is given up."""


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
    "inbox: its messages": "/inbox/api/conversations/{conversation}/messages?before=9000000000-9000000000",
    "inbox: its panel": "/inbox/api/conversations/{conversation}/panel",
}


async def run(where: Stage, size: Size) -> list[Figure]:
    async with (
        stage.running(["up"], where.new_folder("up")) as up,
        postgres.database(up.data) as dsn,
        stage.opened(dsn, up.data) as database,
    ):
        workspace = await stage.workspace(database)
        await crowd.people(database, workspace.id, size.contacts)
        ids = await _talks(database, workspace.id, size.conversations)
        await _members(database, workspace, size.streams // STREAMS_OF_ONE + 1)
        async with _signed_in(up, 0) as session:
            figures = [await _page(session, up.url, name, path.format(**ids), size) for name, path in PAGES.items()]
            figures += await _first_paint(session, up.url)
            figures.append(await _news(database, session, up, workspace.id, size.messages))
            figures.append(await _streams(up, size.streams))
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


async def _news(database: Database, session: aiohttp.ClientSession, server: Up, account: int, messages: int) -> Figure:
    """From a provider's call to the event in somebody's open browser."""
    async with database.tx(account) as tx:
        phone, secret = await channels.create(tx, "simulator", "Phones", "+40700000000", {})
    url, headers = f"{server.url}{phone.callback_path}receive", {"Authorization": f"Bearer {secret}"}
    waits = []
    async with session.get(f"{server.url}/live?as=update", timeout=aiohttp.ClientTimeout(600)) as stream:
        await asyncio.sleep(SETTLED)
        for n in range(messages):
            said = {"id": f"in-{n}", "from": stage.phone(1 + n % 50), "text": "Yes, at ten."}
            began = time.perf_counter()
            async with session.post(url, json=said, headers=headers) as answer:
                assert answer.status == 200, await answer.text()
            async with asyncio.timeout(PATIENCE):
                async for line in stream.content:
                    if b"message.filed" in line:
                        break
            waits.append((time.perf_counter() - began) * 1000)
    return Figure(name="a message shows in another browser, p95", value=percentile(waits, 95), unit="ms", most=300.0)


async def _streams(server: Up, number: int) -> Figure:
    """What the web process grows by while so many browsers listen, of as many people as it takes."""
    web = _web_process(server.pid)
    before = pss_mib(web)
    async with contextlib.AsyncExitStack() as stack:
        for person in range(-(-number // STREAMS_OF_ONE)):
            session = await stack.enter_async_context(_signed_in(server, person))
            for _ in range(min(STREAMS_OF_ONE, number - person * STREAMS_OF_ONE)):
                live = session.get(f"{server.url}/live", timeout=aiohttp.ClientTimeout(600))
                stream = await stack.enter_async_context(live)
                assert stream.status == 200, stream.status
        await asyncio.sleep(SETTLED)
        grown = pss_mib(web) - before
    return Figure(name=f"{number} open streams: memory of the web process", value=grown, unit="MiB", most=100.0)


def _web_process(supervisor: int) -> int:
    """The process below `up` that serves."""
    for pid in below(supervisor):
        if title(pid) == "trunkline web":
            return pid
    raise RuntimeError("no web process")


@asynccontextmanager
async def _signed_in(server: Up, person: int) -> AsyncIterator[aiohttp.ClientSession]:
    jar = aiohttp.CookieJar(unsafe=True)  # 127.0.0.1 has cookies too
    async with aiohttp.ClientSession(cookie_jar=jar, connector=aiohttp.TCPConnector(limit=0)) as session:
        form = {"email": f"person{person}@example.com", "password": PASSWORD}
        async with session.post(f"{server.url}/login", data=form, allow_redirects=False) as answer:
            assert answer.status == 303, await answer.text()
        yield session


async def _members(database: Database, workspace: Workspace, number: int) -> None:
    for person in range(number):
        async with database.system(workspace.id) as tx:
            await users.create(tx, f"person{person}@example.com", "owner", password=PASSWORD)


async def _talks(database: Database, account: int, number: int) -> dict[str, int]:
    """Conversations of as many people, each with two messages; ids of one of them and its contact."""
    async with database.tx(account) as tx:
        phone, _ = await channels.create(tx, "simulator", "Old phones", "+40700000001", {})
    owner = await asyncpg.connect(database.dsn)
    try:
        await owner.execute(CONVERSATIONS, account, phone.id, number)
        await owner.execute(MESSAGES, account, phone.id)
        await owner.execute("vacuum analyze")
        row = await owner.fetchrow("select id, contact_id from conversations where account_id = $1 limit 1", account)
    finally:
        await owner.close()
    return {"conversation": row["id"], "contact": row["contact_id"]}


CONVERSATIONS = """
    insert into conversations (account_id, uuid, contact_id, channel_id, channel, thread, status, preview, is_read,
        messages_count, last_message_at, created_at)
    select $1, gen_random_uuid(), c.id, $2, 'sms', '', case when c.id % 3 = 0 then 'closed' else 'open' end,
        'Is my order on its way?', c.id % 5 > 0, 2, now() - make_interval(secs => c.id), now() - interval '90 days'
    from contacts c where c.account_id = $1 order by c.id limit $3
"""

MESSAGES = """
    insert into messages (account_id, direction, status, contact_id, channel_id, conversation_id, scheme, address, body,
        created_at)
    select $1, side, case side when 'in' then 'handled' else 'delivered' end, v.contact_id, $2, v.id, 'tel',
        '+40720000000', 'Is my order on its way?', v.last_message_at
    from conversations v, unnest(array['in', 'out']) as side where v.account_id = $1
"""
