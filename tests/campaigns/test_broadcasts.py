"""Broadcasts from draft to the last outcome: nobody twice, nobody left out, and credits exact to one."""

import asyncio
import random
from datetime import timedelta

import pytest

from tests import world
from trunkline.billing import credits
from trunkline.campaigns import broadcasts, expanding
from trunkline.campaigns.broadcasts import Broadcast, Changes, NewBroadcast, Progress
from trunkline.contacts import changing, consents, people
from trunkline.core import clock
from trunkline.core.db import Database
from trunkline.core.errors import Conflict, Invalid, NotFound
from trunkline.core.urns import Urn
from trunkline.messaging import carrier, channels, lines, preparing, statuses
from trunkline.messaging.channels import Channel

pytestmark = pytest.mark.anyio

NUMBERS = [f"+4074000{n:04d}" for n in range(40)]


@pytest.fixture
async def channel(database: Database, account: int) -> Channel:
    return await world.simulator(database, account)


async def draft(database: Database, account: int, body: str = "Hello", **more) -> int:
    async with database.tx(account) as tx:
        return (await broadcasts.create(tx, NewBroadcast(name="News", channel="sms", body=body, **more))).id


async def start(database: Database, account: int, numbers=NUMBERS, body: str = "Hello", **more) -> int:
    """A broadcast that is sending; its audience is not looked at yet."""
    await world.contacts(database, account, numbers)
    id = await draft(database, account, body, **more)
    async with database.tx(account) as tx:
        await broadcasts.send(tx, id)
    return id


async def act(database: Database, account: int, action, id: int, *args: object) -> Broadcast:
    async with database.tx(account) as tx:
        return await action(tx, id, *args)


async def complete(database: Database, account: int) -> None:
    await world.react(database)
    await world.deliver(database, account)
    await expanding.finish(database)
    await world.react(database)


async def read(database: Database, account: int, id: int) -> tuple[Broadcast, Progress]:
    async with database.tx(account) as tx:
        broadcast = await broadcasts.get(tx, id)
        return broadcast, (await broadcasts.progress(tx, [broadcast]))[id]


async def outbox(database: Database, channel: Channel) -> list[str]:
    async with database.tx(channel.account_id) as tx:
        return sorted(one.to for one in await carrier.outbox(tx, channel.id))


async def scanned(database: Database, id: int) -> dict[str, int]:
    rows = await world.execute(
        database.dsn, "select status, count(*) from messages where broadcast_id = $1 group by status", id
    )
    return dict(rows)


async def balance(database: Database, account: int) -> tuple[int, int]:
    async with database.tx(account) as tx:
        now = await credits.balance(tx)
        assert await credits.check(tx) is None
        return now.available, now.reserved


async def test_everybody_gets_it_once_and_it_ends(database: Database, account: int, channel: Channel) -> None:
    id = await start(database, account)

    await complete(database, account)

    broadcast, progress = await read(database, account, id)
    assert await outbox(database, channel) == NUMBERS
    assert (broadcast.status, broadcast.total, progress.sent, progress.queued) == ("sent", 40, 40, 0)
    assert broadcast.completed_at is not None


async def test_its_life_is_told(database: Database, account: int, channel: Channel) -> None:
    id = await start(database, account)
    told = []
    for step in (world.react(database), world.deliver(database, account)):
        told += await facts(database, account, id)
        await step
    await expanding.finish(database)
    told += await facts(database, account, id)

    assert "campaign.completed" in told


async def facts(database: Database, account: int, id: int) -> list[str]:
    rows = await world.execute(
        database.dsn,
        "select type from events where account_id = $1 and type like 'campaign.%' and (data->>'id')::bigint = $2"
        " order by id",
        account, id,
    )  # fmt: skip
    return [row[0] for row in rows]


async def test_each_reader_finds_their_own_name(database: Database, account: int, channel: Channel) -> None:
    jane, joe = await world.contacts(database, account, NUMBERS[:2])
    async with database.tx(account) as tx:
        await people.update(tx, jane, people.Changes(first_name="Jane"))
    await start(database, account, NUMBERS[:2], "Hi {{first_name|friend}}, {{code}}", variables={"code": "A{{x}}"})

    await complete(database, account)

    async with database.tx(account) as tx:
        texts = {one.to: one.text for one in await carrier.outbox(tx, channel.id)}
    assert joe != jane
    assert texts == {NUMBERS[0]: "Hi Jane, A{{x}}", NUMBERS[1]: "Hi friend, A{{x}}"}


