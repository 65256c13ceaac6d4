"""The inbox's page and what its script asks for: views, lists, reading, writing, changing."""

import json
import re
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from tests import world
from trunkline.contacts import people
from trunkline.contacts.people import NewContact
from trunkline.core.db import Database
from trunkline.inbox import conversations
from trunkline.messaging.channels import Channel

pytestmark = pytest.mark.anyio

Ask = Callable[..., Awaitable[httpx2.Response]]
SCRIPT = {"Accept": "application/json"}


@pytest.fixture
async def channel(database: Database, account: int) -> Channel:
    return await world.simulator(database, account)


@pytest.fixture
async def ion(database: Database, account: int, channel: Channel) -> int:
    """Ion wrote a text message; his conversation."""
    async with database.tx(account) as tx:
        contact = await people.create(tx, NewContact(name="Ion Pop", phone="+40722000111"))
        made = await conversations.start(tx, contact.id, channel)
    return made.id


@pytest.fixture
async def post(ana: httpx2.AsyncClient) -> Ask:
    """Ana's script sends JSON."""
    found = re.search(r'data-csrf="(\w+)"', (await ana.get("/inbox")).text)
    assert found
    headers = {"X-CSRF": found[1], **SCRIPT}

    async def post(path: str, body: Any = None, **more: Any) -> httpx2.Response:
        if body is not None:
            more["json"] = body
        return await ana.post(f"/inbox/api/{path}", headers=headers, **more)

    return post


@pytest.fixture
async def get(ana: httpx2.AsyncClient) -> Ask:
    async def get(path: str, **query: Any) -> httpx2.Response:
        return await ana.get(f"/inbox/api/{path}", params=query, headers=SCRIPT)

    return get


def written(text: str = "Hello", **more: Any) -> dict[str, Any]:
    return {"client_id": str(uuid4()), "text": text, **more}


def start_of(page: httpx2.Response) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="inbox-start">(.*?)</script>', page.text, re.DOTALL)
    assert found
    return json.loads(found[1])


async def test_the_page_brings_the_first_look_along(ana: httpx2.AsyncClient, ion: int) -> None:
    page = await ana.get("/inbox")

    start = start_of(page)
    assert [line["contact"] for line in start["lines"]] == ["Ion Pop"]
    assert start["counts"]["all"] == 1
    assert "frame-src 'self'" in page.headers["content-security-policy"]


async def test_an_address_opens_its_conversation(ana: httpx2.AsyncClient, ion: int) -> None:
    page = await ana.get(f"/inbox/{ion}")

    assert start_of(page)["opened"]["line"]["id"] == ion


async def test_a_reply_is_stored_once_however_often_it_is_sent(post: Ask, get: Ask, ion: int) -> None:
    reply = written("On its way")

    first = await post(f"conversations/{ion}/replies", reply)
    again = await post(f"conversations/{ion}/replies", reply)

    assert first.json()["entry"]["body"] == "On its way"
    assert again.json() == first.json()
    assert len((await get(f"conversations/{ion}")).json()["history"]["entries"]) == 1
