"""The calls of a chat window: who may make them, what they take, what they refuse."""

import secrets
import struct
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette

from tests import world
from trunkline.contacts import people
from trunkline.core.db import Database
from trunkline.core.urns import Urn
from trunkline.inbox import cards, replies
from trunkline.messaging import channels
from trunkline.messaging.channels import Channel

pytestmark = pytest.mark.anyio


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


HEADER = _chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
PIXELS = _chunk(b"IDAT", zlib.compress(b"\0\0")) + _chunk(b"IEND", b"")
PNG = b"\x89PNG\r\n\x1a\n" + HEADER + PIXELS
"""A picture of one pixel."""


def words(text: str = "Is it in stock?", **more: Any) -> dict[str, Any]:
    return {"id": secrets.token_hex(8), "text": text, **more}


async def conversation(database: Database, account: int) -> Any:
    await world.react(database)
    async with database.tx(account) as tx:
        [card] = await cards.page(tx, "web_chat", None, after=None, limit=10)
        return card


async def test_the_config_says_what_a_page_needs_and_no_secret(shop: httpx2.AsyncClient, window: Channel) -> None:
    answer = await shop.get("config")

    assert answer.json() == {
        "id": str(window.uuid),
        "title": "Acme",
        "greeting": "",
        "colour": "#1f5fbf",
        "uploads": "nobody",
    }


async def test_a_listed_site_may_read_answers_and_no_other(shop: httpx2.AsyncClient) -> None:
    ours = await shop.get("config")
    theirs = await shop.get("config", headers={"Origin": "https://evil.example"})

    assert ours.headers["access-control-allow-origin"] == "https://shop.example"
    assert ours.headers["vary"] == "Origin"
    assert (theirs.status_code, theirs.json()["code"]) == (403, "origin_refused")
    assert "access-control-allow-origin" not in theirs.headers


async def test_a_preflight_names_what_may_be_sent(shop: httpx2.AsyncClient) -> None:
    answer = await shop.options("messages", headers={"Access-Control-Request-Method": "POST"})

    assert answer.status_code == 204
    assert answer.headers["access-control-allow-methods"] == "GET, POST"
    assert "Authorization" in answer.headers["access-control-allow-headers"]


async def test_a_preflight_of_another_site_is_refused(shop: httpx2.AsyncClient) -> None:
    answer = await shop.options("messages", headers={"Origin": "https://shop.example.evil.example"})

    assert answer.status_code == 403


@pytest.mark.parametrize("name", ["0192f3c0-0000-7000-8000-000000000000", "nonsense", "%00"])
async def test_an_unknown_window_is_not_found(app: Starlette, name: str) -> None:
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://testserver") as client:
        answer = await client.get(f"/chat/{name}/config")

    assert answer.status_code == 404


async def test_a_closed_window_is_not_found(
    shop: httpx2.AsyncClient, window: Channel, database: Database, account: int
) -> None:
    async with database.tx(account) as tx:
        await channels.delete(tx, window.uuid)

    assert (await shop.get("config")).status_code == 404


async def test_what_a_visitor_writes_reaches_the_inbox(
    ana: httpx2.AsyncClient, database: Database, account: int
) -> None:
    answer = await ana.post("messages", json=words(page_url="https://shop.example/tea?x=1", referrer_url="ftp://no"))

    assert answer.status_code == 201
    assert answer.json()["message"]["mine"] is True
    card = await conversation(database, account)
    assert card.visitor["ip"] == "203.0.113.9"
    assert card.visitor["page_url"] == "https://shop.example/tea?x=1"
    assert card.visitor["user_agent"] == "Firefox"
    assert card.visitor["trust_uploads"] is False
    assert "referrer_url" not in card.visitor


async def test_a_repeated_message_is_one_message(ana: httpx2.AsyncClient, connection: Any, account: int) -> None:
    said = words()

    first, second = await ana.post("messages", json=said), await ana.post("messages", json=said)

    assert (first.status_code, second.status_code) == (201, 200)
    assert second.json()["duplicate"] is True
    assert first.json()["message"]["seq"] == second.json()["message"]["seq"]
    assert await connection.fetchval("select count(*) from messages where account_id = $1", account) == 1


async def test_the_id_of_one_visitors_message_says_nothing_of_anothers(
    ana: httpx2.AsyncClient, begin: Callable[..., Awaitable[str]]
) -> None:
    said = words()
    await ana.post("messages", json=said)
    ana.headers["Authorization"] = f"Bearer {await begin(ana, visitor=secrets.token_hex(16))}"

    answer = await ana.post("messages", json=said)

    assert answer.json()["duplicate"] is False


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"id": "a"', 400),
        (b"[]", 422),
        (b'{"id": "a"}', 422),
        (b'{"id": "a", "text": 5}', 422),
        (b'{"id": "a", "text": "  "}', 422),
        (b'{"id": "a", "text": "\\u0000"}', 422),
        (b'{"id": "a b", "text": "x"}', 422),
        (b'{"id": "", "text": "x"}', 422),
        (b'{"id": "a", "text": "\xff"}', 400),
        (b'{"id": "a", "text": "' + b"x" * 4001 + b'"}', 422),
        (b'{"id": "a", "text": "' + b"x" * 70_000 + b'"}', 413),
        (b"[" * 100_000, 413),
        (b"[" * 60_000, 400),
    ],
)
async def test_bad_messages_are_refused(ana: httpx2.AsyncClient, body: bytes, status: int) -> None:
    answer = await ana.post("messages", content=body)

    assert answer.status_code == status
    assert answer.json()["message"]


