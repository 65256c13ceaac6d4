"""Calls through everything: the order, the line, a worker, SIP and sound, the book, the queue of webhooks."""

import json

import pytest

from tests import world
from tests.peers import require, sipp
from trunkline.channels.telephony import speech
from trunkline.messaging import calls, channels, logs
from trunkline.messaging.calls import Order

pytestmark = pytest.mark.anyio

PHONE = "+40740111222"


@pytest.fixture(autouse=True)
def programs() -> None:
    require(sipp.available())
    require(speech.missing())


async def call(database, account, proxy: str, **settings) -> int:
    """Connects a trunk, has somebody called through it, and waits until it is over."""
    async with database.tx(account) as tx:
        await channels.create(tx, "sip", "Trunk", "+40311000000", {"proxy": proxy, **settings})
        order = Order(to=PHONE, message="Good morning.", webhook_url="https://example.com/calls", language="en-us")
        id = (await calls.initiate(tx, order)).id
    await world.deliver(database, account)
    await world.react(database)
    return id


async def told(database, account) -> list[str]:
    rows = await world.execute(
        database.dsn, "select body from webhook_deliveries where account_id = $1 order by id", account
    )
    return [json.loads(row[0])["type"] for row in rows]


async def test_somebody_listens(database, account):
    with sipp.running() as exchange:
        id = await call(database, account, exchange.address)
        log = exchange.log

    async with database.tx(account) as tx:
        ended = await calls.get(tx, id)
        [entry] = await logs.of_message(tx, id)
    assert (ended.status, ended.error) == ("completed", None)
    assert ended.seconds is not None
    assert ended.seconds >= 1
    assert [moment.status for moment in ended.timeline] == [
        "queued", "initiated", "ringing", "in_progress", "completed"
    ]  # fmt: skip
    assert (await world.message(database, id))["status"] == "delivered"
    assert await told(database, account) == ["call.initiated", "call.ringing", "call.answered", "call.completed"]
    assert entry.request == f"INVITE sip:{PHONE}@{exchange.address}"
    assert "From: <sip:+40311000000@127.0.0.1>" in log


async def test_the_line_is_busy(database, account):
    with sipp.running(sipp.hear("INVITE"), sipp.answer("486 Busy Here"), sipp.hear("ACK")) as exchange:
        id = await call(database, account, exchange.address)

    async with database.tx(account) as tx:
        ended = await calls.get(tx, id)
    assert (ended.status, ended.reason, ended.provider_code) == ("busy", "busy", "486")
    message = await world.message(database, id)
    assert (message["status"], message["reason"], message["attempts"]) == ("failed", "busy", 1)
    assert await told(database, account) == ["call.initiated", "call.busy"]


async def test_a_refused_login_troubles_the_channel(database, account):
    asks = 'WWW-Authenticate: Digest realm="x.test", nonce="n1"'
    refusal = [sipp.hear("INVITE"), sipp.answer("401 Unauthorized", asks), sipp.hear("ACK")]
    with sipp.running(*refusal, *refusal) as exchange:
        id = await call(database, account, exchange.address, username="office", password="wrong")

    async with database.tx(account) as tx:
        ended = await calls.get(tx, id)
        [channel] = await channels.all_of(tx)
    assert (ended.status, ended.reason) == ("failed", "channel")
    assert channel.trouble == "The exchange does not let us call: 401 Unauthorized"


async def test_a_voice_that_is_not_there_calls_nobody(database, account):
    with sipp.running() as exchange:
        async with database.tx(account) as tx:
            await channels.create(tx, "sip", "Trunk", "+40311000000", {"proxy": exchange.address, "language": "xx"})
            id = (await calls.initiate(tx, Order(to=PHONE, message="Hello."))).id
        await world.deliver(database, account)
        await world.react(database)
        log = exchange.log

    async with database.tx(account) as tx:
        ended = await calls.get(tx, id)
    assert (ended.status, ended.reason) == ("failed", "unspeakable")
    assert "INVITE" not in log
