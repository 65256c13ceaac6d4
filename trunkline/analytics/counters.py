"""Counters: what happened on which day, as sums of deltas that were written with the facts.

A statement or trigger that writes a fact writes its delta in the same transaction: 0013_analytics.sql, for
messages messaging/receiving.py and messaging/statuses.py. A day is one of the account's zone when it happened.
"""

from collections.abc import Sequence
from datetime import date

from msgspec import Struct

from trunkline.core import clock
from trunkline.core.db import Tx, sql
from trunkline.core.jobs import Desk, job

KEPT_DAYS = 400


class Total(Struct, frozen=True):
    """`subject` is the kind of channel, or the user's id; empty where it is neither."""

    name: str
    subject: str
    value: int


async def today(tx: Tx) -> date:
    """The day that it is where the account is at home."""
    return await tx.value(date, TODAY, tx.account, clock.now()) or clock.now().date()


async def totals(tx: Tx, names: Sequence[str], since: date) -> list[Total]:
    """Sums over the days from `since` on, by name and subject."""
    return await tx.fetch(Total, TOTALS, tx.account, names, since)


async def by_day(tx: Tx, names: Sequence[str], since: date) -> dict[date, int]:
    """Sums of all names together for each day that has any."""
    return dict(await tx.rows(BY_DAY, tx.account, names, since))


async def live(tx: Tx, names: Sequence[str]) -> dict[str, int]:
    """What is so now, every name told."""
    found = dict(await tx.rows(LIVE, tx.account, names))
    return {name: found.get(name, 0) for name in names}


@job("analytics.squash", apart=True)
async def squash(desk: Desk) -> None:
    """Turn many small deltas of these days into one row each."""
    async with desk.database.system() as tx:
        await tx.run(SQUASH, RECENT_DAYS, 10)


@job("analytics.tidy", apart=True)
async def tidy(desk: Desk) -> None:
    """Once a night: deltas of all days into one row each, and no more of days that nobody asks about."""
    async with desk.database.system() as tx:
        await tx.run(FORGET, KEPT_DAYS)
    squashed = 1
    while squashed:
        async with desk.database.system() as tx:
            squashed = await tx.run(SQUASH, KEPT_DAYS, 1)


RECENT_DAYS = 2

TODAY = sql("select account_day($1, $2)")

# For each name a range of the key, whatever the planner believes about the size of the table.
TOTALS = sql("""
    select wanted.name, found.subject, found.value from unnest($2::text[]) as wanted (name) cross join lateral (
        select subject, sum(value)::bigint as value from daily
        where account_id = $1 and name = wanted.name and day >= $3 group by subject
    ) found
""")

BY_DAY = sql("""
    select day, sum(found.value)::bigint from unnest($2::text[]) as wanted (name) cross join lateral (
        select day, sum(value) as value from daily
        where account_id = $1 and name = wanted.name and day >= $3 group by day
    ) found group by day
""")

LIVE = sql("""
    select name, sum(value)::bigint from tallies where account_id = $1 and name = any($2::text[]) group by name
""")

# What comes to nothing leaves no row, so a squash is never done over what it has written.
SQUASH = sql(
    """
    with crowded as (
        select account_id, name, day, subject from daily where day >= current_date - $1::int
        group by account_id, name, day, subject having count(*) > $2 limit 1000
    ), gone as (
        delete from daily d using crowded c where d.account_id = c.account_id and d.name = c.name and d.day = c.day
            and d.subject = c.subject
        returning d.account_id, d.name, d.day, d.subject, d.value
    ), summed as (
        insert into daily (account_id, name, day, subject, value)
        select account_id, name, day, subject, sum(value) from gone
        group by account_id, name, day, subject having sum(value) <> 0
    )
    select from crowded
    """,
    system=True,
)

FORGET = sql("delete from daily where day < current_date - $1::int", system=True)
