"""Snoozing: what was put aside until a moment comes back when it has come."""

from datetime import datetime, time, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

from msgspec import Struct

from trunkline.core import clock, schedules
from trunkline.core.db import Database, Tx, sql
from trunkline.core.errors import Invalid
from trunkline.core.jobs import Desk, job
from trunkline.inbox import changes
from trunkline.inbox.events import ConversationReopened

BATCH = 1000

MORNING, EVENING = time(9), time(18)
LONG = timedelta(days=3650)
"""Until somebody writes: their message opens it, and no time does."""


def moment(choice: str, zone: ZoneInfo) -> datetime:
    """When `later` (today), `tomorrow`, `week` (the next Monday) or `reply` (when they write) is, on this clock.

    Anything else is an ISO moment; raises `Invalid`.
    """
    now = clock.now().astimezone(zone)
    match choice:
        case "later":
            evening = datetime.combine(now.date(), EVENING, zone)
            return evening if evening - now > timedelta(hours=1) else now + timedelta(hours=3)
        case "tomorrow":
            return datetime.combine(now.date() + timedelta(days=1), MORNING, zone)
        case "week":
            return datetime.combine(now.date() + timedelta(days=7 - now.weekday()), MORNING, zone)
        case "reply":
            return now + LONG
    try:
        at = datetime.fromisoformat(choice)
    except ValueError:
        raise Invalid({"until": ["This is no date and time."]}) from None
    return at if at.tzinfo else at.replace(tzinfo=zone)


@job("inbox.wake_snoozed", apart=True)
async def wake_snoozed(desk: Desk) -> None:
    """Open every snoozed conversation of the installation whose time has come."""
    while await wake(desk.database) == BATCH:
        pass


async def wake_every_minute(tx: Tx) -> None:
    """Set the schedule; once per installation, on the operator's account."""
    await schedules.every(tx, "inbox.wake_snoozed", "* * * * *", wake_snoozed)


async def wake(database: Database) -> int:
    """Open up to `BATCH` of them, those that have waited longest first; returns how many."""
    async with database.system(cause="snooze") as tx:
        woken = await tx.fetch(_Woken, WAKE, clock.now(), BATCH)
        for account, some in groupby(sorted(woken, key=lambda one: one.account_id), lambda one: one.account_id):
            tx.account = account
            opened = list(some)
            for one in opened:
                tx.record(ConversationReopened(one.id, one.contact_id, one.channel))
            changes.record_changed(tx, [one.id for one in opened])
            await tx.flush()
        return len(woken)


class _Woken(Struct, frozen=True):
    account_id: int
    id: int
    contact_id: int
    channel: str


WAKE = sql(
    """
    with due as (
        select account_id, id from conversations
        where status = 'snoozed' and snoozed_until <= $1 and deleted_at is null
        order by snoozed_until limit $2 for update skip locked
    )
    update conversations c set status = 'open', snoozed_until = null, is_read = false, updated_at = $1, woken_at = $1
    from due where c.account_id = due.account_id and c.id = due.id
    returning c.account_id, c.id, c.contact_id, c.channel
    """,
    system=True,
)
