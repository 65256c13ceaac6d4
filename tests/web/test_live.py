"""The stream of live updates: complete, in order, one's own, and only for as long as one may see it."""

import asyncio
import contextlib
import json
import random
from collections.abc import AsyncIterator

import asyncpg
import httpx2
import pytest
from starlette.applications import Starlette

from tests import world
from trunkline.accounts import sessions, users
from trunkline.core import live as updates
from trunkline.core.db import Database
from trunkline.core.live import Update
from trunkline.web import hub
from trunkline.web import live as streams
from trunkline.web.hub import Stream

pytestmark = pytest.mark.anyio

PATIENCE = 30

HANG_UP = """
    select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and query ilike 'listen%trunkline_live%'
"""


async def push(database: Database, account: int, *numbers: int) -> None:
    async with database.system(account) as tx:
        await updates.push(tx, [("test.happened", {"n": n}) for n in numbers])


@contextlib.asynccontextmanager
async def listening(
    site: str, headers: dict[str, str], path: str = "/live"
) -> AsyncIterator[AsyncIterator[dict[str, str]]]:
    """The events of a stream that has begun, each as its fields."""
    async with (
        asyncio.timeout(PATIENCE),
        httpx2.AsyncClient(base_url=site, timeout=PATIENCE) as client,
        client.stream("GET", path, headers=headers) as answer,
    ):
        assert answer.status_code == 200
        events = parsed(answer)
        assert await anext(events) == {"retry": "2000"}
        yield events


async def parsed(answer: httpx2.Response) -> AsyncIterator[dict[str, str]]:
    event: dict[str, str] = {}
    async for line in answer.aiter_lines():
        if line:
            name, _, value = line.partition(":")
            event[name] = value.strip()
        elif event:
            yield event
            event = {}


async def marker(database: Database) -> str:
    """The id that a browser has which heard all until now."""
    return str(await updates.latest(database))


async def ended(events: AsyncIterator[dict[str, str]]) -> bool:
    with contextlib.suppress(httpx2.HTTPError):
        async for _ in events:
            pass
    return True


async def test_an_update_has_id_kind_and_ids(
    site: str, cookie: dict[str, str], database: Database, account: int
) -> None:
    before = await marker(database)
    await push(database, account, 1)

    async with listening(site, cookie, f"/live?after={before}") as events:
        event = await anext(events)

    assert int(event["id"]) > int(before)
    assert (event["event"], json.loads(event["data"])) == ("test.happened", {"n": 1})


async def test_nothing_is_lost_over_a_thousand_updates_and_random_cuts(
    site: str, cookie: dict[str, str], database: Database, account: int, other_account: int
) -> None:
    chance = random.Random(7)
    last = await marker(database)

    async def happen() -> None:
        upcoming = list(range(1000))
        while upcoming:
            portion = [upcoming.pop(0) for _ in range(min(len(upcoming), chance.randint(1, 20)))]
            await push(database, account, *portion)
            await push(database, other_account, -1)

    happening = asyncio.create_task(happen())
    heard: list[int] = []
    while len(heard) < 1000:
        until_cut = chance.randint(1, 80)
        async with listening(site, {**cookie, "Last-Event-ID": last}) as events:
            while until_cut and len(heard) < 1000:
                event = await anext(events)
                heard.append(json.loads(event["data"])["n"])
                last = event["id"]
                until_cut -= 1
    await happening

    assert heard == list(range(1000))


async def test_updates_of_other_accounts_never_arrive(
    site: str, cookie: dict[str, str], database: Database, account: int, other_account: int
) -> None:
    last = await marker(database)
    await push(database, other_account, 1)

    async with listening(site, {**cookie, "Last-Event-ID": last}) as events:
        await push(database, other_account, 2)
        await push(database, account, 3)
        event = await anext(events)

    assert json.loads(event["data"]) == {"n": 3}