async def test_a_program_that_fills_in_the_hidden_field_is_not_heard(
    ana: httpx2.AsyncClient, connection: Any, account: int
) -> None:
    answer = await ana.post("messages", json=words(website="https://spam.example"))

    assert answer.status_code == 201
    assert await connection.fetchval("select count(*) from messages where account_id = $1", account) == 0


@pytest.mark.parametrize("token", ["", "nonsense", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"])
async def test_without_a_session_nothing_is_told(shop: httpx2.AsyncClient, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}"}

    statuses = [
        (await shop.get("messages", headers=headers)).status_code,
        (await shop.post("messages", json=words(), headers=headers)).status_code,
        (await shop.post("read", json={"seq": 1}, headers=headers)).status_code,
        (await shop.post("files", content=PNG, headers=headers)).status_code,
        (await shop.get("events", headers=headers)).status_code,
    ]

    assert statuses == [401] * 5


async def test_a_session_is_good_for_its_own_window_only(ana: httpx2.AsyncClient, opening: Any, paging: Any) -> None:
    async with paging(await opening()) as elsewhere:
        answer = await elsewhere.get("messages", headers={"Authorization": ana.headers["Authorization"]})

    assert answer.status_code == 401


async def test_a_session_of_another_workspace_is_none(
    ana: httpx2.AsyncClient, database: Database, other_account: int, paging: Any
) -> None:
    async with database.tx(other_account) as tx:
        settings = {"origins": "https://shop.example"}
        window, _ = await channels.create(tx, "webchat", "Theirs", "x", settings)
    async with paging(window) as elsewhere:
        answer = await elsewhere.get("messages", headers={"Authorization": ana.headers["Authorization"]})

    assert answer.status_code == 401


async def test_the_answer_of_a_colleague_stands_in_the_stream(
    ana: httpx2.AsyncClient, database: Database, account: int
) -> None:
    await ana.post("messages", json=words())
    card = await conversation(database, account)
    async with database.tx(account) as tx:
        await replies.reply(tx, card.id, "Yes, <b>plenty</b>.", user_id=None)
    await world.deliver(database, account)

    messages = (await ana.get("messages")).json()["messages"]

    assert [(one["mine"], one["text"]) for one in messages] == [
        (True, "Is it in stock?"),
        (False, "Yes, <b>plenty</b>."),
    ]
    assert set(messages[1]) == {"seq", "id", "told_id", "mine", "text", "files", "choices", "at"}


async def test_reading_is_told_to_the_inbox(
    ana: httpx2.AsyncClient, database: Database, account: int, connection: Any
) -> None:
    await ana.post("messages", json=words())
    card = await conversation(database, account)
    async with database.tx(account) as tx:
        await replies.reply(tx, card.id, "Yes.", user_id=None)
    await world.deliver(database, account)

    answer = await ana.post("read", json={"seq": 2})

    assert answer.status_code == 204
    statement = "select status from messages where account_id = $1 and direction = 'out'"
    assert await connection.fetchval(statement, account) == "read"


async def test_a_message_to_an_address_without_a_visitor_fails(
    window: Channel, database: Database, account: int, connection: Any
) -> None:
    [id] = await world.queue(database, account, window, ["nobody-there"])

    await world.deliver(database, account)

    assert (await world.message(database, id))["status"] == "failed"


async def test_a_returning_visitor_finds_what_was_said(ana: httpx2.AsyncClient, key: str) -> None:
    await ana.post("messages", json=words("First"))
    await ana.post("messages", json=words("Second"))

    again = (await ana.post("session", json={"visitor": key})).json()

    assert [one["text"] for one in again["messages"]] == ["First", "Second"]
    assert again["seq"] == 2


@pytest.mark.parametrize("visitor", ["short", "x" * 65, "with space in the middle"])
async def test_a_key_that_could_be_guessed_is_refused(shop: httpx2.AsyncClient, visitor: str) -> None:
    answer = await shop.post("session", json={"visitor": visitor})

    assert answer.status_code == 422


async def test_nobody_in_particular_gets_no_session(shop: httpx2.AsyncClient) -> None:
    assert (await shop.post("session", json={})).status_code == 400


async def test_a_visitor_who_writes_too_much_waits(ana: httpx2.AsyncClient) -> None:
    statuses = [(await ana.post("messages", json=words())).status_code for _ in range(21)]
    refused = await ana.post("messages", json=words())

    assert statuses == [201] * 20 + [429]
    assert int(refused.headers["retry-after"]) > 0
    assert refused.headers["access-control-allow-origin"] == "https://shop.example"


async def test_a_contact_has_the_visitors_name_but_never_an_unproved_address(
    shop: httpx2.AsyncClient, key: str, begin: Any, database: Database, account: int
) -> None:
    token = await begin(shop, visitor=key, name="Ana", email="victim@example.com")
    await shop.post("messages", json=words(), headers={"Authorization": f"Bearer {token}"})

    card = await conversation(database, account)

    assert (card.visitor["email"], card.name) == ("victim@example.com", "Ana")
    async with database.tx(account) as tx:
        assert await people.find(tx, Urn("mailto", "victim@example.com")) is None


async def test_settings_of_a_window_are_checked(database: Database, account: int) -> None:
    async with database.tx(account) as tx:
        with pytest.raises(Exception, match="not an origin"):
            await channels.create(tx, "webchat", "W", "x", {"origins": "https://shop.example/path"})


async def test_files_are_not_taken_unless_trusted(ana: httpx2.AsyncClient) -> None:
    answer = await ana.post("files?id=a&name=x.png", content=PNG)

    assert (answer.status_code, answer.json()["code"]) == (403, "uploads_off")


@pytest.fixture
async def trusting(opening: Any, paging: Any, key: str, begin: Any) -> Any:
    async with paging(await opening(trust_uploads="everybody")) as client:
        client.headers["Authorization"] = f"Bearer {await begin(client, visitor=key)}"
        yield client


async def test_a_trusted_file_is_kept_and_only_ever_downloaded(trusting: httpx2.AsyncClient, app: Starlette) -> None:
    answer = await trusting.post("files?id=a&name=../../shoe.png", content=PNG, headers={"Content-Type": "image/png"})

    assert answer.status_code == 201
    [file] = answer.json()["message"]["files"]
    assert (file["name"], file["content_type"]) == ("shoe.png", "image/png")
    path = "/m/" + file["url"].rpartition("/m/")[2]
    got = await trusting.get(f"http://testserver{path}")
    assert got.content == PNG
    assert got.headers["content-disposition"].startswith("attachment")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.png", PNG[:8] + _chunk(b"IHDR", struct.pack(">IIBBBBB", 90_000, 90_000, 8, 0, 0, 0, 0)) + PIXELS),
        ("x.html", b"<html><script>alert(1)</script></html>"),
        ("x.svg", b'<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>'),
        ("x.png", b"<html><script>alert(1)</script></html>"),
        ("x.exe", b"MZ\x90\x00"),
        ("x.png", b"MZ\x90\x00"),
        ("x.zip", b"PK\x03\x04aaaa"),
        ("x.pdf", PNG),
        ("", b"\x00\x01\x02"),
        ("x.png", b""),
    ],
)
async def test_files_are_judged_by_their_content(trusting: httpx2.AsyncClient, name: str, content: bytes) -> None:
    answer = await trusting.post("files", params={"id": "a", "name": name}, content=content)

    assert answer.status_code == 422


