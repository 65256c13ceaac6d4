"""What agencies give each month: when, once, and what becomes of the rest."""

import asyncio
from typing import Any

import pytest

from trunkline.accounts import subaccounts
from trunkline.billing import allowances
from trunkline.core.errors import Invalid, NotFound, OutOfCredits

pytestmark = pytest.mark.anyio


async def test_the_first_month_is_given_at_once(clients: Any, at: Any) -> None:
    at("2031-01-20T12:00Z")

    sub = await clients.allow(100)

    assert (sub.available, sub.monthly, sub.used, sub.is_behind) == (100, 100, 0, False)


async def test_what_is_spent_is_taken_from_the_allowance_first(clients: Any, at: Any) -> None:
    at("2031-01-20T12:00Z")
    await clients.give(25)
    await clients.allow(100)
    await clients.spend(30)
    await clients.give(5)

    sub = await clients.shown()

    assert (sub.used, sub.available, sub.used_today) == (30, 100, 0)  # today is another day than the entries'


async def test_no_more_than_the_allowance_is_used_of_it(clients: Any, at: Any) -> None:
    at("2031-01-20T12:00Z")
    await clients.give(25)
    await clients.allow(100)
    await clients.spend(120)

    assert (await clients.shown()).used == 100


async def test_what_is_left_of_a_month_returns_to_the_agency(clients: Any, at: Any) -> None:
    at("2031-01-20T12:00Z")
    await clients.grant(clients.agency, 1000)
    await clients.give(25)
    await clients.allow(100)
    await clients.spend(30)

    at("2031-02-01T00:00Z")
    await allowances.catch_up(clients.database)

    assert await clients.available(clients.sub) == 125
    assert await clients.available(clients.agency) == 1000 - 25 - 100 + 70 - 100


async def test_what_rolls_over_stays(clients: Any, at: Any) -> None:
    at("2031-01-20T12:00Z")
    await clients.allow(100, roll_over=True)
    await clients.spend(30)

    at("2031-02-01T00:00Z")
    await allowances.catch_up(clients.database)

    assert await clients.available(clients.sub) == 170


async def test_what_rolled_over_goes_back_when_that_ends(clients: Any, at: Any) -> None:
    at("2031-01-20T12:00Z")
    await clients.give(7)
    await clients.allow(100, roll_over=True)
    at("2031-02-20T12:00Z")
    await allowances.catch_up(clients.database)
    await clients.allow(0)

    at("2031-03-20T12:00Z")
    await allowances.catch_up(clients.database)

    assert await clients.available(clients.sub) == 7


async def test_the_month_begins_by_the_sub_accounts_clock(clients: Any, at: Any) -> None:
    at("2031-01-20T12:00Z")
    await clients.allow(100, roll_over=True)

    balances = []
    for moment in ("2031-01-31T21:59Z", "2031-01-31T22:00Z"):  # midnight in Bucharest is 22:00 UTC
        at(moment)
        await allowances.catch_up(clients.database)
        balances.append(await clients.available(clients.sub))

    assert balances == [100, 200]


async def test_months_in_which_nothing_ran_are_caught_up_with(clients: Any, at: Any) -> None:
    at("2031-11-20T12:00Z")
    await clients.allow(100, roll_over=True)

    at("2032-02-03T12:00Z")
    await allowances.catch_up(clients.database)

    assert await clients.available(clients.sub) == 400


async def test_many_schedulers_give_once(clients: Any, at: Any) -> None:
    at("2031-01-20T12:00Z")
    await clients.grant(clients.agency, 1000)
    await clients.allow(100, roll_over=True)

    at("2031-02-01T00:00Z")
    await asyncio.gather(*(allowances.catch_up(clients.database) for _ in range(6)))

    assert await clients.available(clients.sub) == 200
    assert await clients.available(clients.agency) == 800


async def test_what_the_agency_cannot_give_comes_when_it_can(clients: Any, at: Any) -> None:
    at("2031-01-20T12:00Z")
    await clients.grant(clients.agency, 130)
    await clients.allow(100, roll_over=True)
    at("2031-02-01T00:00Z")
    await allowances.catch_up(clients.database)
    behind = await clients.shown()

    await clients.grant(clients.agency, 70)
    await allowances.catch_up(clients.database)

    assert (behind.available, behind.is_behind) == (100, True)
    assert await clients.available(clients.sub) == 200
    assert await clients.available(clients.agency) == 0


async def test_an_allowance_that_the_agency_cannot_give_is_not_set(clients: Any, at: Any) -> None:
    at("2031-01-20T12:00Z")
    await clients.grant(clients.agency, 99)

    with pytest.raises(OutOfCredits):
        await clients.allow(100)

    assert (await clients.shown()).monthly == 0


async def test_another_number_counts_from_the_next_month_on(clients: Any, at: Any) -> None:
    at("2031-01-20T12:00Z")
    await clients.allow(100)
    changed = await clients.allow(40)

    at("2031-02-01T00:00Z")
    await allowances.catch_up(clients.database)

    assert (changed.available, changed.monthly) == (100, 40)
    assert await clients.available(clients.sub) == 40


async def test_a_deleted_sub_account_gets_nothing_more(clients: Any, at: Any) -> None:
    at("2031-01-20T12:00Z")
    await clients.allow(100)
    async with clients.database.tx(clients.agency) as tx:
        await subaccounts.delete(tx, clients.email)

    at("2031-02-01T00:00Z")
    await allowances.catch_up(clients.database)

    assert await clients.available(clients.sub) == 100


@pytest.mark.parametrize("monthly", [-1, 10**13])
async def test_an_impossible_allowance_is_refused(clients: Any, monthly: int) -> None:
    with pytest.raises(Invalid):
        await clients.allow(monthly)


async def test_another_agencys_sub_account_does_not_exist(clients: Any, database: Any) -> None:
    from tests import world

    stranger = await world.workspace(database, kind="agency")
    clients.agency = stranger

    with pytest.raises(NotFound):
        await clients.allow(100)
