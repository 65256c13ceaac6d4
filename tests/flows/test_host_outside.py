"""Flows that ask the outside world: outside any transaction, once, and visible afterwards."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import msgspec
import pytest
from aiohttp import web

from tests import talks, world
from trunkline import answering
from trunkline.contacts import urns
from trunkline.core.db import Database
from trunkline.core.errors import Unavailable
from trunkline.core.jobs import Claims, Desk
from trunkline.core.urns import Urn
from trunkline.flows import endings, globals, logs, starts, triggers
from trunkline.flows.starts import NewStart
from trunkline.flows.triggers import NewTrigger
from trunkline.messaging.channels import Channel
from trunkline.webhooks import resthooks
from trunkline.worker import Worker

pytestmark = pytest.mark.anyio

PHONE = "+40740111222"


class Peer:
    """A web server that answers as told and keeps what it heard."""

    def __init__(self) -> None:
        self.heard: list[tuple[dict[str, str], str]] = []
        self.status = 200
        self.body = '{"price": 12}'
        self.url = ""
        self.before: Callable[[], Awaitable[None]] | None = None

    async def answer(self, request: web.Request) -> web.Response:
        self.heard.append((dict(request.headers), await request.text()))
        if self.before is not None:
            await self.before()
        return web.Response(status=self.status, text=self.body, content_type="application/json")


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    peer, app = Peer(), web.Application()
    app.router.add_route("*", "/{tail:.*}", peer.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    peer.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    yield peer
    await runner.cleanup()


@pytest.fixture(scope="module")
async def database(dsn: str, anyio_backend: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Database]:
    async with world.own_database(dsn, tmp_path_factory.mktemp("data")) as database:
        yield database


@pytest.fixture
async def channel(database: Database, account: int) -> Channel:
    return await world.simulator(database, account)


async def asking(database: Database, account: int, url: str, **headers: str) -> None:
    """A flow that calls a URL and says what it heard, started by any message."""
    then = talks.uuid()
    call = talks.act("call_webhook", method="POST", url=url, body='{"who": "@contact.uuid"}', headers=headers)
    flow = talks.definition(
        talks.node(call, to=then), talks.node(talks.say("It is @webhook.json.price, status @webhook.status"), id=then)
    )
    kept = await talks.save(database, account, flow)
    async with database.tx(account) as tx:
        await triggers.create(tx, NewTrigger(kind="catch_all", flow_id=kept.id))


async def hear(database: Database, channel: Channel, text: str = "hello") -> int:
    contact = (await world.say(database, channel, PHONE, text)).contact_id
    await world.react(database)
    return contact


async def test_an_answer_comes_back_into_the_flow(
    database: Database, account: int, channel: Channel, peer: Peer
) -> None:
    await asking(database, account, peer.url)

    await hear(database, channel)

    assert await talks.said(database, account) == ["It is 12, status 200"]
    assert len(peer.heard) == 1


async def test_no_transaction_is_open_while_the_peer_thinks(
    database: Database, account: int, channel: Channel, peer: Peer
) -> None:
    open_ones: list[int] = []

    async def look() -> None:
        [row] = await world.execute(
            database.dsn,
            "select count(*) from pg_stat_activity where datname = current_database() and state like 'idle in%'",
        )
        open_ones.append(row[0])

    peer.before = look
    await asking(database, account, peer.url)

    await hear(database, channel)

    assert open_ones == [0]


async def test_the_message_is_filed_before_the_peer_answers(
    database: Database, account: int, channel: Channel, peer: Peer
) -> None:
    filed: list[bool] = []

    async def look() -> None:
        [row] = await world.execute(
            database.dsn, "select conversation_id is not null from messages where account_id = $1", account
        )
        filed.append(row[0])

    peer.before = look
    await asking(database, account, peer.url)

    await hear(database, channel)

    assert filed == [True]


async def test_a_call_can_be_read_about_without_its_secrets(
    database: Database, account: int, channel: Channel, peer: Peer
) -> None:
    async with database.tx(account) as tx:
        await globals.create(tx, "Our Key", "s3cret-of-ours")
    await asking(database, account, f"{peer.url}?key=@globals.our_key", Authorization="Token @globals.our_key")

    contact = await hear(database, channel)

    async with database.tx(account) as tx:
        [entry] = await logs.page(tx, contact=contact)
    assert (entry.kind, entry.ok, entry.status) == ("webhook", True, 200)
    assert "s3cret-of-ours" not in f"{entry.url} {entry.request} {entry.response}"
    assert peer.heard[0][0]["Authorization"] == "Token s3cret-of-ours"


async def test_a_private_address_is_refused(database: Database, account: int, channel: Channel) -> None:
    await asking(database, account, "http://169.254.169.254/latest")

    contact = await hear(database, channel)

    async with database.tx(account) as tx:
        entries = await logs.page(tx, contact=contact)
    assert "url:blocked" in {entry.code for entry in entries}
    assert len(await talks.said(database, account)) == 1


async def test_a_worker_that_dies_after_the_call_repeats_it_under_the_same_key(
    database: Database, account: int, channel: Channel, peer: Peer
) -> None:
    await asking(database, account, peer.url)
    await world.say(database, channel, PHONE, "hello")
    claims = Claims(database, "inbound")
    await _events(database)
    [call] = [call for call in await claims.take(16) if call.account == account]
    lost = Desk(database, msgspec.structs.replace(call, attempts=call.attempts - 1), database.tools)

    with pytest.raises(Unavailable):  # somebody else has the call by now
        await answering.answer.run(lost)
    assert await talks.said(database, account) == []
    await Worker(database)._run_call(claims, call)

    assert await talks.said(database, account) == ["It is 12, status 200"]
    keys = [headers["Idempotency-Key"] for headers, _ in peer.heard]
    assert len(keys) == 2
    assert len(set(keys)) == 1


async def test_a_sprint_whose_contact_was_moved_meanwhile_is_worth_nothing(
    database: Database, account: int, channel: Channel, peer: Peer
) -> None:
    wait = talks.uuid()
    call = talks.act("call_webhook", method="GET", url=peer.url)
    flow = talks.definition(
        talks.node(talks.say("Ready?"), to=wait),
        talks.question({"yes": (then := talks.uuid())}, id=wait),
        talks.node(call, talks.say("Called"), id=then),
    )
    kept = await talks.save(database, account, flow)
    async with database.tx(account) as tx:
        await triggers.create(tx, NewTrigger(kind="keyword", keywords=["go"], flow_id=kept.id))
    contact = await hear(database, channel, "go")

    async def interrupt() -> None:
        async with database.tx(account) as tx:
            await endings.interrupt(tx, [contact])

    peer.before = interrupt
    await hear(database, channel, "yes")

    assert await talks.said(database, account) == ["Ready?"]
    assert await talks.runs(database, account) == [("interrupted", 2)]


async def test_a_start_whose_flow_asks_reaches_everybody_once(
    database: Database, account: int, channel: Channel, peer: Peer
) -> None:
    call = talks.act("call_webhook", method="GET", url=peer.url)
    kept = await talks.save(database, account, talks.definition(talks.node(call, talks.say("@webhook.json.price"))))
    people = await world.contacts(database, account, [f"+407400000{n:02}" for n in range(20)])

    async with database.tx(account) as tx:
        start = await starts.create(tx, NewStart(flow_id=kept.id, contacts=people))
    await world.react(database)

    assert await talks.said(database, account) == ["12"] * 20
    assert len(peer.heard) == 20
    async with database.tx(account) as tx:
        assert (await starts.get(tx, start.id)).started == 20


async def test_subscribers_of_a_resthook_are_told(
    database: Database, account: int, channel: Channel, peer: Peer
) -> None:
    async with database.tx(account) as tx:
        await resthooks.get_or_create(tx, ["new-report"])
        await resthooks.subscribe(tx, "new-report", peer.url, egress=database.tools.egress)
    flow = talks.definition(talks.node(talks.act("call_resthook", resthook="new-report")))
    kept = await talks.save(database, account, flow)
    async with database.tx(account) as tx:
        await triggers.create(tx, NewTrigger(kind="catch_all", flow_id=kept.id))
    peer.status = 410

    await hear(database, channel)

    assert msgspec.json.decode(peer.heard[0][1])["flow"]["name"] == "Talk"
    async with database.tx(account) as tx:
        assert [one.slug for one in await resthooks.events(tx)] == ["new-report"]
        assert await resthooks.subscribers(tx) == []


async def test_an_address_of_somebody_else_is_not_claimed(database: Database, account: int, channel: Channel) -> None:
    [other] = await world.contacts(database, account, ["jane@example.org"], "mailto")
    add = talks.act("add_contact_urn", scheme="mailto", path="@input.text")
    kept = await talks.save(database, account, talks.definition(talks.node(add)))
    async with database.tx(account) as tx:
        await triggers.create(tx, NewTrigger(kind="catch_all", flow_id=kept.id))

    contact = await hear(database, channel, "jane@example.org")
    await hear(database, channel, "joe@example.org")

    async with database.tx(account) as tx:
        found = await urns.owners(tx, [Urn("mailto", "jane@example.org"), Urn("mailto", "joe@example.org")])
    assert found == {Urn("mailto", "jane@example.org"): other, Urn("mailto", "joe@example.org"): contact}


async def test_two_workers_keep_the_order_of_a_contact(database: Database, account: int, channel: Channel) -> None:
    hear_next = talks.uuid()
    flow = talks.definition(
        talks.node(talks.say("Count"), to=hear_next),
        talks.question({}, hear_next, id=hear_next, actions=(talks.say("@input.text"),)),
    )
    kept = await talks.save(database, account, flow)
    async with database.tx(account) as tx:
        await triggers.create(tx, NewTrigger(kind="keyword", keywords=["start"], flow_id=kept.id))
    phones = [f"+4074022200{n}" for n in range(4)]
    for phone in phones:
        await world.say(database, channel, phone, "start")
    for number in range(8):
        for phone in phones:
            await world.say(database, channel, phone, str(number))

    async with working(database), working(database):
        await _until_answered(database, account)

    for phone in phones:
        assert await talks.said(database, account, phone) == ["Count", "start", *(str(n) for n in range(8))]


@contextlib.asynccontextmanager
async def working(database: Database) -> AsyncIterator[None]:
    worker = Worker(database, ("inbound", "jobs"))
    task = asyncio.create_task(worker.run())
    try:
        yield
    finally:
        worker.stop()
        async with asyncio.timeout(30):
            await task


async def _until_answered(database: Database, account: int) -> None:
    statement = "select from messages where account_id = $1 and direction = 'in' and status = 'received' limit 1"
    async with asyncio.timeout(60):
        while await world.execute(database.dsn, statement, account):
            await asyncio.sleep(0.02)


async def _events(database: Database) -> None:
    """Handle what is in the outbox, run nothing."""
    from trunkline.core import events
    from trunkline.reactions import REACTIONS

    while await events.handle(database, REACTIONS):
        pass
