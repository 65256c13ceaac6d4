"""The end of a sub-account: what it had under way stops, and its credits go home."""

from typing import Any

import pytest
from msgspec import Struct

from tests import world
from trunkline.accounts import subaccounts
from trunkline.billing import agencies, credits, transfers
from trunkline.billing.credits import Balance
from trunkline.core import schedules
from trunkline.core.db import Database
from trunkline.housekeeping import squash_tallies
from trunkline.messaging import channels, lines

pytestmark = pytest.mark.anyio

EMAIL = "client@example.com"


class Family(Struct):
    agency: int
    sub: int


@pytest.fixture
async def family(database: Database) -> Family:
    """An agency that paid 500 of its 1000 credits into one sub-account."""
    agency = await world.workspace(database, kind="agency")
    async with database.tx(agency) as tx:
        await transfers.grant(tx, 1000)
        opened = await agencies.open(tx, "Acme", EMAIL)
    async with database.tx(agency) as tx:
        await transfers.transfer(tx, EMAIL, 500)
    return Family(agency, opened.account.id)


async def end(database: Database, family: Family) -> None:
    async with database.tx(family.agency) as tx:
        await subaccounts.delete(tx, EMAIL)


async def balance(database: Database, account: int) -> Balance:
    async with database.tx(account) as tx:
        assert await credits.check(tx) is None
        return await credits.balance(tx)


async def test_nothing_is_sent_from_that_moment_on(database: Database, family: Family) -> None:
    channel = await world.simulator(database, family.sub)
    await world.queue(database, family.sub, channel, ["+40740111222"])

    await end(database, family)

    assert family.sub not in {line.account_id for line in await lines.due(database)}


async def test_what_waited_is_canceled_and_the_credits_return(database: Database, family: Family) -> None:
    channel = await world.simulator(database, family.sub)
    [message] = await world.queue(database, family.sub, channel, ["+40740111222"])

    await end(database, family)
    await world.react(database)

    assert (await world.message(database, message))["status"] == "canceled"
    assert await balance(database, family.sub) == Balance(0, 0)
    assert await balance(database, family.agency) == Balance(1000, 0)


async def test_what_is_being_sent_is_looked_at_again(database: Database, family: Family) -> None:
    channel = await world.simulator(database, family.sub)
    [message] = await world.queue(database, family.sub, channel, ["+40740111222"])
    await world.execute(database.dsn, "update messages set status = 'sending' where id = $1", message)
    await world.execute(
        database.dsn, "update outbound set run_at = now() + interval '1 minute' where account_id = $1", family.sub
    )
    await end(database, family)
    await world.react(database)
    before = await balance(database, family.sub)

    await world.pass_time(database, family.sub)
    await world.execute(database.dsn, "update jobs set run_at = now() where account_id = $1", family.agency)
    await world.react(database)

    assert before == Balance(0, 1)
    assert (await world.message(database, message))["status"] == "unknown"
    assert await balance(database, family.sub) == Balance(0, 0)
    assert await balance(database, family.agency) == Balance(999, 0)


async def test_its_channels_and_schedules_are_gone(database: Database, family: Family) -> None:
    channel = await world.simulator(database, family.sub)
    async with database.tx(family.sub) as tx:
        await schedules.every(tx, "test", "0 0 1 1 *", squash_tallies)

    await end(database, family)
    await world.react(database)

    assert await channels.by_uuid(database, channel.kind, channel.uuid) is None
    assert await world.execute(database.dsn, "select from schedules where account_id = $1", family.sub) == []


async def test_an_agency_takes_nothing_from_another_ones_sub_account(database: Database, family: Family) -> None:
    stranger = await world.workspace(database, kind="agency", metered=True)

    async with database.tx(stranger) as tx:
        moved: Any = await transfers.reclaim(tx, family.sub, reason="test")

    assert moved == 0
    assert await balance(database, family.sub) == Balance(500, 0)