async def test_updates_go_on_when_the_database_hangs_up(
    site: str, cookie: dict[str, str], database: Database, account: int, connection: asyncpg.Connection
) -> None:
    last = await marker(database)

    async with listening(site, {**cookie, "Last-Event-ID": last}) as events:
        await push(database, account, 1)
        await anext(events)
        await connection.execute(HANG_UP)
        await push(database, account, 2)
        event = await anext(events)

    assert json.loads(event["data"]) == {"n": 2}


async def test_whoever_was_away_too_long_is_told_to_load_anew(
    site: str, cookie: dict[str, str], database: Database, account: int
) -> None:
    await push(database, account, 1)

    async with listening(site, {**cookie, "Last-Event-ID": "999999999999"}) as events:
        reset = await anext(events)
        await push(database, account, 2)
        event = await anext(events)

    assert reset["event"] == "reset"
    assert int(reset["id"]) < int(event["id"])
    assert json.loads(event["data"]) == {"n": 2}


@pytest.mark.parametrize("given", ["x", "-1", "1e3", "9" * 30, "٣"])
async def test_a_broken_id_is_refused(browser: httpx2.AsyncClient, ana: httpx2.AsyncClient, given: str) -> None:
    answer = await browser.get("/live", params={"after": given}, headers={"Accept": "text/event-stream"})

    assert answer.status_code == 400


async def test_strangers_hear_nothing(browser: httpx2.AsyncClient) -> None:
    answer = await browser.get("/live", headers={"Accept": "text/event-stream"})

    assert answer.status_code == 401
    assert answer.json()["code"] == "unauthenticated"


async def test_other_sites_hear_nothing(ana: httpx2.AsyncClient) -> None:
    answer = await ana.get("/live", headers={"Origin": "http://evil.example"})

    assert answer.status_code == 403


async def test_a_stream_ends_with_its_session(
    site: str, cookie: dict[str, str], database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "CHECK_SECONDS", 0.05)

    async with listening(site, cookie) as events:
        await sessions.logout(database, cookie["Cookie"].removeprefix("trunkline="))

        assert await ended(events)


async def test_a_stream_ends_when_the_person_looks_at_another_workspace(
    site: str, cookie: dict[str, str], database: Database, email: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "CHECK_SECONDS", 0.05)
    second = await world.workspace(database)
    async with database.system(second) as tx:
        await users.create(tx, email, "viewer")

    async with listening(site, cookie) as events:
        await sessions.enter(database, cookie["Cookie"].removeprefix("trunkline="), second)

        assert await ended(events)


async def test_a_quiet_stream_shows_that_it_lives(
    site: str, cookie: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "CHECK_SECONDS", 0.05)
    monkeypatch.setattr(streams, "HEARTBEAT_SECONDS", 0.05)

    async with listening(site, cookie) as events:
        sign = await anext(events)

    assert sign == {"": ""}


async def test_open_streams_do_not_hold_up_the_end_of_the_process(
    app: Starlette, serving, email: str, password: str
) -> None:
    async with serving(app) as (url, stop):
        async with httpx2.AsyncClient(base_url=url) as client:
            answer = await client.post("/login", data={"email": email, "password": password})
        async with listening(url, {"Cookie": f"trunkline={answer.cookies['trunkline']}"}) as events:
            stop.set()

            assert await ended(events)


async def test_a_person_has_a_limited_number_of_streams(
    site: str, cookie: dict[str, str], database: Database, account: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "STREAMS_PER_USER", 1)
    last = await marker(database)
    await push(database, account, 1)

    async with (
        listening(site, {**cookie, "Last-Event-ID": last}) as events,
        httpx2.AsyncClient(base_url=site) as client,
    ):
        await anext(events)
        answer = await client.get("/live", headers=cookie)

    assert answer.status_code == 429


async def test_whoever_cannot_keep_up_is_let_go() -> None:
    stream = Stream(1, 1, 0)

    for seq in range(hub.MOST_WAITING + 1):
        stream.offer(Update(1, seq, "test.happened", {}, None))  # pyright: ignore[reportArgumentType]

    assert stream.ended
    assert await stream.take(0) == []
