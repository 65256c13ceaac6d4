"""Pages of 250 by the RapidPro API among a million rows of each kind, beside a view of Django REST framework."""

import asyncio
import time
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import aiohttp
import asyncpg
from msgspec import Struct

from benchmarks import plenty, stage
from benchmarks.measuring import Figure, Scale, interleaved, middle, percentile, ratio
from benchmarks.plenty import Plenty
from benchmarks.stage import Stage, Up
from trunkline.contacts import people
from trunkline.contacts.people import Changes, NewContact
from trunkline.core import paging
from trunkline.core.crypto import Vault
from trunkline.core.db import Database

SECRET = "a secret of the benchmark, which nobody needs to guess"
CLIENTS = 4
LISTS = {"contacts": "modified_on", "messages": "created_on", "runs": "modified_on"}


class Size(Struct, frozen=True):
    """`rows` of each kind; `walked` of the contacts are walked through while others write."""

    rows: int
    asked: int
    rounds: int
    seconds: float
    walked: int


SIZES: dict[Scale, Size] = {
    "full": Size(1_000_000, 60, 5, 2, 100_000),
    "quick": Size(50_000, 20, 2, 1, 10_000),
    "tiny": Size(600, 2, 1, 0.05, 300),
}


async def run(where: Stage, size: Size) -> list[Figure]:
    async with where.database("rapidpro") as database:
        workspace = await stage.workspace(database)
        there = await plenty.fill(database, workspace.id, size.rows)
        headers = {"Authorization": f"Token {await stage.key(database, workspace, 'rapidpro')}"}
        web = stage.running(
            ["web"], where.new_folder("web"), TRUNKLINE_DATABASE_URL=database.dsn, TRUNKLINE_SECRET=SECRET
        )
        other = stage.serving("benchmarks.framework", database.dsn)
        async with web as ours, other as theirs, aiohttp.ClientSession(headers=headers) as session:
            figures = []
            for name in LISTS:
                await _check(session, ours, theirs, name)
                figures += await _pages(session, ours, workspace.id, name, size)
                figures += await _compare(session, ours, theirs, name, size)
            figures += await _in_bulk(session, ours, there, size)
            figures += await _walk(session, database, workspace.id, ours, size)
        return figures


async def _check(session: aiohttp.ClientSession, ours: Up, theirs: Up, name: str) -> None:
    """Both must say the same, but for their cursors."""
    told = []
    for server in (ours, theirs):
        async with session.get(f"{server.url}/api/v2/{name}.json") as answer:
            assert answer.status == 200, await answer.text()
            told.append((await answer.json())["results"])
    for one, other in zip(*told, strict=True):
        assert one == other, f"{name} differ:\n{one}\n{other}"


async def _pages(session: aiohttp.ClientSession, ours: Up, account: int, name: str, size: Size) -> list[Figure]:
    """How long a client waits for the first page, and for pages all over the rest."""
    path = f"/api/v2/{name}.json"
    newest, oldest = await _ends(session, ours.url, path, LISTS[name], size)
    vault = Vault(SECRET.encode())
    deep = []
    for part in range(size.asked):
        at = newest - (newest - oldest) * (0.5 + 0.49 * part / size.asked)
        cursor = paging.encode(vault, f"{path.removeprefix('/api/v2')}:{account}", (at, 0, False, {}))
        deep.append(f"{path}?cursor={cursor}")
    figures = []
    for label, addresses in (("first", [path] * size.asked), ("deep", deep)):
        waits = [await _wait(session, ours.url + address) for address in addresses]
        most = 60.0 if size.rows == SIZES["full"].rows else None
        figures += [
            Figure(name=f"{name}: {label} pages of 250, p50", value=percentile(waits, 50), unit="ms", most=most),
            Figure(name=f"{name}: {label} pages of 250, p95", value=percentile(waits, 95), unit="ms"),
        ]
    return figures


async def _ends(
    session: aiohttp.ClientSession, url: str, path: str, moment: str, size: Size
) -> tuple[datetime, datetime]:
    async with session.get(url + path) as answer:
        newest = datetime.fromisoformat((await answer.json())["results"][0][moment])
    return newest, newest - timedelta(seconds=size.rows)


async def _wait(session: aiohttp.ClientSession, url: str) -> float:
    began = time.perf_counter()
    async with session.get(url) as answer:
        told = await answer.read()
    assert answer.status == 200, told
    return (time.perf_counter() - began) * 1000


