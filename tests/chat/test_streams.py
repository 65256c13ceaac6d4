"""The stream of a window: what was missed is repeated, whatever happened to connection and server."""

import asyncio
import contextlib
import hashlib
import hmac
import secrets
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from tests import world
from trunkline.core.db import Database
from trunkline.inbox import cards, replies
from trunkline.messaging.channels import Channel

pytestmark = pytest.mark.anyio

HEADERS = {"Origin": "https://shop.example"}


class Reader:
    """Reads events one by one."""

    def __init__(self, lines: AsyncIterator[str]):
        self._lines = lines

    async def line(self) -> str:
        return await anext(self._lines)

    async def next(self) -> dict[str, str]:
        """The next event; comments are left out."""
        event: dict[str, str] = {}
        async with asyncio.timeout(30):
            async for line in self._lines:
                if line and not line.startswith(":"):
                    name, _, value = line.partition(": ")
                    event[name] = value
                elif "data" in event:
                    return event
        return event


@contextlib.asynccontextmanager
async def listening(url: str, token: str, last: str = "") -> AsyncIterator[tuple[httpx2.Response, Reader]]:
    headers = HEADERS | {"Authorization": f"Bearer {token}"} | ({"Last-Event-ID": last} if last else {})
    async with (
        httpx2.AsyncClient(timeout=60) as client,
        client.stream("GET", f"{url}/events", headers=headers) as answer,
    ):
        yield answer, Reader(answer.aiter_lines())


async def say(url: str, token: str, text: str) -> None:
    headers = HEADERS | {"Authorization": f"Bearer {token}"}
    async with httpx2.AsyncClient() as client:
        answer = await client.post(f"{url}/messages", json={"id": secrets.token_hex(8), "text": text}, headers=headers)
    assert answer.status_code == 201


async def session(url: str, **hello: Any) -> str:
    async with httpx2.AsyncClient() as client:
        answer = await client.post(f"{url}/session", json=hello, headers=HEADERS)
    return answer.json()["token"]


async def test_a_message_is_heard_as_soon_as_it_is_said(
    serving: Any, database: Database, window: Channel, key: str
) -> None:
    async with serving(database) as site:
        url = f"{site}/chat/{window.uuid}"
        token = await session(url, visitor=key)
        async with listening(url, token) as (answer, reader):
            await say(url, token, "Hello")

            event = await reader.next()

    assert (event["id"], event["event"]) == ("1", "message")
    assert '"text":"Hello"' in event["data"]
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["x-accel-buffering"] == "no"
    assert answer.headers["access-control-allow-origin"] == "https://shop.example"


async def test_a_window_that_was_cut_off_by_a_restart_misses_nothing(
    serving: Any, database: Database, account: int, window: Channel, key: str
) -> None:
    async with serving(database) as site:
        url = f"{site}/chat/{window.uuid}"
        token = await session(url, visitor=key)
        async with listening(url, token) as (_, reader):
            await say(url, token, "Before")
            first = await reader.next()
    await world.react(database)
    async with database.tx(account) as tx:
        [card] = await cards.page(tx, "web_chat", None, after=None, limit=1)
        for number in range(3):
            await replies.reply(tx, card.id, f"Meanwhile {number}", user_id=None)
    await world.deliver(database, account)

    async with serving(database) as site:
        url = f"{site}/chat/{window.uuid}"
        async with listening(url, token, first["id"]) as (_, reader):
            missed = [await reader.next() for _ in range(3)]
            await say(url, token, "After")
            last = await reader.next()

    assert [event["id"] for event in [*missed, last]] == ["2", "3", "4", "5"]
    assert [event["data"].partition('"text":"')[2].partition('"')[0] for event in missed] == [
        "Meanwhile 0",
        "Meanwhile 1",
        "Meanwhile 2",
    ]


async def test_a_message_that_is_handed_over_twice_stands_there_once(
    ana: httpx2.AsyncClient, database: Database, account: int, window: Channel
) -> None:
    await ana.post("messages", json={"id": "a", "text": "Hello"})
    await world.react(database)
    async with database.tx(account) as tx:
        [card] = await cards.page(tx, "web_chat", None, after=None, limit=1)
        entry = await replies.reply(tx, card.id, "Yes?", user_id=None)
    await world.deliver(database, account)
    await world.execute(database.dsn, "update messages set status = 'queued' where id = $1", entry.id)
    requeue = "insert into outbound (lane, channel_id, account_id, id) values (0, $1, $2, $3)"
    await world.execute(database.dsn, requeue, window.id, account, entry.id)

    await world.deliver(database, account)

    messages = (await ana.get("messages")).json()["messages"]
    assert [one["text"] for one in messages] == ["Hello", "Yes?"]


async def test_numbers_and_commits_agree_however_many_write_at_once(
    ana: httpx2.AsyncClient,
) -> None:
    bodies = [{"id": secrets.token_hex(8), "text": str(number)} for number in range(20)]

    answers = await asyncio.gather(*(ana.post("messages", json=body) for body in bodies))

    assert sorted(answer.json()["message"]["seq"] for answer in answers) == list(range(1, 21))


@pytest.mark.parametrize("last", ["x", "-1", "1" * 30, "1.5"])
async def test_a_number_that_is_none_is_refused(ana: httpx2.AsyncClient, last: str) -> None:
    assert (await ana.get("events", headers={"Last-Event-ID": last})).status_code == 400


async def test_the_stream_ends_when_it_is_proved_whose_it_is(
    serving: Any, database: Database, window: Channel, key: str
) -> None:
    proof = hmac.new(b"identity-secret-of-the-shop", b"42", hashlib.sha256).hexdigest()
    async with serving(database) as site:
        url = f"{site}/chat/{window.uuid}"
        token = await session(url, visitor=key)
        await say(url, token, "Hello")
        async with listening(url, token) as (_, reader):
            await session(url, visitor=key, user_id="42", user_hash=proof)

            event = await reader.next()

    assert "data" not in event


async def test_one_visitor_opens_only_so_many_streams(
    serving: Any, database: Database, window: Channel, key: str
) -> None:
    async with serving(database) as site, contextlib.AsyncExitStack() as stack:
        url = f"{site}/chat/{window.uuid}"
        token = await session(url, visitor=key)

        opened = []
        for _ in range(9):
            opened.append(await stack.enter_async_context(listening(url, token)))
            await opened[-1][1].line()

    assert [answer.status_code for answer, _ in opened] == [200] * 8 + [429]
