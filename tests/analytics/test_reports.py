"""What reports count, and on which day."""

import asyncpg
import pytest

from tests import world
from trunkline.accounts import settings, users
from trunkline.ai import usage
from trunkline.ai.usage import Outcome
from trunkline.analytics import counters, reports
from trunkline.analytics.reports import Asked, Timed
from trunkline.campaigns import broadcasts, expanding
from trunkline.campaigns.broadcasts import NewBroadcast
from trunkline.contacts import people
from trunkline.core import clock
from trunkline.core.db import Database
from trunkline.inbox import assignment, changes, conversations, replies
from trunkline.inbox.conversations import Replied
from trunkline.messaging import tracking
from trunkline.messaging.channels import Channel
from trunkline.messaging.tracking import Token

pytestmark = pytest.mark.anyio

JANE = "+40740000001"
READER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture
async def channel(database: Database, account: int) -> Channel:
    return await world.simulator(database, account)


@pytest.fixture
async def conversation(database: Database, account: int, channel: Channel, connection: asyncpg.Connection) -> int:
    """Somebody wrote an hour ago."""
    await world.say(database, channel, JANE, "Where is my order?")
    await world.react(database)
    aged = "update conversations set created_at = created_at - interval '1 hour' where account_id = $1 returning id"
    [row] = await connection.fetch(aged, account)
    return row["id"]


async def reply(database: Database, account: int, conversation: int, user: int | None) -> None:
    async with database.tx(account) as tx:
        await replies.reply(tx, conversation, "We see to it.", user_id=user)


async def overview(database: Database, account: int, days: int = 30) -> reports.Overview:
    async with database.tx(account) as tx:
        return await reports.overview(tx, days)


async def team(database: Database, account: int, days: int = 30) -> dict[int, reports.Work]:
    async with database.tx(account) as tx:
        return {one.user_id: one for one in await reports.team(tx, days)}


async def test_many_at_once_are_counted_one_by_one(database, account, channel, connection):
    await connection.execute(
        """
        insert into conversations (account_id, uuid, contact_id, channel_id, channel, status, is_read)
        select $1, gen_random_uuid(), n, $2, case when n < 3 then 'sms' else 'email' end, 'open', n = 1
        from generate_series(1, 5) n
        """,
        account,
        channel.id,
    )

    seen = await overview(database, account)

    assert (seen.opened, seen.now["open"], seen.unread) == ({"email": 3, "sms": 2}, 5, 4)


async def test_a_person_answers_first(database, account, conversation, new_user):
    agent, other = await new_user("Ann"), await new_user("Bob")
    await reply(database, account, conversation, None)
    await reply(database, account, conversation, agent)
    await reply(database, account, conversation, other)

    answered = (await overview(database, account)).answered

    assert (answered.count, answered.average) == (1, pytest.approx(3600, abs=60))
    assert {user: work.answered.count for user, work in (await team(database, account)).items()} == {agent: 1, other: 0}


async def test_what_we_begin_ourselves_is_no_answer(database, account, channel, new_user):
    [jane] = await world.contacts(database, account, [JANE])
    async with database.tx(account) as tx:
        await replies.start(tx, jane, "sms", "Hello!", user_id=await new_user("Ann"))

    assert (await overview(database, account)).answered == Timed(0, 0)


async def test_what_is_opened_again_was_not_closed(database, account, conversation, channel):
    async with database.tx(account) as tx:
        await changes.close(tx, conversation)
    closed = (await overview(database, account)).closed
    await world.say(database, channel, JANE, "One more thing")
    await world.react(database)

    reopened = (await overview(database, account)).closed

    assert (closed.count, reopened) == (1, Timed(0, 0))


async def test_a_closing_is_taken_back_on_its_day_after_a_move_to_another_zone(
    database, account, conversation, connection
):
    async with database.tx(account) as tx:
        await changes.close(tx, conversation)
    for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago"):  # there is always one where it is another day
        async with database.tx(account) as tx:
            await settings.put(tx, {"timezone": zone})
            await changes.reopen(tx, [conversation])
            await changes.close(tx, conversation)
    async with database.tx(account) as tx:
        await changes.reopen(tx, [conversation])

    left = await connection.fetch(
        "select day from daily where account_id = $1 and name like 'conversations.closed%' group by day, name"
        " having sum(value) <> 0",
        account,
    )

    assert left == []


async def test_a_day_is_a_day_of_the_accounts_zone(database, account, connection):
    await connection.execute("update accounts set timezone = 'Pacific/Kiritimati' where id = $1", account)
    await world.contacts(database, account, [JANE])

    async with database.tx(account) as tx:
        today = await counters.today(tx)
    [day] = await connection.fetchrow("select day from daily where account_id = $1", account)

    assert day == today == await connection.fetchval("select (now() at time zone 'Pacific/Kiritimati')::date")


async def test_a_zone_that_the_database_does_not_know_is_utc(database, account, connection):
    await connection.execute("update accounts set timezone = 'Mars/Base' where id = $1", account)

    async with database.tx(account) as tx:
        assert await counters.today(tx) == clock.now().date()


async def test_who_is_deleted_was_new_nevertheless(database, account):
    ids = await world.contacts(database, account, [JANE, "+40740000002"])
    async with database.tx(account) as tx:
        await people.delete(tx, ids[:1])

    seen = await overview(database, account)

    assert (seen.contacts, seen.active_contacts, seen.new_contacts) == (1, 1, 2)