async def test_a_picture_does_not_tell_where_it_was_taken(trusting: httpx2.AsyncClient) -> None:
    content = PNG[:8] + HEADER + _chunk(b"tEXt", b"Location\x00At home") + PIXELS

    answer = await trusting.post("files?id=a&name=x.png", content=content)

    path = "/m/" + answer.json()["message"]["files"][0]["url"].rpartition("/m/")[2]
    assert (await trusting.get(f"http://testserver{path}")).content == PNG


async def test_a_file_that_announces_too_much_is_refused_unread(trusting: httpx2.AsyncClient) -> None:
    async def never_read() -> AsyncIterator[bytes]:
        yield b""
        raise AssertionError

    answer = await trusting.post(
        "files?id=a&name=x.png", content=never_read(), headers={"Content-Length": str(11 * 1024 * 1024)}
    )

    assert answer.status_code == 413


async def test_the_page_may_be_framed_by_the_windows_sites_only(shop: httpx2.AsyncClient, window: Channel) -> None:
    answer = await shop.get(f"http://testserver/chat/{window.uuid}")

    policy = answer.headers["content-security-policy"]
    assert policy.endswith("frame-ancestors 'self' https://shop.example")
    assert "unsafe" not in policy


async def test_the_script_is_cached_by_its_content(shop: httpx2.AsyncClient) -> None:
    first = await shop.get("http://testserver/chat/widget.js")
    second = await shop.get("http://testserver/chat/widget.js", headers={"If-None-Match": first.headers["etag"]})

    assert first.headers["content-type"].startswith("text/javascript")
    assert second.status_code == 304


async def test_an_address_that_guesses_windows_waits(app: Starlette) -> None:
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://testserver") as client:
        statuses = [(await client.get(f"/chat/guess-{number}/config")).status_code for number in range(241)]

    assert statuses == [404] * 240 + [429]


async def test_asking_about_the_stream_opens_none(ana: httpx2.AsyncClient) -> None:
    answer = await ana.head("events")

    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