async def test_the_snapshot_goes_on_where_a_crash_stopped_it(
    database: Database, account: int, channel: Channel
) -> None:
    id = await start(database, account)

    async def portion(*, crash: bool) -> bool:
        async with database.tx(account) as tx:
            more = await world.next_portion(tx, id, 7)
            if crash:
                raise KeyboardInterrupt
            return more

    more, crashes = True, 0
    while more:
        with pytest.raises(KeyboardInterrupt):
            await portion(crash=True)
        crashes += 1
        more = await portion(crash=False)
    await complete(database, account)

    assert (await outbox(database, channel), crashes) == (NUMBERS, 6)


async def test_a_query_is_asked_portion_by_portion(database: Database, account: int, channel: Channel) -> None:
    found = await world.contacts(database, account, NUMBERS)
    async with database.tx(account) as tx:
        await changing.set_fields(tx, {id: {"plan": "gold"} for id in found[::2]})
    id = await draft(database, account, audience={"type": "query", "query": "plan = gold OR name ~ nobody"})
    async with database.tx(account) as tx:
        await broadcasts.send(tx, id)

    going = True
    while going:
        async with database.tx(account) as tx:
            going = await world.next_portion(tx, id, size=7)
    await complete(database, account)

    assert await outbox(database, channel) == sorted(NUMBERS[::2])


async def test_expanders_at_once_double_nothing(database: Database, account: int, channel: Channel) -> None:
    id = await start(database, account)

    async def work() -> None:
        more = True
        while more:
            async with database.tx(account) as tx:
                more = await world.next_portion(tx, id, 5)

    await asyncio.gather(*(work() for _ in range(4)))
    await complete(database, account)

    assert await outbox(database, channel) == NUMBERS
    assert (await read(database, account, id))[0].total == 40


async def test_who_is_added_behind_the_cursor_is_not_asked_twice(
    database: Database, account: int, channel: Channel
) -> None:
    """Contacts who come while the snapshot is taken are in it or not, but never double."""
    id = await start(database, account, NUMBERS[:20])
    async with database.tx(account) as tx:
        await world.next_portion(tx, id, 10)
    await world.contacts(database, account, NUMBERS[20:30])

    await complete(database, account)

    assert await outbox(database, channel) == NUMBERS[:30]


async def test_credits_are_spent_for_what_was_sent(database: Database, account: int, channel: Channel) -> None:
    await world.grant(database, account, 100)
    await start(database, account)
    await world.react(database)
    while_waiting = await balance(database, account)

    await complete(database, account)

    assert (while_waiting, await balance(database, account)) == ((60, 40), (60, 0))


async def test_whoever_cannot_be_paid_for_fails_and_is_counted(
    database: Database, account: int, channel: Channel
) -> None:
    await world.grant(database, account, 25)
    id = await start(database, account)

    await complete(database, account)

    broadcast, progress = await read(database, account, id)
    rows = await world.execute(
        database.dsn, "select distinct reason from messages where status = 'failed' and broadcast_id = $1", id
    )
    assert (broadcast.total, progress.sent, progress.failed) == (40, 25, 15)
    assert [row[0] for row in rows] == ["insufficient_credits"]
    assert len(await outbox(database, channel)) == 25
    assert await balance(database, account) == (0, 0)


async def test_a_longer_text_is_paid_at_its_real_length(database: Database, account: int, channel: Channel) -> None:
    await world.grant(database, account, 100)
    [contact] = await world.contacts(database, account, NUMBERS[:1])
    async with database.tx(account) as tx:
        await people.update(tx, contact, people.Changes(first_name="J" * 100))
    id = await start(database, account, NUMBERS[:2], "x" * 100 + "{{first_name}}")

    await complete(database, account)

    rows = await world.execute(
        database.dsn, "select segments, credits from messages where broadcast_id = $1 order by id", id
    )
    assert [tuple(row) for row in rows] == [(2, 2), (1, 1)]
    assert await balance(database, account) == (97, 0)


