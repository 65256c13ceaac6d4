"""Schedules: "every minute", "at 09:00 in the account's zone". A firing is one job, however many schedulers."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError
from msgspec import Struct

from trunkline.core import clock
from trunkline.core.db import Database, Tx, sql
from trunkline.core.jobs import Job


async def every(tx: Tx, name: str, cron: str, job: Job, *args: Any, timezone: str = "UTC") -> None:
    """Set a schedule of this account; setting it again changes it and keeps the next firing when nothing changed."""
    await tx.run(PUT, tx.account, name, cron, timezone, job.name, list(args), upcoming(cron, timezone, clock.now()))


async def stop(tx: Tx, name: str) -> None:
    """Remove a schedule; nothing happens when there is none."""
    await tx.run(REMOVE, tx.account, name)


async def fire(database: Database, limit: int = 500) -> int:
    """Turn due schedules into jobs and set their next time, in one transaction. Returns how many fired.

    A schedule that was missed while nothing ran fires once, not once for each time it missed.
    """
    async with database.system() as tx:
        due = await tx.fetch(_Due, DUE, limit)
        if not due:
            return 0
        moments = [upcoming(row.cron, row.timezone, max(row.next_at, row.now)) for row in due]
        await tx.run(FIRE, [row.account_id for row in due], [row.name for row in due], moments)
        tx.wake("jobs")
        return len(due)


def upcoming(cron: str, timezone: str, after: datetime) -> datetime:
    """The first moment after `after`, by the clock on the wall there: once on days when the clock is changed."""
    return next(CronSim(cron, after.astimezone(ZoneInfo(timezone)))).astimezone(UTC)


def problem(cron: str, timezone: str) -> str | None:
    """What is wrong with times that somebody wrote, as a sentence."""
    try:
        zone = ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return f"{timezone!r} is no time zone."
    try:
        next(CronSim(cron, clock.now().astimezone(zone)))
    except (CronSimError, StopIteration):
        return f"{cron!r} is no schedule: it has minute, hour, day, month and weekday, like 0 9 * * 1-5."
    return None


async def zones(tx: Tx, names: Sequence[str]) -> dict[str, str]:
    """The time zones of schedules, by name."""
    return dict(await tx.rows(ZONES, tx.account, list(names)))


class _Due(Struct, frozen=True):
    account_id: int
    name: str
    cron: str
    timezone: str
    next_at: datetime
    now: datetime


PUT = sql("""
    insert into schedules (account_id, name, cron, timezone, job, args, next_at) values ($1, $2, $3, $4, $5, $6, $7)
    on conflict (account_id, name) do update set cron = excluded.cron, timezone = excluded.timezone,
        job = excluded.job, args = excluded.args, next_at = case
            when (schedules.cron, schedules.timezone) = (excluded.cron, excluded.timezone) then schedules.next_at
            else excluded.next_at end
""")

ZONES = sql("select name, timezone from schedules where account_id = $1 and name = any($2::text[])")

REMOVE = sql("delete from schedules where account_id = $1 and name = $2")

DUE = sql(
    """
    select account_id, name, cron, timezone, next_at, now() as now from schedules
    where next_at <= now() order by next_at limit $1 for update skip locked
    """,
    system=True,
)

FIRE = sql(
    """
    with fired as (
        update schedules s set next_at = n.next_at
        from unnest($1::bigint[], $2::text[], $3::timestamptz[]) as n (account_id, name, next_at)
        where s.account_id = n.account_id and s.name = n.name
        returning s.account_id, s.name, s.job, s.args
    )
    insert into jobs (account_id, name, args, cause)
    select account_id, job, args, 'schedule:' || name from fired
    """,
    system=True,
)