async def test_a_conversation_is_handled_once_however_long_it_goes_on(
    database, account, conversation, new_user, connection
):
    agent = await new_user("Ann")
    await reply(database, account, conversation, agent)
    await connection.execute("update responders set last_on = last_on - 10 where account_id = $1", account)
    before = await team(database, account, 7), await team(database, account, 30)
    await reply(database, account, conversation, agent)

    after = await team(database, account, 7), await team(database, account, 30)

    assert [seen[agent].handled for seen in before] == [0, 1]
    assert [seen[agent].handled for seen in after] == [1, 1]


async def test_a_message_is_counted_when_it_is_handed_over(database, account, conversation, new_user):
    agent = await new_user("Ann")
    await reply(database, account, conversation, agent)
    queued = await overview(database, account)
    await world.deliver(database, account)

    sent = await overview(database, account)

    assert (queued.received, queued.sent) == ({"sms": 1}, {})
    assert (sent.received, sent.sent) == ({"sms": 1}, {"sms": 1})
    assert sum(sent.messages_by_day.values()) == 2
    assert (await team(database, account))[agent].written == 1


async def test_every_day_of_the_period_is_told(database, account):
    found = list((await overview(database, account, 90)).messages_by_day)

    assert len(found) == 90
    assert found == sorted(found)
    assert found[-1] == clock.now().date()


async def test_who_left_is_in_the_report_with_what_they_did(database, account, conversation, new_user):
    agent, idle = await new_user("Ann"), await new_user("Bob")
    await new_user("Vic", "viewer")
    await reply(database, account, conversation, agent)
    async with database.system(account) as tx:
        await users.set(tx, agent, active=False)
        await users.set(tx, idle, active=False)

    assert list(await team(database, account)) == [agent]


async def test_assigned_is_what_waits_for_somebody(database, account, conversation, new_user):
    agent = await new_user("Ann")
    async with database.tx(account) as tx:
        await assignment.assign(tx, conversation, agent)
    waiting = (await team(database, account))[agent]
    async with database.tx(account) as tx:
        await changes.close(tx, conversation)

    closed = (await team(database, account))[agent]

    assert [(one.assigned, one.closed.count) for one in (waiting, closed)] == [(1, 0), (0, 1)]


async def test_the_rates_are_those_of_campaigns_by_mail(database, account, connection):
    channel = await world.simulator(database, account, **{"as": "email"})
    await world.contacts(database, account, [f"p{n}@example.com" for n in range(4)], "mailto")
    async with database.tx(account) as tx:
        new = NewBroadcast(name="News", channel="email", subject="News", html="<p>Hello</p>", channel_id=channel.id)
        id = (await broadcasts.send(tx, (await broadcasts.create(tx, new)).id)).id
    await world.react(database)
    await world.deliver(database, account)
    await expanding.finish(database)
    sent = "update messages set sent_at = sent_at - interval '1 minute' where broadcast_id = $1 returning id"
    [first, *_] = [row[0] for row in await connection.fetch(sent, id)]
    async with database.tx(account) as tx:
        await tracking.note(tx, Token(account, id, first, 0), "GET", READER)
    await connection.execute("update mail_hits set at = at - interval '1 minute' where account_id = $1", account)
    await tracking.judge(database)

    seen = (await overview(database, account)).campaigns

    assert seen == reports.Campaigns(
        total=1, completed=1, sent=4, opened=1, clicked=0, bounced=0, open_rate=25.0, click_rate=0.0
    )


async def test_an_automation_answers_in_a_conversation_once(database, account, conversation):
    for _ in range(2):
        async with database.tx(account) as tx:
            said = Replied(conversation_id=conversation, text="Hello!", at=clock.now(), by_ai=True)
            await conversations.replied(tx, [said])

    async with database.tx(account) as tx:
        assert (await reports.ai(tx, 7)).conversations == 1


async def test_models_are_told_apart_by_provider(database, account):
    calls = {
        "local": [Outcome(ok=True, tokens_in=20, tokens_out=7, elapsed_ms=100), Outcome(ok=True, tokens_in=10)],
        "hosted": [Outcome(cost=1500, elapsed_ms=50, confidence=0.9)],
    }
    async with database.tx(account) as tx:
        for provider, outcomes in calls.items():
            for outcome in outcomes:
                await usage.note(tx, "reply", provider, outcome)

        used = await reports.ai(tx, 7)

    assert used.providers == [
        Asked("hosted", 1, 0, 0, cost=1500, milliseconds=50, confidence=900, judged=1),
        Asked("local", 2, 30, 7, cost=0, milliseconds=100, confidence=0, judged=0),
    ]
    assert (used.replies, sum(used.requests_by_day.values())) == (2, 3)


async def test_nothing_of_another_workspace_is_counted(database, account, other_account, conversation, new_user):
    await reply(database, account, conversation, await new_user("Ann"))

    seen = await overview(database, other_account)

    assert (seen.contacts, seen.received, sum(seen.now.values()), seen.new_contacts) == (0, {}, 0, 0)
    assert await team(database, other_account) == {}


async def test_days_that_nobody_asks_about_are_forgotten(database, account, connection):
    add = "insert into daily (account_id, name, day, value) values ($1, 'contacts.created', current_date - $2::int, 1)"
    for age in (counters.KEPT_DAYS + 1, counters.KEPT_DAYS, 0):
        await connection.execute(add, account, age)

    async with database.system() as tx:
        await tx.run(counters.FORGET, counters.KEPT_DAYS)

    left = await connection.fetch("select current_date - day from daily where account_id = $1 order by 1", account)
    assert [row[0] for row in left] == [0, counters.KEPT_DAYS]