async def test_a_real_length_that_cannot_be_paid_fails(database: Database, account: int, channel: Channel) -> None:
    await world.grant(database, account, 3)
    found = await world.contacts(database, account, NUMBERS[:3])
    async with database.tx(account) as tx:
        for one in found[:2]:
            await people.update(tx, one, people.Changes(first_name="J" * 100))
    id = await start(database, account, NUMBERS[:3], "x" * 100 + "{{first_name}}")

    await complete(database, account)

    _, progress = await read(database, account, id)
    spent = sum(row[0] for row in await world.execute(
        database.dsn, "select credits from messages where broadcast_id = $1 and status = 'sent'", id))  # fmt: skip
    assert progress.sent + progress.failed == 3
    assert progress.failed >= 1
    assert await balance(database, account) == (3 - spent, 0)


async def test_counters_are_what_a_scan_would_say(database: Database, account: int, channel: Channel) -> None:
    await world.grant(database, account, 35)
    id = await start(database, account)
    await complete(database, account)
    rows = await world.execute(
        database.dsn, "select id from messages where broadcast_id = $1 and status = 'sent' order by id", id
    )
    sent = [row[0] for row in rows]
    async with database.tx(account) as tx:
        reports = [("delivered", 0), ("delivered", 1), ("read", 1), ("failed", 2), ("failed", 3), ("delivered", 3)]
        await statuses.apply_many(tx, [statuses.Change(sent[n], status) for status, n in reports])

    _, progress = await read(database, account, id)

    seen = await scanned(database, id)
    assert seen == {"sent": 31, "delivered": 2, "read": 1, "failed": 6}
    assert {name: getattr(progress, name) for name in seen} == seen
    assert (progress.queued, progress.arrived, progress.handed_over) == (0, 3, 34)


async def test_a_paused_broadcast_waits_and_goes_on(database: Database, account: int, channel: Channel) -> None:
    id = await start(database, account)
    await world.react(database)
    await act(database, account, broadcasts.pause, id)
    await complete(database, account)
    while_paused = await outbox(database, channel), (await read(database, account, id))[0].status

    await act(database, account, broadcasts.resume, id)
    await complete(database, account)

    assert while_paused == ([], "paused")
    assert (await outbox(database, channel), (await read(database, account, id))[0].status) == (NUMBERS, "sent")


async def test_pausing_in_the_middle_of_the_snapshot(database: Database, account: int, channel: Channel) -> None:
    id = await start(database, account)
    async with database.tx(account) as tx:
        await world.next_portion(tx, id, 7)
    await act(database, account, broadcasts.pause, id)
    async with database.tx(account) as tx:
        more = await world.next_portion(tx, id, 7)
    await act(database, account, broadcasts.resume, id)

    await complete(database, account)

    assert (more, await outbox(database, channel)) == (False, NUMBERS)


async def test_canceling_gives_back_what_was_not_sent(database: Database, account: int, channel: Channel) -> None:
    await world.grant(database, account, 100)
    id = await start(database, account)
    await world.react(database)

    await act(database, account, broadcasts.cancel, id)
    await complete(database, account)

    _, progress = await read(database, account, id)
    assert (await outbox(database, channel), progress.canceled, progress.queued) == ([], 40, 0)
    assert await balance(database, account) == (100, 0)
    assert await world.execute(database.dsn, "select from outbound where account_id = $1", account) == []


async def test_canceling_before_the_snapshot_writes_nothing(database: Database, account: int, channel: Channel) -> None:
    id = await start(database, account)

    await act(database, account, broadcasts.cancel, id)
    await complete(database, account)

    assert (await scanned(database, id), (await read(database, account, id))[0].status) == ({}, "canceled")


@pytest.mark.parametrize("seed", range(12))
async def test_canceling_at_any_moment_is_exact(database: Database, account: int, channel: Channel, seed: int) -> None:
    await world.grant(database, account, 100)
    id = await start(database, account)
    await world.react(database)
    sending = asyncio.create_task(world.deliver(database, account))
    for _ in range(random.Random(seed).randrange(120)):
        await asyncio.sleep(0)

    await act(database, account, broadcasts.cancel, id)
    await sending
    await complete(database, account)

    seen = await scanned(database, id)
    assert set(seen) <= {"sent", "canceled"}
    assert sum(seen.values()) == 40
    assert len(await outbox(database, channel)) == seen.get("sent", 0)
    assert await balance(database, account) == (100 - seen.get("sent", 0), 0)


