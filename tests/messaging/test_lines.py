"""Lines: what is due in which order, leases and their fences, and the beat of a paced channel."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import world
from trunkline.core.db import Database
from trunkline.messaging import channels, lines, sending
from trunkline.messaging.channels import Channel
from trunkline.messaging.lines import Claimed, Line

pytestmark = pytest.mark.anyio

NUMBERS = [f"+4074000{n:04d}" for n in range(60)]


@pytest.fixture
async def channel(database: Database, account: int) -> Channel:
    return await world.simulator(database, account)


async def due(database: Database, account: int) -> list[Line]:
    return [line for line in await lines.due(database) if line.account_id == account and not line.ready_in]


async def claim(database: Database, line: Line, limit: int = 100, *, mark: bool = True) -> list[Claimed]:
    async with database.tx(line.account_id) as tx:
        claimed = await lines.claim(tx, line, limit, "sms")
        if mark and claimed:
            await lines.mark(tx, claimed)
        return claimed


async def test_an_empty_queue_has_no_lines(database: Database, account: int) -> None:
    assert await due(database, account) == []


async def test_each_channel_lane_and_account_has_its_line(
    database: Database, account: int, other_account: int, channel: Channel
) -> None:
    other = await world.simulator(database, account)
    theirs = await world.simulator(database, other_account)
    for one, workspace, lane in (
        (channel, account, sending.API),
        (channel, account, sending.REPLY),
        (other, account, sending.API),
        (theirs, other_account, sending.API),
    ):
        await world.queue(database, workspace, one, NUMBERS[:3], lane=lane)

    found = [line.key for workspace in (account, other_account) for line in await due(database, workspace)]

    assert found[0] == (sending.REPLY, channel.id, account, 0)
    assert set(found[1:]) == {
        (sending.API, channel.id, account, 0),
        (sending.API, other.id, account, 0),
        (sending.API, theirs.id, other_account, 0),
    }


async def test_messages_are_claimed_in_order_and_only_once(database: Database, account: int, channel: Channel) -> None:
    ids = await world.queue(database, account, channel, NUMBERS)
    [line] = await due(database, account)

    portions = [await claim(database, line, 25) for _ in range(4)]

    assert [message.id for portion in portions for message in portion] == ids
    assert [len(portion) for portion in portions] == [25, 25, 10, 0]


async def test_claimers_at_once_share_without_overlap(database: Database, account: int, channel: Channel) -> None:
    ids = await world.queue(database, account, channel, NUMBERS)
    [line] = await due(database, account)

    portions = await asyncio.gather(*(claim(database, line, 7) for _ in range(8)))
    portions.append(await claim(database, line))

    taken = [message.id for portion in portions for message in portion]
    assert sorted(taken) == ids


async def test_an_ended_lease_is_offered_again_and_says_what_it_was(
    database: Database, account: int, channel: Channel
) -> None:
    await world.queue(database, account, channel, NUMBERS[:1])
    [line] = await due(database, account)
    [first] = await claim(database, line)
    while_leased = await due(database, account)
    await world.pass_time(database, account)

    [second] = await claim(database, line)

    assert while_leased == []
    assert (first.before, second.before) == ("queued", "sending")
    assert (first.attempts, second.attempts) == (1, 2)


async def test_who_lost_the_lease_can_neither_release_nor_postpone_nor_renew(
    database: Database, account: int, channel: Channel
) -> None:
    await world.queue(database, account, channel, NUMBERS[:1])
    [line] = await due(database, account)
    late = await claim(database, line)
    await world.pass_time(database, account)
    now = await claim(database, line)

    async with database.tx(account) as tx:
        await lines.release(tx, line, late)
        await lines.postpone(tx, line, [(late[0], -5.0)])
        renewed = await lines.renew(tx, line, late)

    [left] = await world.execute(database.dsn, "select run_at from outbound where account_id = $1", account)
    assert (left["run_at"], renewed) == (now[0].leased_until, {})


async def test_the_holder_can_renew_and_then_release(database: Database, account: int, channel: Channel) -> None:
    await world.queue(database, account, channel, NUMBERS[:1])
    [line] = await due(database, account)
    [held] = await claim(database, line)

    async with database.tx(account) as tx:
        renewed = await lines.renew(tx, line, [held])
    async with database.tx(account) as tx:
        await lines.release(tx, line, [held])
    stale = await world.execute(database.dsn, "select from outbound where account_id = $1", account)

    assert renewed[held.id] > held.leased_until
    assert len(stale) == 1


async def test_a_postponed_message_waits_for_its_own_time(database: Database, account: int, channel: Channel) -> None:
    ids = await world.queue(database, account, channel, NUMBERS[:2])
    [line] = await due(database, account)
    soon, late = await claim(database, line)

    async with database.tx(account) as tx:
        await lines.postpone(tx, line, [(soon, -1.0), (late, 500.0)])

    assert [message.id for message in await claim(database, line)] == ids[:1]


async def test_a_suspended_account_sends_nothing(database: Database, account: int, channel: Channel) -> None:
    await world.queue(database, account, channel, NUMBERS[:1])
    await world.execute(database.dsn, "update accounts set suspended = true where id = $1", account)
    suspended = await due(database, account)
    await world.execute(database.dsn, "update accounts set suspended = false where id = $1", account)

    assert (suspended, len(await due(database, account))) == ([], 1)


async def test_a_held_installation_sends_nothing(database: Database, account: int, channel: Channel) -> None:
    await world.queue(database, account, channel, NUMBERS[:1])
    await world.execute(database.dsn, "insert into installation (name, value) values ('held', 'true')")
    held = await due(database, account)
    await world.execute(database.dsn, "delete from installation where name = 'held'")

    assert (held, len(await due(database, account))) == ([], 1)


async def test_a_paused_channel_rests_until_then(database: Database, account: int, channel: Channel) -> None:
    other = await world.simulator(database, account)
    for one in (channel, other):
        await world.queue(database, account, one, NUMBERS[:1])
    async with database.tx(account) as tx:
        await lines.pause(tx, channel.id, 60)
    paused = [line.channel_id for line in await due(database, account)]

    await world.pass_time(database, account)

    assert paused == [other.id]
    assert {line.channel_id for line in await due(database, account)} == {channel.id, other.id}


async def bulk(database: Database, account: int, channel: Channel, status: str) -> int:
    """A broadcast in some state with three messages in its line."""
    [row] = await world.execute(
        database.dsn,
        """insert into broadcasts (account_id, uuid, name, channel, channel_id, body, status)
        values ($1, gen_random_uuid(), 'News', 'sms', $2, 'Hello', $3) returning id""",
        account, channel.id, status,
    )  # fmt: skip
    ids = await world.queue(database, account, channel, NUMBERS[:3], lane=sending.BULK)
    await world.execute(
        database.dsn, "update outbound set broadcast_id = $2 where account_id = $1 and lane = 2", account, row["id"]
    )
    await world.execute(database.dsn, "update messages set broadcast_id = $1 where id = any($2)", row["id"], ids)
    return row["id"]


@pytest.mark.parametrize("status", ["paused", "canceled", "failed"])
async def test_a_broadcast_that_is_not_sending_is_not_claimed(
    database: Database, account: int, channel: Channel, status: str
) -> None:
    id = await bulk(database, account, channel, "sending")
    [line] = await due(database, account)
    await world.execute(database.dsn, "update broadcasts set status = $2 where id = $1", id, status)

    late = await claim(database, line)

    assert (late, await due(database, account)) == ([], [])


async def test_what_is_claimed_cannot_be_canceled_any_more(database: Database, account: int, channel: Channel) -> None:
    """A stop that comes between the claim and the send waits, and then leaves the message alone."""
    ids = await world.queue(database, account, channel, NUMBERS[:1])
    [line] = await due(database, account)

    async def cancel() -> int:
        async with database.tx(account) as tx:
            return await sending.cancel(tx, ids, "user")

    async with database.tx(account) as tx:
        claimed = await lines.claim(tx, line, 5, "sms")
        canceling = asyncio.create_task(cancel())
        async with asyncio.timeout(10):
            while not await world.execute(database.dsn, WAITING):
                await asyncio.sleep(0.005)
        await lines.mark(tx, claimed)

    assert await canceling == 0
    assert (await world.message(database, ids[0]))["status"] == "sending"


WAITING = "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"


async def test_what_was_canceled_before_is_known_at_the_claim(
    database: Database, account: int, channel: Channel
) -> None:
    ids = await world.queue(database, account, channel, NUMBERS[:1])
    [line] = await due(database, account)
    async with database.tx(account) as tx:
        await sending.cancel(tx, ids, "user")

    [claimed] = await claim(database, line, mark=False)

    assert claimed.before == "canceled"


async def beat(database: Database, channel: Channel) -> float:
    """How far ahead of now a paced channel's next moment lies."""
    [row] = await world.execute(
        database.dsn, "select extract(epoch from next_at - now())::float8 from paces where channel_id = $1", channel.id
    )
    return row[0]


