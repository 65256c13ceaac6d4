"""A campaign whose mails come back pauses itself."""

import pytest

from tests import world
from tests.world import next_portion
from trunkline.accounts import settings
from trunkline.campaigns import broadcasts
from trunkline.campaigns.broadcasts import Broadcast, NewBroadcast
from trunkline.core.db import Database
from trunkline.messaging import statuses
from trunkline.messaging.statuses import Change

pytestmark = pytest.mark.anyio


async def sending(database: Database, account: int, recipients: int, channel: str = "email") -> tuple[int, list[int]]:
    """A broadcast that handed all its messages over, and those."""
    await world.simulator(database, account, **{"as": channel})
    scheme = "mailto" if channel == "email" else "tel"
    addresses = [f"c{n}@x.test" if channel == "email" else f"+4074000{n:04d}" for n in range(recipients)]
    await world.contacts(database, account, addresses, scheme)
    async with database.tx(account) as tx:
        id = (await broadcasts.create(tx, NewBroadcast(name="News", channel=channel, body="Hi", subject="Hi"))).id
        await broadcasts.send(tx, id)
        await next_portion(tx, id)
    rows = await world.execute(database.dsn, "select id from messages where broadcast_id = $1 order by id", id)
    messages = [row[0] for row in rows]
    await report(database, account, messages, "sent")
    return id, messages


async def report(database: Database, account: int, messages: list[int], status: str, reason: str = "") -> None:
    async with database.tx(account) as tx:
        await statuses.apply_many(tx, [Change(id, status, reason=reason or None) for id in messages])
    await world.react(database)


async def now(database: Database, account: int, id: int) -> Broadcast:
    async with database.tx(account) as tx:
        return await broadcasts.get(tx, id)


async def test_too_many_bounces_pause_it_and_say_so(database: Database, account: int) -> None:
    id, messages = await sending(database, account, 60)
    await report(database, account, messages[:5], "failed", "hard_bounce")
    before = (await now(database, account, id)).status

    async with database.tx(account) as tx:
        await statuses.apply_many(tx, [Change(messages[5], "failed", reason="soft_bounce")])
    await world.react(database)

    braked = await now(database, account, id)
    assert (before, braked.status) == ("sending", "paused")
    assert braked.failure == "6 of 60 mails bounced: 10.0 %, and the limit is 10 %."


async def test_it_is_told(database: Database, account: int) -> None:
    id, messages = await sending(database, account, 60)
    await report(database, account, messages[:10], "failed", "hard_bounce")

    rows = await world.execute(
        database.dsn, "select ids->>'id' from live where account_id = $1 and kind = 'campaign.braked'", account
    )

    assert [row[0] for row in rows] == [str(id)]


@pytest.mark.parametrize(
    ("recipients", "bounces", "reason"), [(60, 60, "expired"), (40, 40, "hard_bounce"), (60, 5, "hard_bounce")]
)
async def test_a_few_and_other_failures_pause_nothing(
    database: Database, account: int, recipients: int, bounces: int, reason: str
) -> None:
    id, messages = await sending(database, account, recipients)

    await report(database, account, messages[:bounces], "failed", reason)

    assert (await now(database, account, id)).status == "sending"


@pytest.mark.parametrize(("limit", "status"), [("0", "sending"), ("25", "sending"), ("20", "paused"), ("1", "paused")])
async def test_the_limit_is_a_setting(database: Database, account: int, limit: str, status: str) -> None:
    async with database.tx(account) as tx:
        await settings.put(tx, {"bounce_limit": limit})
    id, messages = await sending(database, account, 60)

    await report(database, account, messages[:12], "failed", "hard_bounce")

    assert (await now(database, account, id)).status == status


async def test_other_channels_have_no_brake(database: Database, account: int) -> None:
    id, messages = await sending(database, account, 60, "sms")

    await report(database, account, messages, "failed", "rejected")

    assert (await now(database, account, id)).status == "sending"


async def test_who_resumes_it_has_decided(database: Database, account: int) -> None:
    id, messages = await sending(database, account, 60)
    await report(database, account, messages[:10], "failed", "hard_bounce")
    async with database.tx(account) as tx:
        await broadcasts.resume(tx, id)

    await report(database, account, messages[10:30], "failed", "hard_bounce")

    resumed = await now(database, account, id)
    assert (resumed.status, resumed.failure) == ("sending", None)


async def test_a_pause_by_hand_keeps_the_brake(database: Database, account: int) -> None:
    id, messages = await sending(database, account, 60)
    async with database.tx(account) as tx:
        await broadcasts.pause(tx, id)
        await broadcasts.resume(tx, id)

    await report(database, account, messages[:10], "failed", "hard_bounce")

    assert (await now(database, account, id)).status == "paused"
