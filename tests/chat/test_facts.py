"""What is remembered of a visitor, who sees it, and what is forgotten."""

import gzip
from typing import Any

import asyncpg
import httpx2
import pytest

from tests import world
from trunkline.accounts import api_keys
from trunkline.ai import assistants, composing
from trunkline.core.db import Database
from trunkline.core.jobs import Call, Desk
from trunkline.core.urns import Urn
from trunkline.dialects.developer import developer
from trunkline.dialects.dispatch import Dialects
from trunkline.messaging.channels import Channel
from trunkline.messaging.chat import pruning, windows

pytestmark = pytest.mark.anyio


def test_the_script_is_light() -> None:
    assert len(gzip.compress(windows.script(), 9)) < 25 * 1024


async def test_a_program_of_the_developer_dialect_sees_the_visitor(
    shop: httpx2.AsyncClient, key: str, begin: Any, database: Database, account: int, connection: asyncpg.Connection
) -> None:
    pages = {"page_url": "https://shop.example/tea", "referrer_url": "https://search.example/?q=tea"}
    token = await begin(shop, visitor=key, name="Jane Smith", email="jane@example.com", **pages)
    await shop.post("messages", json={"id": "a", "text": "Hi"}, headers={"Authorization": f"Bearer {token}"})
    await world.react(database)

    [chat] = await _developer(database, account, connection)

    assert {name: chat[name] for name in SHOWN} == {
        "visitorName": "Jane Smith",
        "visitorEmail": "jane@example.com",
        "visitorIp": "203.0.113.9",
        "userAgent": "Firefox",
        "referrerUrl": "https://search.example/?q=tea",
        "pageUrl": "https://shop.example/tea",
        "status": "open",
        "isRead": False,
        "trustUploads": False,
    }


SHOWN = (
    "visitorName", "visitorEmail", "visitorIp", "userAgent", "referrerUrl", "pageUrl", "status", "isRead",
    "trustUploads",
)  # fmt: skip


async def _developer(database: Database, account: int, connection: asyncpg.Connection) -> list[dict[str, Any]]:
    user: Any = await connection.fetchval(
        "insert into users (uuid, email) values (gen_random_uuid(), gen_random_uuid() || '@example.com') returning id"
    )
    await connection.execute(
        "insert into memberships (account_id, user_id, role) values ($1, $2, 'owner')", account, user
    )
    async with database.tx(account) as tx:
        key, _ = await api_keys.create(tx, user, "developer")
    served = Dialects(database, vault=database.tools.vault, served=[developer])
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(served), base_url="http://testserver") as client:
        return (await client.get("/api/v1/conversations", headers=headers)).json()


async def test_a_trusting_window_says_so_in_the_conversation(
    opening: Any, paging: Any, key: str, begin: Any, database: Database, account: int, connection: asyncpg.Connection
) -> None:
    async with paging(await opening(trust_uploads="everybody")) as page:
        headers = {"Authorization": f"Bearer {await begin(page, visitor=key)}"}
        await page.post("messages", json={"id": "a", "text": "Hi"}, headers=headers)
    await world.react(database)

    [chat] = await _developer(database, account, connection)

    assert chat["trustUploads"] is True


async def test_an_assistant_that_works_on_an_answer_is_seen_typing(
    ana: httpx2.AsyncClient, window: Channel, database: Database, account: int, connection: asyncpg.Connection
) -> None:
    await ana.post("messages", json={"id": "a", "text": "Hi"})
    await world.react(database)
    address: Any = await connection.fetchval(
        "select path from urns where account_id = $1 and scheme = 'webchat'", account
    )
    home = await connection.fetchval("select id from conversations where account_id = $1", account)
    async with database.tx(account) as tx:
        assistant = await assistants.create(tx, "Tea")
        before = await composing.is_typing(tx, window.id, Urn("webchat", address))
    await connection.execute(
        "insert into assistant_turns (account_id, conversation_id, assistant_id, first_message, last_message,"
        " messages_count) values ($1, $2, $3, 1, 1, 1)",
        account,
        home,
        assistant.id,
    )

    async with database.tx(account) as tx:
        now = await composing.is_typing(tx, window.id, Urn("webchat", address))

    assert (before, now) == (False, True)


async def test_browsers_that_never_spoke_are_forgotten_after_a_month(
    ana: httpx2.AsyncClient, begin: Any, database: Database, account: int, connection: asyncpg.Connection
) -> None:
    await ana.post("messages", json={"id": "a", "text": "Hi"})
    await begin(ana, visitor="another-browser-that-was-silent")
    await connection.execute("update chat_visitors set seen_at = now() - interval '31 days'")
    call = Call(account, 1, None, "chat.prune", [], "system", "", 0, 1)

    await pruning.prune(Desk(database, call, database.tools))

    assert await connection.fetchval("select count(*) from chat_visitors where account_id = $1", account) == 1


async def test_a_call_at_the_address_for_providers_is_not_found(shop: httpx2.AsyncClient, window: Channel) -> None:
    answer = await shop.post(f"http://testserver/c/webchat/{window.uuid}/receive", json={"text": "forged"})

    assert answer.status_code == 404
