"""What connected channels cost by the month: who pays, when, and once."""

import asyncio
from typing import Any

import pytest

from tests import world
from trunkline.billing import channel_months, months, prices
from trunkline.billing.events import ChannelUnpaid
from trunkline.core import schedules
from trunkline.core.jobs import Call, Desk
from trunkline.housekeeping import install_schedules
from trunkline.messaging import channels

pytestmark = pytest.mark.anyio


async def paid(clients: Any, account: int) -> list[tuple[Any, ...]]:
    rows = await world.execute(
        clients.database.dsn,
        "select month::text, paid_at is not null from channel_months where account_id = $1 order by month, channel_id",
        account,
    )
    return [tuple(row) for row in rows]


async def owed(clients: Any) -> int:
    async with clients.database.tx(clients.sub) as tx:
        return await channel_months.owed(tx)


async def test_a_channel_costs_fifty_credits_a_month(clients: Any, at: Any) -> None:
    await world.simulator(clients.database, clients.sub)
    await clients.give(120)

    at("2031-02-01T00:00Z")
    await channel_months.catch_up(clients.database)

    assert prices.CHANNEL_MONTH == 50
    assert await clients.available(clients.sub) == 70
    assert await paid(clients, clients.sub) == [("2031-02-01", True)]


async def test_the_month_in_which_it_was_connected_is_free(clients: Any) -> None:
    await world.simulator(clients.database, clients.sub)
    await clients.give(120)

    await channel_months.catch_up(clients.database)

    assert await clients.available(clients.sub) == 120


async def test_many_schedulers_charge_once(clients: Any, at: Any) -> None:
    for _ in range(3):
        await world.simulator(clients.database, clients.sub)
    await clients.give(500)

    at("2031-02-01T00:00Z")
    await asyncio.gather(*(channel_months.catch_up(clients.database) for _ in range(6)))

    assert await clients.available(clients.sub) == 350


async def test_each_month_is_charged_and_none_of_which_nothing_ran(clients: Any, at: Any) -> None:
    await world.simulator(clients.database, clients.sub)
    await clients.give(500)

    for moment in ("2031-02-01T00:00Z", "2031-02-28T12:00Z", "2031-05-03T00:00Z"):
        at(moment)
        await channel_months.catch_up(clients.database)

    assert [month for month, _ in await paid(clients, clients.sub)] == ["2031-02-01", "2031-05-01"]
    assert await clients.available(clients.sub) == 400


async def test_what_cannot_be_paid_is_owed_and_the_channel_works_on(clients: Any, at: Any) -> None:
    channel = await world.simulator(clients.database, clients.sub)
    await clients.give(49)

    at("2031-02-01T00:00Z")
    await channel_months.catch_up(clients.database)
    await channel_months.catch_up(clients.database)

    async with clients.database.tx(clients.sub) as tx:
        assert (await channels.get(tx, channel.id)).active
    assert await clients.available(clients.sub) == 49
    assert await owed(clients) == 50
    [told] = await world.execute(
        clients.database.dsn,
        "select data from events where account_id = $1 and type = $2",
        clients.sub,
        ChannelUnpaid.type,
    )
    assert '"2031-02-01"' in told["data"]


async def test_what_is_owed_is_paid_when_credits_come(clients: Any, at: Any) -> None:
    await world.simulator(clients.database, clients.sub)
    at("2031-02-01T00:00Z")
    await channel_months.catch_up(clients.database)

    await clients.give(60)
    await channel_months.catch_up(clients.database)

    assert await owed(clients) == 0
    assert await clients.available(clients.sub) == 10


async def test_who_is_not_metered_pays_nothing(clients: Any, account: int, at: Any) -> None:
    await world.simulator(clients.database, account)

    at("2031-02-01T00:00Z")
    await channel_months.catch_up(clients.database)

    assert await paid(clients, account) == []


async def test_a_disconnected_channel_costs_nothing(clients: Any, at: Any) -> None:
    channel = await world.simulator(clients.database, clients.sub)
    async with clients.database.tx(clients.sub) as tx:
        await channels.delete(tx, channel.uuid)

    at("2031-02-01T00:00Z")
    await channel_months.catch_up(clients.database)

    assert await paid(clients, clients.sub) == []


async def test_a_channel_of_the_pool_costs_nobody_anything(clients: Any, connection: Any, at: Any) -> None:
    channel = await world.simulator(clients.database, channels.POOL)

    at("2031-02-01T00:00Z")
    await channel_months.catch_up(clients.database)

    assert await paid(clients, channels.POOL) == []
    await connection.execute("delete from channels where id = $1", channel.id)


async def test_a_workspace_does_not_pay_for_the_month_in_which_it_becomes_metered(
    clients: Any, account: int, at: Any, connection: Any
) -> None:
    await world.simulator(clients.database, account)
    await connection.execute(
        "update channels set created_at = now() - interval '90 days' where account_id = $1", account
    )
    await clients.grant(account, 100)

    await channel_months.catch_up(clients.database)
    at("2031-02-01T00:00Z")
    await channel_months.catch_up(clients.database)

    assert await paid(clients, account) == [("2031-02-01", True)]


async def test_two_schedulers_make_one_call_of_a_month(dsn: str, tmp_path: Any) -> None:
    async with world.own_database(dsn, tmp_path) as database:
        await install_schedules(database)
        await world.execute(database.dsn, "update schedules set next_at = now() - interval '3 days'")

        await asyncio.gather(*(schedules.fire(database) for _ in range(4)))

        calls = await world.execute(database.dsn, "select from jobs where name = 'billing.months'")
        assert len(calls) == 1


async def test_the_allowance_pays_for_the_channel(clients: Any, at: Any) -> None:
    at("2031-01-20T12:00Z")
    await world.simulator(clients.database, clients.sub)
    await clients.allow(60)

    at("2031-02-01T00:00Z")
    await clients.spend(60)
    call = Call(0, 0, None, "billing.months", [], "system", "", 0, 1)
    await months.begin.run(Desk(clients.database, call, None))

    assert await clients.available(clients.sub) == 10
