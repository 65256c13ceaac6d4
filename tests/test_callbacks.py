"""What the world may call: providers with their channel's secret, readers with the link of their mail."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from uuid import uuid4

import httpx2 as httpx
import pytest
from starlette.applications import Starlette

from tests import world
from trunkline import callbacks
from trunkline.contacts import consents
from trunkline.core.db import Database
from trunkline.messaging import channels, mailing
from trunkline.messaging.channels import Channel

pytestmark = pytest.mark.anyio

PHONE = "+40740111222"


@pytest.fixture(scope="module")
async def database(dsn: str, anyio_backend: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Database]:
    data: Path = tmp_path_factory.mktemp("data")
    async with world.own_database(dsn, data) as database:
        yield database


@pytest.fixture
async def client(database: Database) -> AsyncIterator[httpx.AsyncClient]:
    app = Starlette(routes=callbacks.routes(database))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
        yield client


Call = Callable[..., Awaitable[httpx.Response]]


@pytest.fixture
async def channel(database: Database, account: int) -> Channel:
    return await world.simulator(database, account)


@pytest.fixture
def call(client: httpx.AsyncClient, database: Database, channel: Channel) -> Call:
    """Call the simulator channel with its secret."""
    secret = channels.open_sealed(database.tools, channel).secret

    async def call(method: str, action: str, **more) -> httpx.Response:
        headers = {"Authorization": f"Bearer {secret}"}
        return await client.request(method, channel.callback_path + action, headers=headers, **more)

    return call


HELLO = {"id": "m1", "from": PHONE, "text": "Hello"}


async def test_a_message_is_answered_with_its_id(call: Call, database: Database) -> None:
    first = await call("POST", "receive", json=HELLO)
    again = await call("POST", "receive", json={**HELLO, "text": "Changed"})

    assert (first.status_code, first.json()["duplicate"]) == (200, False)
    assert again.json() == {"message_id": first.json()["message_id"], "duplicate": True}
    assert (await world.message(database, first.json()["message_id"]))["body"] == "Hello"


async def test_sixty_four_copies_at_once_get_the_same_answer(call: Call) -> None:
    answers = await asyncio.gather(*(call("POST", "receive", json=HELLO) for _ in range(64)))

    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["message_id"] for answer in answers}) == 1
    assert sum(not answer.json()["duplicate"] for answer in answers) == 1


@pytest.mark.parametrize("method", ["POST", "GET"])
@pytest.mark.parametrize("action", ["receive", "status", "outbox", "nothing"])
@pytest.mark.parametrize("authorization", [None, "Bearer wrong", "Bearer ", "Basic eDp5"])
async def test_without_the_secret_there_is_no_way_in(
    client: httpx.AsyncClient, channel: Channel, method: str, action: str, authorization: str | None
) -> None:
    headers = {"Authorization": authorization} if authorization else {}

    answer = await client.request(method, channel.callback_path + action, headers=headers, json=HELLO)

    assert answer.status_code == 401


async def test_one_channels_secret_does_not_open_another(
    client: httpx.AsyncClient, database: Database, channel: Channel, other_account: int
) -> None:
    other = await world.simulator(database, other_account)
    secret = channels.open_sealed(database.tools, other).secret

    answer = await client.post(
        channel.callback_path + "receive", headers={"Authorization": f"Bearer {secret}"}, json=HELLO
    )

    assert answer.status_code == 401


async def test_a_channel_that_is_unknown_or_of_another_kind_is_not_found(
    client: httpx.AsyncClient, channel: Channel
) -> None:
    paths = [
        f"/c/simulator/{uuid4()}/receive",
        "/c/simulator/not-a-uuid/receive",
        f"/c/custom_http/{channel.uuid}/receive",
        f"/c/pigeon/{channel.uuid}/receive",
        f"/c/simulator/{channel.uuid}%00/receive",
    ]

    answers = [(await client.post(path, json=HELLO)).status_code for path in paths]

    assert answers == [404] * len(paths)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"\xff\xfe", 400),
        (b"{}", 422),
        (b"[]", 422),
        (b'{"id":"1","from":"nobody"}', 422),
        (b'{"id":"1","from":"+40740111222","text":7}', 422),
    ],
)
async def test_a_body_that_makes_no_sense_is_refused_with_a_sentence(call: Call, body: bytes, status: int) -> None:
    answer = await call("POST", "receive", content=body)

    assert answer.status_code in (status, 400, 422)
    assert answer.json()["message"]


async def test_nothing_hidden_in_a_body_breaks_it(call: Call) -> None:
    body = {
        "id": "m\0", "from": PHONE, "text": "a\0b", "name": "J\0", "subject": "\0", "visitor": {"\0": ["\0"]},
        "attachments": [{"url": "https://x.example/\0", "content_type": "\0"}],
    }  # fmt: skip

    answer = await call("POST", "receive", json=body)

    assert answer.status_code == 200


async def test_an_event_is_answered_with_its_id_and_a_repeat_is_told(call: Call) -> None:
    event = {"id": "e1", "type": "referral", "from": PHONE, "extra": {"referrer_id": "ad-7"}}

    first, second = [await call("POST", "event", json=event) for _ in range(2)]

    assert (first.status_code, second.status_code) == (200, 200)
    assert first.json() == {"event_id": first.json()["event_id"], "duplicate": False}
    assert second.json() == {"event_id": first.json()["event_id"], "duplicate": True}


@pytest.mark.parametrize("depth", [60, 900, 5000])
@pytest.mark.parametrize(("action", "name"), [("receive", "visitor"), ("event", "extra")])
async def test_deep_bodies_are_taken_or_refused(call: Call, action: str, name: str, depth: int) -> None:
    deep = '{"a":' * depth + "1" + "}" * depth
    body = f'{{"id": "d{depth}", "type": "referral", "from": "{PHONE}", "{name}": {deep}}}'

    answer = await call("POST", action, content=body)

    assert answer.status_code in (200, 400, 422)


@pytest.mark.parametrize("action", ["receive", "status", "event"])
async def test_providers_post(call: Call, action: str) -> None:
    assert (await call("GET", action)).status_code == 404


async def test_an_unknown_action_is_not_found(call: Call) -> None:
    assert (await call("POST", "restart", json={})).status_code == 404


async def test_a_report_moves_its_message(call: Call, database: Database, account: int, channel: Channel) -> None:
    [id] = await world.queue(database, account, channel, [PHONE])
    await world.deliver(database, account)
    [sent] = (await call("GET", "outbox")).json()["messages"]

    answer = await call("POST", "status", json={"external_id": sent["external_id"], "status": "read"})

    assert (answer.status_code, (await world.message(database, id))["status"]) == (200, "read")


async def test_a_report_on_nobodys_message_is_taken_and_forgotten(call: Call) -> None:
    for external in ("nobody's", "sim-1-x", "\0", "x" * 100_000):
        answer = await call("POST", "status", json={"external_id": external, "status": "delivered"})

        assert answer.status_code == 200


async def test_the_outbox_is_read_from_where_one_stopped(
    call: Call, database: Database, account: int, channel: Channel
) -> None:
    await world.queue(database, account, channel, [f"+4074000{n:04d}" for n in range(5)])
    await world.deliver(database, account)

    pages = [(await call("GET", f"outbox?after={after}&limit=2")).json()["messages"] for after in (0, 2, 4, 6)]

    assert [[one["seq"] for one in page] for page in pages] == [[1, 2], [3, 4], [5], []]
    assert set(pages[0][0]) >= {"seq", "external_id", "to", "text", "attachments", "quick_replies", "sent_at"}


@pytest.mark.parametrize(
    ("query", "status"),
    [("after=x", 422), ("limit=1.5", 422), ("after=-5", 200), ("limit=0", 200), ("after=" + "9" * 30, 200)],
)
async def test_odd_pages(call: Call, query: str, status: int) -> None:
    assert (await call("GET", f"outbox?{query}")).status_code == status


@pytest.fixture
async def link(database: Database, account: int) -> str:
    """The way out that a mail carried."""
    mail = await world.simulator(database, account, **{"as": "email"})
    [id] = await world.queue(database, account, mail, ["jane@example.org"])
    await world.deliver(database, account)
    return mailing.unsubscribe_url(database.tools, account, id).partition("/u/")[2]


async def stopped(database: Database, account: int) -> set[str]:
    async with database.tx(account) as tx:
        return await consents.suppressed(tx, "email", ["jane@example.org"])


async def test_looking_at_the_link_stops_nothing(
    client: httpx.AsyncClient, database: Database, account: int, link: str
) -> None:
    answer = await client.get(f"/u/{link}")

    assert (answer.status_code, await stopped(database, account)) == (200, set())
    assert '<form method="post">' in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]


async def test_posting_the_link_stops_and_twice_is_fine(
    client: httpx.AsyncClient, database: Database, account: int, link: str
) -> None:
    answers = [await client.post(f"/u/{link}", data={"List-Unsubscribe": "One-Click"}) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert await stopped(database, account) == {"jane@example.org"}


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("spoil", [lambda t: t[:-1], lambda t: t + "x", lambda t: t.swapcase(), lambda t: "x"])
async def test_a_link_that_is_not_ours_is_not_found(
    client: httpx.AsyncClient, database: Database, account: int, link: str, method: str, spoil
) -> None:
    answer = await client.request(method, f"/u/{spoil(link)}")

    assert (answer.status_code, await stopped(database, account)) == (404, set())


async def test_a_custom_channel_hears_its_owner(client: httpx.AsyncClient, database: Database, account: int) -> None:
    custom = await world.custom(database, account, "http://localhost/hook")
    headers = {"Authorization": "Bearer s3cret-of-the-channel"}
    body = {"customData": {"messageSid": "s1", "fromId": "visitor-7", "toId": "acme", "body": "Hello"}}

    answer = await client.post(custom.callback_path + "receive", headers=headers, json=body)
    outbox = await client.get(custom.callback_path + "outbox", headers=headers)

    row = await world.message(database, answer.json()["message_id"])
    assert (answer.status_code, row["scheme"], row["address"], row["body"]) == (200, "ext", "visitor-7", "Hello")
    assert outbox.status_code == 404


async def test_while_the_database_is_away_callers_are_told_to_come_back(
    client: httpx.AsyncClient, database: Database, channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    from trunkline.core.errors import Unavailable

    async def away(*args: object) -> None:
        raise Unavailable("The database")

    monkeypatch.setattr(channels, "by_uuid", away)
    answer = await client.post(channel.callback_path + "receive", json=HELLO)

    assert (answer.status_code, int(answer.headers["retry-after"]) > 0) == (503, True)
