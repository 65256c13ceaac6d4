"""Portions written side by side: marked off once, written once, whatever comes between."""

import asyncio
from uuid import RFC_4122, UUID

import pytest

from tests import world
from trunkline.campaigns import broadcasts, expanding
from trunkline.campaigns.broadcasts import NewBroadcast
from trunkline.campaigns.expanding import Stopped, mark_off, write_next
from trunkline.core import clock
from trunkline.core.db import Database, sql
from trunkline.messaging.channels import Channel

pytestmark = pytest.mark.anyio

NUMBERS = [f"+4074100{n:04d}" for n in range(20)]
WRITTEN = sql("select address from messages where account_id = $1 and broadcast_id = $2 order by id")
LEFT = sql("select after from broadcast_portions where account_id = $1 and broadcast_id = $2 order by after")


@pytest.fixture
async def channel(database: Database, account: int) -> Channel:
    return await world.simulator(database, account)


@pytest.fixture
async def id(database: Database, account: int, channel: Channel) -> int:
    """A broadcast to twenty people that is sending; four portions of five are marked off."""
    await world.contacts(database, account, NUMBERS)
    async with database.tx(account) as tx:
        draft = await broadcasts.create(tx, NewBroadcast(name="News", channel="sms", body="Hello"))
        await broadcasts.send(tx, draft.id)
        for _ in range(5):
            await mark_off(tx, draft.id, 5)
    return draft.id


async def written(database: Database, account: int, id: int) -> tuple[list[str], int, bool]:
    """Whom it went to, how many portions are left, and whether it is through."""
    async with database.tx(account) as tx:
        addresses = await tx.column(str, WRITTEN, account, id)
        left = await tx.column(int, LEFT, account, id)
        return addresses, len(left), (await _running(tx, id)).expanded


async def test_two_hands_take_different_portions(database: Database, account: int, id: int) -> None:
    async with database.tx(account) as one, database.tx(account) as other:
        await expanding._write(one, await _running(one, id), await _taken(one, id))
        await expanding._write(other, await _running(other, id), await _taken(other, id))

    addresses, left, _ = await written(database, account, id)
    assert (sorted(addresses), left) == (NUMBERS[:10], 2)


async def test_it_is_through_when_the_last_hand_is(database: Database, account: int, id: int) -> None:
    async def hand() -> None:
        wrote = True
        while wrote:
            async with database.tx(account) as tx:
                wrote = await write_next(tx, id)

    await asyncio.gather(*(hand() for _ in range(4)))

    addresses, left, through = await written(database, account, id)
    assert (sorted(addresses), left, through) == (NUMBERS, 0, True)


async def test_a_portion_that_a_crash_left_is_written_later(database: Database, account: int, id: int) -> None:
    with pytest.raises(KeyboardInterrupt):
        async with database.tx(account) as tx:
            await write_next(tx, id)
            raise KeyboardInterrupt
    before = await written(database, account, id)

    await world.react(database)

    addresses, left, through = await written(database, account, id)
    assert before == ([], 4, False)
    assert (sorted(addresses), left, through) == (NUMBERS, 0, True)


@pytest.mark.parametrize("end", [broadcasts.pause, broadcasts.cancel])
async def test_who_is_stopped_while_writing_leaves_nothing(database: Database, account: int, id: int, end) -> None:
    with pytest.raises(Stopped):
        async with database.tx(account) as tx:
            await expanding._write(tx, await _running(tx, id), await _taken(tx, id))
            async with database.tx(account) as other:
                await end(other, id)
            await expanding.close(tx, id, 5)

    assert await written(database, account, id) == ([], 4, False)


async def test_what_is_left_of_a_paused_one_is_written_when_it_goes_on(
    database: Database, account: int, id: int
) -> None:
    async with database.tx(account) as tx:
        await broadcasts.pause(tx, id)
    async with database.tx(account) as tx:
        wrote = await write_next(tx, id)
    async with database.tx(account) as tx:
        await broadcasts.resume(tx, id)

    await world.react(database)

    addresses, left, through = await written(database, account, id)
    assert (wrote, sorted(addresses), left, through) == (False, NUMBERS, 0, True)


async def test_a_canceled_one_keeps_no_portions(database: Database, account: int, id: int) -> None:
    async with database.tx(account) as tx:
        await broadcasts.cancel(tx, id)

    await world.react(database)

    assert (await written(database, account, id))[:2] == ([], 0)


UUIDS = sql("select uuid from messages where account_id = $1 and broadcast_id = $2 order by id")


async def test_the_uuids_are_of_version_7_and_in_order(database: Database, account: int, id: int) -> None:
    async with database.tx(account) as tx:
        await write_next(tx, id)
        uuids = await tx.column(UUID, UUIDS, account, id)

    assert {(uuid.version, uuid.variant) for uuid in uuids} == {(7, RFC_4122)}
    assert (sorted(uuids), len(set(uuids))) == (uuids, 5)
    assert abs((uuids[0].int >> 80) / 1000 - clock.now().timestamp()) < 60


async def _running(tx, id: int) -> expanding.Running:
    return await tx.one(expanding.Running, expanding.READ, tx.account, id)


async def _taken(tx, id: int) -> expanding.Portion:
    return await tx.one(expanding.Portion, expanding.TAKE, tx.account, id)
