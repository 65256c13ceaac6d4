"""The installation's own schedules: pruning, squashing, waking. The operator's account owns them."""

from trunkline.accounts import resets, sessions
from trunkline.ai import spend
from trunkline.analytics import counters
from trunkline.billing import months
from trunkline.contacts import bulk
from trunkline.core import idempotency, live, schedules
from trunkline.core.db import Database, sql
from trunkline.core.jobs import Desk, Job, job
from trunkline.flows import archives, counts
from trunkline.flows import logs as flow_logs
from trunkline.inbox import snoozing
from trunkline.messaging import channel_events, logs
from trunkline.messaging.chat import pruning
from trunkline.webhooks import deliveries, resthooks

OPERATOR = 0


@job("tallies.squash", apart=True)
async def squash_tallies(desk: Desk) -> None:
    """Turn many small deltas into one row each, a few accounts' names at a time."""
    async with desk.database.system() as tx:
        await tx.run(SQUASH)


@job("accounts.prune", apart=True)
async def forget_old(desk: Desk) -> None:
    """Stored answers after 24 hours, sessions after their end."""
    while True:
        async with desk.database.system() as tx:
            if not await idempotency.forget_old(tx):
                break
    async with desk.database.system() as tx:
        await sessions.prune(tx)
        await resets.prune(tx)


SCHEDULES: list[tuple[str, Job]] = [
    ("* * * * *", squash_tallies),
    ("* * * * *", counters.squash),
    ("* * * * *", counts.squash),
    ("* * * * *", snoozing.wake_snoozed),
    ("*/10 * * * *", live.prune),
    ("*/15 * * * *", forget_old),
    ("30 * * * *", logs.prune),
    ("35 * * * *", flow_logs.prune),
    ("15 2 * * *", counters.tidy),
    ("15 3 * * *", archives.nightly),
    ("40 * * * *", resthooks.prune),
    ("50 * * * *", channel_events.prune),
    ("45 * * * *", deliveries.prune),
    ("55 * * * *", bulk.prune),
    ("50 3 * * *", pruning.prune),
    ("*/5 * * * *", spend.sweep),
    ("*/15 * * * *", months.begin),
]


async def install_schedules(database: Database) -> bool:
    """Set what keeps the installation in order; True when it is done."""
    async with database.tx(OPERATOR) as tx:
        for cron, work in SCHEDULES:
            await schedules.every(tx, work.name, cron, work)
    return True


SQUASH = sql(
    """
    with crowded as (
        select account_id, name from tallies group by account_id, name having count(*) > 10 limit 1000
    ), gone as (
        delete from tallies t using crowded c where t.account_id = c.account_id and t.name = c.name
        returning t.account_id, t.name, t.value
    )
    insert into tallies (account_id, name, value)
    select account_id, name, sum(value) from gone group by account_id, name
    """,
    system=True,
)
