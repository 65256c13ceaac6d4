"""Voice flows over SIP: sipp picks up and sends back what it hears, keys come as telephone events (RFC 4733)."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests import talks, world
from tests.peers import require, sipp
from trunkline.channels.telephony import rtp, speech
from trunkline.core.db import Database
from trunkline.flows import logs, starts
from trunkline.flows.starts import NewStart
from trunkline.messaging import channels

pytestmark = pytest.mark.anyio

PHONE = "+40740111222"


@pytest.fixture(scope="module")
async def database(dsn: str, anyio_backend: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Database]:
    async with world.own_database(dsn, tmp_path_factory.mktemp("data")) as database:
        yield database


@pytest.fixture(autouse=True)
def programs() -> None:
    require(sipp.available())
    require(speech.missing())


async def begin(database: Database, account: int, proxy: str, *nodes: dict[str, Any]) -> int:
    kept = await talks.save(database, account, talks.definition(*nodes, type="voice"))
    [contact] = await world.contacts(database, account, [PHONE])
    async with database.tx(account) as tx:
        await channels.create(tx, "sip", "Trunk", "+40311000000", {"proxy": proxy, "language": "en-us"})
        await starts.create(tx, NewStart(flow_id=kept.id, contacts=[contact]))
    await world.react(database)
    return contact


def menu(timeout: tuple[int, str | None] | None = None, prompt: str = "Press.") -> list[dict[str, Any]]:
    done = talks.uuid()
    hear = talks.question({}, done, result="Number", timeout=timeout)
    hear["router"]["wait"]["hint"] = {"type": "digits", "count": 3}
    first = talks.node(talks.act("say_msg", text=prompt), to=hear["uuid"])
    return [first, hear, talks.node(talks.act("say_msg", text="Thanks."), id=done)]


async def press(exchange: sipp.Exchange, keys: list[int]) -> None:
    """Telephone events to where our side takes its sound."""
    while not (sound := re.search(r"m=audio (\d+)", exchange.log)):
        await asyncio.sleep(0.02)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as keypad:
        for number, key in enumerate(keys):
            event = rtp.write(rtp.Packet(101, number, 1000 * (number + 1), 1, bytes([key, 10, 0, 160])))
            keypad.sendto(event, ("127.0.0.1", int(sound[1])))


async def test_keys_answer_a_question(database: Database, account: int) -> None:
    scene = [
        sipp.hear("INVITE"), sipp.answer("200 OK", sound=True, again=True), sipp.hear("ACK"), sipp.hear("BYE"),
        sipp.answer_within("200 OK"),
    ]  # fmt: skip
    with sipp.running(*scene) as exchange:
        await begin(database, account, exchange.address, *menu(prompt="A very long question. " * 20))
        going = asyncio.create_task(world.deliver(database, account))
        async with asyncio.timeout(20):
            while not await world.execute(database.dsn, "select 1 from flow_sessions where account_id = $1", account):
                await asyncio.sleep(0.02)
        await press(exchange, [4, 0, 7])
        async with asyncio.timeout(20):
            await going
        log = exchange.log
    await world.react(database)

    [[results]] = await world.execute(
        database.dsn, "select results -> 'number' ->> 'value' from flow_runs where account_id = $1", account
    )
    assert results == "407"
    assert await talks.runs(database, account) == [("completed", 3)]
    assert f"INVITE sip:{PHONE}@{exchange.address}" in log


async def test_silence_times_out(database: Database, account: int) -> None:
    with sipp.running() as exchange:
        await begin(database, account, exchange.address, *menu(timeout=(1, None)))
        await world.deliver(database, account)
    await world.react(database)

    assert await talks.runs(database, account) == [("completed", 2)]


async def test_who_hangs_up_is_interrupted(database: Database, account: int) -> None:
    scene = [
        sipp.keep(), sipp.answer("200 OK", sound=True, again=True), sipp.hear("ACK"), sipp.wait(1500),
        sipp.ask("BYE", 1), sipp.hear_answer(200),
    ]  # fmt: skip
    with sipp.running(*scene) as exchange:
        await begin(database, account, exchange.address, *menu())
        await world.deliver(database, account)
        played = exchange.played()
    await world.react(database)

    assert played == 0
    assert await talks.runs(database, account) == [("interrupted", 2)]


async def dialled(database: Database, account: int, exchange: sipp.Exchange, **wait: Any) -> str:
    """How a call to somebody else ends, as the flow has it."""
    after = talks.uuid()
    dial = talks.question({}, after, operand="@resume.dial.status", result="Outcome")
    dial["router"]["wait"] = {"type": "dial", "phone": "+40740999888", **wait}
    result = talks.act("set_run_result", name="All", value="@resume.dial.status @resume.dial.duration", category="")
    await begin(database, account, exchange.address, dial, talks.node(result, id=after))
    await world.deliver(database, account)
    await world.react(database)
    [[value]] = await world.execute(
        database.dsn, "select results -> 'all' ->> 'value' from flow_runs where account_id = $1", account
    )
    return value


async def test_somebody_else_is_dialled_and_both_talk(database: Database, account: int) -> None:
    with sipp.running() as exchange:
        value = await dialled(database, account, exchange, call_limit_seconds=1)
        log = exchange.log

    assert value == "answered 1"
    assert f"INVITE sip:+40740999888@{exchange.address}" in log


async def test_a_recording_that_is_none_is_told_and_the_call_goes_on(database: Database, account: int) -> None:
    play = talks.act("play_audio", audio_url="http://127.0.0.1:9/a.wav")
    with sipp.running() as exchange:
        contact = await begin(database, account, exchange.address, talks.node(play))
        await world.deliver(database, account)
    await world.react(database)

    async with database.tx(account) as tx:
        [entry] = await logs.page(tx, contact=contact)
    assert entry.text.startswith("The recording http://127.0.0.1:9/a.wav cannot be fetched")
    assert await talks.runs(database, account) == [("completed", 1)]