async def claim(database: Database, account: int) -> tuple[lines.Line, list[lines.Claimed]]:
    [line] = [line for line in await lines.due(database) if line.account_id == account]
    async with database.tx(account) as tx:
        channel = await channels.with_deleted(tx, line.channel_id)
        claimed = await lines.claim(tx, line, 100, "sms")
        await preparing.prepare(tx, line, channel, claimed)
    return line, claimed


async def let_jobs_be_due(database: Database) -> None:
    await world.execute(database.dsn, "update jobs set run_at = now() - interval '1 second'")
    await world.react(database)


async def test_what_fails_for_now_after_the_cancellation_is_canceled_too(
    database: Database, account: int, channel: Channel
) -> None:
    await world.grant(database, account, 100)
    id = await start(database, account)
    await world.react(database)
    line, claimed = await claim(database, account)
    await act(database, account, broadcasts.cancel, id)
    await world.react(database)
    async with database.tx(account) as tx:
        await statuses.apply_many(tx, [statuses.Change(one.id, "errored") for one in claimed])
        await lines.postpone(tx, line, [(one, 5.0) for one in claimed])

    await let_jobs_be_due(database)

    assert (await scanned(database, id), await balance(database, account)) == ({"canceled": 40}, (100, 0))


async def test_what_a_dead_worker_held_when_it_was_canceled_is_unknown(
    database: Database, account: int, channel: Channel
) -> None:
    id = await start(database, account)
    await world.react(database)
    await claim(database, account)
    await act(database, account, broadcasts.cancel, id)
    await world.react(database)
    while_leased = await scanned(database, id)
    await world.pass_time(database, account)

    await let_jobs_be_due(database)

    assert (while_leased, await scanned(database, id)) == ({"sending": 40}, {"unknown": 40})
    assert await world.execute(database.dsn, "select from outbound where account_id = $1", account) == []


async def test_a_stop_in_the_middle_is_obeyed(database: Database, account: int, channel: Channel) -> None:
    id = await start(database, account)
    await world.react(database)
    async with database.tx(account) as tx:
        await consents.opt_out(tx, "sms", NUMBERS[7], "api")

    await complete(database, account)

    assert NUMBERS[7] not in await outbox(database, channel)
    assert await scanned(database, id) == {"sent": 39, "failed": 1}


async def test_a_scheduled_broadcast_starts_at_its_moment(database: Database, account: int, channel: Channel) -> None:
    await world.contacts(database, account, NUMBERS)
    id = await draft(database, account)
    scheduled = await act(database, account, broadcasts.send, id, clock.now() + timedelta(hours=1))
    await complete(database, account)
    early = await outbox(database, channel)

    await let_jobs_be_due(database)
    await complete(database, account)

    assert (scheduled.status, early) == ("scheduled", [])
    assert (await outbox(database, channel), (await read(database, account, id))[0].status) == (NUMBERS, "sent")


async def test_a_moved_broadcast_starts_once(database: Database, account: int, channel: Channel) -> None:
    await world.contacts(database, account, NUMBERS)
    id = await draft(database, account)
    for hours in (1, 2):
        await act(database, account, broadcasts.send, id, clock.now() + timedelta(hours=hours))

    for _ in range(2):
        await let_jobs_be_due(database)
        await complete(database, account)

    assert await outbox(database, channel) == NUMBERS


async def test_a_broadcast_that_is_far_too_late_does_not_start(
    database: Database, account: int, channel: Channel
) -> None:
    await world.contacts(database, account, NUMBERS)
    id = await draft(database, account, late_after=timedelta(hours=12))
    at = clock.now() + timedelta(hours=1)
    await act(database, account, broadcasts.send, id, at)
    await world.execute(
        database.dsn, "update broadcasts set scheduled_at = now() - interval '13 hours' where id = $1", id
    )
    [moved] = await world.execute(database.dsn, "select scheduled_at from broadcasts where id = $1", id)

    async with database.tx(account) as tx:
        await expanding.begin(tx, id, moved[0].isoformat())
    await complete(database, account)

    broadcast, _ = await read(database, account, id)
    assert (broadcast.status, broadcast.failure) == ("failed", "It was too late to start.")
    assert await outbox(database, channel) == []


async def test_a_canceled_schedule_does_not_start(database: Database, account: int, channel: Channel) -> None:
    await world.contacts(database, account, NUMBERS)
    id = await draft(database, account)
    await act(database, account, broadcasts.send, id, clock.now() + timedelta(hours=1))

    await act(database, account, broadcasts.cancel, id)
    await let_jobs_be_due(database)
    await complete(database, account)

    assert await outbox(database, channel) == []


