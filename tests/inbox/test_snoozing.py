"""Snoozing: everything comes back when its time has come, in every account, and not before."""

from datetime import timedelta

import pytest

from trunkline.core import clock, schedules
from trunkline.core.db import Statement
from trunkline.core.jobs import JOBS, Call, Desk
from trunkline.inbox import changes, conversations, filing, snoozing
from trunkline.inbox.changes import Changes

pytestmark = pytest.mark.anyio


@pytest.fixture
def snoozed(database, connection, new_contact, new_channel, new_message):
    """A conversation that sleeps for so long; less than nothing means that its time has passed."""

    async def make(account, rest):
        message = await new_message(await new_contact(account), await new_channel("sms", account), account_id=account)
        async with database.tx(account) as tx:
            [id] = await filing.file(tx, [message])
            await conversations.mark_read(tx, [id])
            await changes.update(tx, id, Changes(status="snoozed", snoozed_until=clock.now() + timedelta(hours=1)))
        await connection.execute("update conversations set snoozed_until = $2 where id = $1", id, clock.now() + rest)
        return id

    return make


async def test_due_ones_of_all_accounts_wake(database, account, other_account, snoozed):
    mine = await snoozed(account, -timedelta(seconds=1))
    theirs = await snoozed(other_account, -timedelta(days=1))
    later = await snoozed(account, timedelta(minutes=1))

    await snoozing.wake_snoozed(Desk(database, Call(0, 1, None, "", [], "system", "", 0, 1), None))

    async with database.tx(account) as tx:
        woken, asleep = await conversations.get_many(tx, [mine, later])
    async with database.tx(other_account) as tx:
        other = await conversations.get(tx, theirs)
    assert (woken.status, woken.snoozed_until, woken.is_read) == ("open", None, False)
    assert (other.status, asleep.status) == ("open", "snoozed")


async def test_each_account_hears_of_its_own(database, account, other_account, snoozed, events):
    mine = await snoozed(account, -timedelta(seconds=1))
    await snoozed(other_account, -timedelta(seconds=1))

    await snoozing.wake(database)

    [told] = await events("conversation.reopened")
    assert f'"id": {mine}' in told["data"]
    assert told["cause"] == "snooze"


async def test_deleted_ones_sleep_on(database, account, connection, snoozed):
    id = await snoozed(account, -timedelta(seconds=1))
    async with database.tx(account) as tx:
        await conversations.delete(tx, id)

    await snoozing.wake(database)

    assert await connection.fetchval("select status from conversations where id = $1", id) == "snoozed"


async def test_schedule_names_the_job(database):
    async with database.system() as tx:
        await snoozing.wake_every_minute(tx)

        [(cron, job)] = await tx.rows(SCHEDULE, tx.account)
        await schedules.stop(tx, "inbox.wake_snoozed")

    assert cron == "* * * * *"
    assert JOBS[job] is snoozing.wake_snoozed


SCHEDULE = Statement(
    "select cron, job from schedules where account_id = $1 and name = 'inbox.wake_snoozed'", __name__, system=True
)
