"""Calls as they are kept: one way only, never twice, told to the URL that came along."""

import asyncio
from datetime import timedelta

import msgspec
import pytest

from tests import world
from trunkline.billing import credits
from trunkline.channels.base import CallNote, Sent
from trunkline.channels.simulator import Simulator
from trunkline.core import clock
from trunkline.core.errors import NotFound, Unavailable
from trunkline.messaging import callbook, calls, channels, lines, preparing
from trunkline.messaging.callbook import Book
from trunkline.messaging.calls import Order
from trunkline.messaging.carrier import outbox
from trunkline.messaging.sending import API, BULK

pytestmark = pytest.mark.anyio

PHONE = "+40740111222"


@pytest.fixture
async def voice(database, account):
    return await world.simulator(database, account, **{"as": "voice"})


async def initiate(database, account, to=PHONE, **more):
    async with database.tx(account) as tx:
        return await calls.initiate(tx, Order(to=to, message="Hello.", **more))


async def get(database, account, id):
    async with database.tx(account) as tx:
        return await calls.get(tx, id)


async def note(database, account, id, *steps, **more):
    """Whether each step moved the call."""
    moved = []
    async with database.tx(account) as tx:
        for n, step in enumerate(steps):
            at = clock.now() + timedelta(seconds=n)
            one = CallNote(account_id=account, message_id=id, status=step, at=at, **more)
            moved.append(bool(await callbook.advance(tx, [one])))
    return moved


@pytest.mark.parametrize(
    ("steps", "moved", "status"),
    [
        (["initiated", "ringing", "in_progress", "completed"], [True] * 4, "completed"),
        (["initiated", "in_progress", "ringing"], [True, True, False], "in_progress"),
        (["initiated", "initiated"], [True, False], "initiated"),
        (["busy", "ringing", "completed"], [True, False, False], "busy"),
        (["failed", "failed"], [True, False], "failed"),
    ],
)
async def test_a_call_moves_one_way(database, account, voice, steps, moved, status):
    call = await initiate(database, account)

    assert await note(database, account, call.id, *steps) == moved

    now = await get(database, account, call.id)
    taken = [step for step, took in zip(steps, moved, strict=True) if took]
    assert now.status == status
    assert [moment.status for moment in now.timeline] == ["queued", *taken]


async def test_what_a_call_came_to(database, account, voice):
    call = await initiate(database, account)

    await note(database, account, call.id, "initiated", "ringing", "in_progress")
    await note(database, account, call.id, "completed", seconds=12, reason="hung_up", code="200")

    now = await get(database, account, call.id)
    assert (now.seconds, now.reason, now.provider_code, now.error) == (12, "hung_up", "200", None)
    assert now.answered_at is not None
    assert now.ended_at is not None


async def test_a_worker_that_died_during_a_call_calls_nobody_again(database, account, voice):
    """Claimed and marked, then nothing: when the lease ends, nobody knows what was heard."""
    call = await initiate(database, account, webhook_url="https://example.com/x")
    await _claim(database, account)
    await note(database, account, call.id, "initiated", "ringing")
    await world.pass_time(database, account)

    await world.deliver(database, account)
    await world.react(database)

    now = await get(database, account, call.id)
    async with database.tx(account) as tx:
        assert await outbox(tx, voice.id) == []
    assert (now.status, now.reason) == ("failed", "interrupted")
    assert (await world.message(database, call.id))["status"] == "unknown"
    [*_, told] = await world.execute(
        database.dsn, "select event from webhook_deliveries where account_id = $1 order by id", account
    )
    assert told["event"] == "call.failed"


async def test_a_call_that_waited_too_long_is_given_up(database, account, voice, connection):
    call = await initiate(database, account)
    await connection.execute("update messages set expires_at = now() - interval '1 second' where id = $1", call.id)

    await world.deliver(database, account)
    await world.react(database)

    now = await get(database, account, call.id)
    assert (now.status, now.reason) == ("failed", "expired")


async def test_a_refused_call_gives_its_credits_back(database):
    account = await world.workspace(database, metered=True)
    await world.grant(database, account, 3)
    await world.simulator(database, account, **{"as": "voice", "answer": "busy"})

    call = await initiate(database, account)
    async with database.tx(account) as tx:
        reserved = await credits.balance(tx)
    await world.deliver(database, account)

    async with database.tx(account) as tx:
        after = await credits.balance(tx)
    assert (call.credits, reserved.reserved) == (1, 1)
    assert (after.available, after.reserved) == (3, 0)


async def test_spoken_campaigns_are_calls_too(database, account, voice):
    """Their messages have no call until it begins."""
    queued = await world.queue(database, account, voice, [PHONE], "Hello.")

    await world.deliver(database, account)

    now = await get(database, account, queued[0])
    assert (now.status, now.webhook_url) == ("completed", None)


@pytest.mark.parametrize("lane", [API, BULK])
async def test_no_more_calls_are_claimed_than_may_go_on(database, account, monkeypatch, lane):
    """Who waits for a free line is not marked as being called: a crash leaves open what really was open."""
    most, running = 0, 0

    async def count(self, wire, book, messages):
        nonlocal most, running
        running += len(messages)
        most = max(most, running, await _marked(database, account))
        await asyncio.sleep(0.01)
        running -= len(messages)
        return [Sent(id=message.id, arrived=True) for message in messages]

    channel = await world.simulator(database, account, **{"as": "voice"})
    monkeypatch.setattr(Simulator, "_call", count)
    monkeypatch.setattr(Simulator, "at_once", 3)
    monkeypatch.setattr(Simulator, "can", msgspec.structs.replace(Simulator.can, batch=1))
    ids = await world.queue(database, account, channel, [f"+4074011122{n}" for n in range(8)], lane=lane)

    await world.deliver(database, account)

    assert 0 < most <= 3
    assert {(await world.message(database, id))["status"] for id in ids} == {"delivered"}


async def test_a_step_waits_for_the_database_but_a_beginning_does_not(database, account, voice, monkeypatch):
    call = await initiate(database, account)
    tries = iter([Unavailable("The database"), Unavailable("The database")])
    real = callbook.advance

    async def away(tx, notes):
        if error := next(tries, None):
            raise error
        return await real(tx, notes)

    async def at_once(seconds):
        return None

    monkeypatch.setattr(callbook, "advance", away)
    monkeypatch.setattr(callbook.asyncio, "sleep", at_once)
    book = Book(database)
    begin, ring = (
        CallNote(account_id=account, message_id=call.id, status=status, at=clock.now())
        for status in ("initiated", "ringing")
    )

    with pytest.raises(Unavailable):
        await book.note([begin])
    await book.note([ring])

    assert (await get(database, account, call.id)).status == "ringing"


async def test_calls_of_other_accounts_are_not_there(database, account, other_account, voice):
    call = await initiate(database, account)

    with pytest.raises(NotFound):
        await get(database, other_account, call.id)
    assert await note(database, other_account, call.id, "completed") == [False]


async def _marked(database, account) -> int:
    rows = await world.execute(
        database.dsn, "select count(*) from messages where account_id = $1 and status = 'sending'", account
    )
    return rows[0][0]


async def _claim(database, account) -> None:
    [line] = [line for line in await lines.due(database) if line.account_id == account]
    async with database.tx(account) as tx:
        channel = await channels.with_deleted(tx, line.channel_id)
        claimed = await lines.claim(tx, line, 10, channel.sends_as)
        await preparing.prepare(tx, line, channel, claimed)