@pytest.mark.parametrize("rate", [0.2, 1, 5, 10])
async def test_a_slow_channel_gives_one_and_then_waits_a_beat(database: Database, account: int, rate: float) -> None:
    channel = await world.simulator(database, account, rate=rate)
    await world.queue(database, account, channel, NUMBERS[:20])
    [line] = await due(database, account)

    for _ in range(3):
        claimed = await claim(database, line)
        ahead = await beat(database, channel)
        at_once = await claim(database, line)
        await world.pass_time_of_channels(database, account)

        assert (len(claimed), at_once) == (1, [])
        assert ahead <= lines.interval(rate)


async def test_a_fast_channel_gives_a_few_and_waits_as_many_beats(database: Database, account: int) -> None:
    channel = await world.simulator(database, account, rate=200)
    await world.queue(database, account, channel, NUMBERS)
    [line] = await due(database, account)

    claimed = await claim(database, line)
    [row] = await world.execute(
        database.dsn,
        "select extract(epoch from next_at - clock_timestamp())::float8 from paces where channel_id = $1",
        channel.id,
    )

    assert 1 < len(claimed) <= 200 * lines.PACE_SLACK + 1
    assert row[0] <= len(claimed) * lines.interval(200)


async def test_what_waits_on_a_disconnected_channel_keeps_no_pace(database: Database, account: int) -> None:
    channel = await world.simulator(database, account, rate=0.2)
    await world.queue(database, account, channel, NUMBERS[:20])
    async with database.tx(account) as tx:
        await channels.delete(tx, channel.uuid)
    [line] = await due(database, account)

    claimed = await claim(database, line)

    assert len(claimed) == 20


async def test_a_rest_is_not_made_up_for(database: Database, account: int) -> None:
    channel = await world.simulator(database, account, rate=10)
    await world.queue(database, account, channel, NUMBERS)
    [line] = await due(database, account)
    await claim(database, line)
    await world.execute(
        database.dsn, "update paces set next_at = now() - interval '1 hour' where channel_id = $1", channel.id
    )

    assert len(await claim(database, line)) == 1


@given(rate=st.integers(1, 50_000), delays=st.lists(st.floats(0, 0.2), min_size=1, max_size=400))
def test_no_second_holds_more_than_the_rate(rate: int, delays: list[float]) -> None:
    """The arithmetic of the pace, with a sender that looks again after any delay."""
    beat, now, next_at, taken = lines.interval(rate), 100.0, 0.0, []
    for delay in delays:
        now = max(now, next_at - lines.PACE_SLACK) + delay
        allowed = int((lines.PACE_SLACK - max(0.0, next_at - now)) // beat) + 1
        taken += [(now, max(0, allowed))]
        next_at = max(next_at, now) + max(0, allowed) * beat

    for start, _ in taken[:50]:
        assert sum(n for moment, n in taken if start <= moment < start + 1) <= rate
