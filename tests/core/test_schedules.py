"""Schedules: once each, by the clock on the wall, however many schedulers there are."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests import world
from trunkline.core import schedules
from trunkline.core.db import Database
from trunkline.core.jobs import Claims, job

pytestmark = pytest.mark.anyio


@job("test.tick")
async def tick(tx, *args: object) -> None:
    pass


@job("test.tock")
async def tock(tx, *args: object) -> None:
    pass


@pytest.fixture
async def calendar(quiet: Database) -> Database:
    await world.execute(quiet.dsn, "truncate schedules, jobs")
    return quiet


async def make_due(database: Database, ago: str = "1 second") -> None:
    await world.execute(database.dsn, "update schedules set next_at = now() - $1::text::interval", ago)


async def enqueued(database: Database) -> list[tuple]:
    rows = await world.execute(database.dsn, "select account_id, name, args::text, cause from jobs order by id")
    return [tuple(row) for row in rows]


async def test_what_is_not_due_does_not_fire(calendar: Database) -> None:
    async with calendar.tx(1) as tx:
        await schedules.every(tx, "yearly", "0 0 1 1 *", tick)

    assert await schedules.fire(calendar) == 0


async def test_a_firing_is_one_call_with_the_account_and_the_arguments(calendar: Database) -> None:
    async with calendar.tx(7) as tx:
        await schedules.every(tx, "report", "0 9 * * *", tick, 3, "x")
    await make_due(calendar)

    fired = await schedules.fire(calendar)

    assert (fired, await enqueued(calendar)) == (1, [(7, "test.tick", '[3, "x"]', "schedule:report")])
    assert len(await Claims(calendar, "jobs").take(5)) == 1


async def test_three_schedulers_at_once_fire_each_once(calendar: Database) -> None:
    for account in range(1, 41):
        async with calendar.tx(account) as tx:
            await schedules.every(tx, "daily", "0 9 * * *", tick, account)
    await make_due(calendar)

    fired = []
    for _ in range(3):
        fired += await asyncio.gather(*(schedules.fire(calendar, 15) for _ in range(3)))

    assert sum(fired) == 40
    assert sorted(row[0] for row in await enqueued(calendar)) == list(range(1, 41))


async def test_what_was_missed_for_days_fires_once(calendar: Database) -> None:
    async with calendar.tx(1) as tx:
        await schedules.every(tx, "minutely", "* * * * *", tick)
    await make_due(calendar, "9 days")

    fired = [await schedules.fire(calendar) for _ in range(3)]

    [next_at] = await world.execute(calendar.dsn, "select next_at > now() from schedules")
    assert (fired, next_at[0], len(await enqueued(calendar))) == ([1, 0, 0], True, 1)


async def test_setting_the_same_again_keeps_the_moment(calendar: Database) -> None:
    async with calendar.tx(1) as tx:
        await schedules.every(tx, "s", "0 9 * * *", tick)
    await make_due(calendar)

    async with calendar.tx(1) as tx:
        await schedules.every(tx, "s", "0 9 * * *", tock)
    fired = await schedules.fire(calendar)

    assert (fired, [row[1] for row in await enqueued(calendar)]) == (1, ["test.tock"])


async def test_another_rhythm_is_a_new_moment(calendar: Database) -> None:
    async with calendar.tx(1) as tx:
        await schedules.every(tx, "s", "0 9 * * *", tick)
    await make_due(calendar)

    async with calendar.tx(1) as tx:
        await schedules.every(tx, "s", "0 10 * * *", tick)

    assert await schedules.fire(calendar) == 0


async def test_a_removed_schedule_is_silent(calendar: Database) -> None:
    async with calendar.tx(1) as tx:
        await schedules.every(tx, "s", "0 9 * * *", tick)
    await make_due(calendar)

    async with calendar.tx(1) as tx:
        await schedules.stop(tx, "s")
        await schedules.stop(tx, "never was")

    assert await schedules.fire(calendar) == 0


async def test_names_belong_to_accounts(calendar: Database) -> None:
    for account in (1, 2):
        async with calendar.tx(account) as tx:
            await schedules.every(tx, "s", "0 9 * * *", tick)
    async with calendar.tx(1) as tx:
        await schedules.stop(tx, "s")
    await make_due(calendar)

    await schedules.fire(calendar)

    assert [row[0] for row in await enqueued(calendar)] == [2]


def firings(cron: str, zone: str, first: date, days: int) -> list[datetime]:
    """All moments of some days, as the clock on the wall there says."""
    there = ZoneInfo(zone)
    moment = datetime(first.year, first.month, first.day, tzinfo=there).astimezone(UTC) - timedelta(seconds=1)
    found = []
    while (moment := schedules.upcoming(cron, zone, moment)).astimezone(there).date() < first + timedelta(days=days):
        found.append(moment.astimezone(there))
    return found


CHANGES = [
    ("Europe/Bucharest", date(2026, 3, 27)),
    ("Europe/Bucharest", date(2026, 10, 23)),
    ("America/New_York", date(2026, 3, 6)),
    ("America/New_York", date(2026, 10, 30)),
]


@pytest.mark.parametrize(("zone", "first"), CHANGES)
def test_nine_o_clock_comes_once_a_day_when_the_clock_is_changed(zone: str, first: date) -> None:
    found = firings("0 9 * * *", zone, first, 5)

    assert [moment.date() for moment in found] == [first + timedelta(days=n) for n in range(5)]
    assert {(moment.hour, moment.minute) for moment in found} == {(9, 0)}


@pytest.mark.parametrize(("zone", "first"), CHANGES)
@pytest.mark.parametrize("hour", [0, 1, 2, 3, 4])
def test_an_hour_that_is_skipped_or_repeated_still_comes_once_a_day(zone: str, first: date, hour: int) -> None:
    found = firings(f"30 {hour} * * *", zone, first, 5)

    assert [moment.date() for moment in found] == [first + timedelta(days=n) for n in range(5)]


def test_the_leap_day_comes_in_leap_years() -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)

    found = []
    for _ in range(2):
        moment = schedules.upcoming("0 12 29 2 *", "UTC", moment)
        found.append(moment.date())

    assert found == [date(2028, 2, 29), date(2032, 2, 29)]


def test_the_thirty_first_comes_in_long_months_only() -> None:
    found = firings("0 8 31 * *", "Europe/Bucharest", date(2026, 1, 1), 365)

    assert [moment.month for moment in found] == [1, 3, 5, 7, 8, 10, 12]


@pytest.mark.parametrize(
    ("cron", "zone"),
    [
        ("", "UTC"),
        ("often", "UTC"),
        ("0 9 30 2 *", "UTC"),
        ("61 * * * *", "UTC"),
        ("0 9 * * *", "Mars"),
        ("* * * * *", ""),
    ],
)
def test_times_that_never_come_are_told(cron: str, zone: str) -> None:
    assert schedules.problem(cron, zone)


def test_times_that_come_have_no_problem() -> None:
    assert schedules.problem("0 9 * * 1-5", "Africa/Kigali") is None