async def _compare(session: aiohttp.ClientSession, ours: Up, theirs: Up, name: str, size: Size) -> list[Figure]:
    async def rate(server: Up) -> float:
        return await _rate(session, f"{server.url}/api/v2/{name}.json", size.seconds)

    rates = await interleaved(size.rounds, ours=lambda: rate(ours), theirs=lambda: rate(theirs))
    return [
        middle(f"{name}: pages", rates["ours"], "/s"),
        middle(f"{name}: pages by Django REST framework", rates["theirs"], "/s"),
        ratio(f"{name}: rate beside Django REST framework", rates["ours"], rates["theirs"], least=5.0),
    ]


async def _rate(session: aiohttp.ClientSession, url: str, seconds: float) -> float:
    """Pages a second for a few clients that ask again at once."""
    began, pages = time.perf_counter(), 0

    async def ask() -> None:
        nonlocal pages
        while True:
            await _wait(session, url)
            pages += 1
            if time.perf_counter() - began > seconds:
                return

    await asyncio.gather(*(ask() for _ in range(CLIENTS)))
    return pages / (time.perf_counter() - began)


async def _in_bulk(session: aiohttp.ClientSession, ours: Up, there: Plenty, size: Size) -> list[Figure]:
    waits: dict[str, list[float]] = {"add": [], "remove": [], "block": [], "unblock": []}
    for _ in range(max(1, size.asked // 6)):
        for action, taken in waits.items():
            body: dict[str, Any] = {"contacts": there.members, "action": action}
            if action in ("add", "remove"):
                body["group"] = there.group
            began = time.perf_counter()
            async with session.post(f"{ours.url}/api/v2/contact_actions.json", json=body) as answer:
                assert answer.status == 204, await answer.text()
            taken.append((time.perf_counter() - began) * 1000)
    return [
        Figure(name=f"100 contacts: {action}, p50", value=percentile(taken, 50), unit="ms", most=50.0)
        for action, taken in waits.items()
    ]


async def _walk(session: aiohttp.ClientSession, database: Database, account: int, ours: Up, size: Size) -> list[Figure]:
    """From the oldest change on, while contacts come, change and go: who stays as he is must be met once."""
    rows = await _oldest(database, account, size.walked)
    known = {str(uuid) for _, uuid, _ in rows}
    stop = asyncio.Event()
    some = [id for id, _, _ in rows[:: max(1, size.walked // 200)]]
    writing = asyncio.create_task(_write(database, account, some, stop))
    seen: list[str] = []
    bound = rows[-1][2].isoformat().replace("+00:00", "Z")
    address = f"{ours.url}/api/v2/contacts.json?reverse=true&before={bound}"
    began = time.perf_counter()
    while address:
        async with session.get(address) as answer:
            page = await answer.json()
        seen += [row["uuid"] for row in page["results"]]
        address = page["next"]
    seconds = time.perf_counter() - began
    stop.set()
    touched = await writing
    missing = len(known - set(seen) - touched)
    return [
        Figure(
            name=f"walk of {len(known):,} contacts among {len(touched)} changes", value=len(seen) / seconds, unit="/s"
        ),
        Figure(name="walk: contacts missing", value=missing, most=0.0),
        Figure(name="walk: contacts met twice", value=len(seen) - len(set(seen)), most=0.0),
    ]


async def _oldest(database: Database, account: int, number: int) -> list[tuple[int, UUID, datetime]]:
    owner = await asyncpg.connect(database.dsn)
    try:
        return [tuple(row) for row in await owner.fetch(OLDEST, account, number)]
    finally:
        await owner.close()


async def _write(database: Database, account: int, ids: list[int], stop: asyncio.Event) -> set[str]:
    """New contacts all the time, now and then a change or an end of one of `ids`. Returns who was touched."""
    touched: set[str] = set()
    while not stop.is_set():
        async with database.tx(account) as tx:
            await people.create(tx, NewContact(name="Somebody new"))
            if ids:
                [contact] = await people.get_many(tx, [ids.pop()])
                touched.add(str(contact.uuid))
                if len(ids) % 5:
                    await people.update(tx, contact.id, Changes(name="Somebody else"))
                else:
                    await people.delete(tx, [contact.id])
        await asyncio.sleep(0.02)
    return touched


OLDEST = """
    select id, uuid, updated_at from contacts where account_id = $1 and deleted_at is null
    order by updated_at, id limit $2
"""