async def test_a_big_reservation_is_no_alarm(database: Database, account: int, channel: Channel) -> None:
    """Five messages out of a thousand credits do not bring the balance near its threshold."""
    await world.grant(database, account, 1000)
    await world.execute(
        database.dsn,
        """update accounts set settings = settings || '{"auto_recharge_threshold": 100}' where id = $1""",
        account,
    )
    await world.contacts(database, account, NUMBERS[:5])
    id = await draft(database, account)
    await act(database, account, broadcasts.send, id)

    async with database.tx(account) as tx:
        await world.next_portion(tx, id)

    statement = "select id from events where account_id = $1 and type = 'credits.low'"
    assert await world.execute(database.dsn, statement, account) == []


ALLOWED = {
    "draft": {"update", "send", "cancel", "delete"},
    "scheduled": {"update", "send", "cancel", "delete"},
    "sending": {"pause", "cancel"},
    "paused": {"resume", "cancel"},
    "sent": {"delete"},
    "canceled": {"delete"},
    "failed": {"delete"},
}
ACTIONS = {
    "update": lambda tx, id: broadcasts.update(tx, id, Changes(name="New")),
    "send": broadcasts.send,
    "pause": broadcasts.pause,
    "resume": broadcasts.resume,
    "cancel": broadcasts.cancel,
    "delete": broadcasts.delete,
}


@pytest.mark.parametrize("status", ALLOWED)
@pytest.mark.parametrize("action", ACTIONS)
async def test_each_state_allows_some_actions(
    database: Database, account: int, channel: Channel, status: str, action: str
) -> None:
    await world.contacts(database, account, NUMBERS[:1])
    id = await draft(database, account)
    await world.execute(database.dsn, "update broadcasts set status = $2 where id = $1", id, status)

    if action in ALLOWED[status]:
        await act(database, account, ACTIONS[action], id)
        return
    with pytest.raises(Conflict) as refused:
        await act(database, account, ACTIONS[action], id)

    assert refused.value.code == "invalid_state"


@pytest.mark.parametrize("action", ACTIONS)
async def test_another_accounts_broadcast_is_not_found(
    database: Database, account: int, other_account: int, channel: Channel, action: str
) -> None:
    id = await draft(database, account)

    with pytest.raises(NotFound):
        await act(database, other_account, ACTIONS[action], id)


async def test_nobody_to_reach_is_refused(database: Database, account: int, channel: Channel) -> None:
    id = await draft(database, account)

    with pytest.raises(Conflict) as refused:
        await act(database, account, broadcasts.send, id)

    assert refused.value.code == "empty_audience"


async def test_nothing_to_say_is_refused(database: Database, account: int, channel: Channel) -> None:
    await world.contacts(database, account, NUMBERS[:1])
    id = await draft(database, account, "   ")

    with pytest.raises(Invalid):
        await act(database, account, broadcasts.send, id)


async def test_without_a_channel_nothing_changes(database: Database, account: int) -> None:
    await world.contacts(database, account, NUMBERS[:1])
    id = await draft(database, account)

    with pytest.raises(Invalid):
        await act(database, account, broadcasts.send, id)

    assert (await read(database, account, id))[0].status == "draft"


async def test_a_reply_can_go_to_the_same_people_meanwhile(database: Database, account: int, channel: Channel) -> None:
    """A reply waits in a lane before the broadcast's."""
    await start(database, account)
    await world.react(database)
    await world.queue(database, account, channel, NUMBERS[:1], "A reply", lane=0)

    lanes = [line.lane for line in await lines.due(database) if line.account_id == account]

    assert lanes == [0, 2]
    assert Urn("tel", NUMBERS[0]).path == NUMBERS[0]


async def test_who_was_reached_was_contacted(database: Database, account: int, channel: Channel) -> None:
    await start(database, account, NUMBERS[:3])
    async with database.tx(account) as tx:
        await consents.opt_out(tx, "sms", NUMBERS[0], "keyword")

    await complete(database, account)

    noted = await world.execute(
        database.dsn,
        """
        select u.path from contacts c join urns u on u.contact_id = c.id
        where c.account_id = $1 and c.last_contacted_at is not null order by u.path
        """,
        account,
    )
    assert [row["path"] for row in noted] == NUMBERS[1:3]
