"""Flows and people: triggers, answers, timeouts and expirations, from the provider's call to the queued message."""

from collections.abc import AsyncIterator

import pytest

from tests import talks, world
from trunkline.contacts import fields, people
from trunkline.core.db import Database
from trunkline.flows import counts, endings, runs, starts, triggers, waking
from trunkline.flows.runs import Filter
from trunkline.flows.starts import NewStart
from trunkline.flows.stored import Stored
from trunkline.flows.triggers import NewTrigger
from trunkline.messaging.channels import Channel

pytestmark = pytest.mark.anyio

PHONE = "+40740111222"


@pytest.fixture(scope="module")
async def database(dsn: str, anyio_backend: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Database]:
    async with world.own_database(dsn, tmp_path_factory.mktemp("data")) as database:
        yield database


@pytest.fixture
async def channel(database: Database, account: int) -> Channel:
    return await world.simulator(database, account)


async def keep(database: Database, account: int, flow: dict, **trigger) -> Stored:
    kept = await talks.save(database, account, flow)
    if trigger:
        async with database.tx(account) as tx:
            await triggers.create(tx, NewTrigger(flow_id=kept.id, **trigger))
    return kept


async def hear(database: Database, channel: Channel, *texts: str, sender: str = PHONE) -> int:
    contact = 0
    for text in texts:
        contact = (await world.say(database, channel, sender, text)).contact_id
        await world.react(database)
    return contact


async def drink_of(database: Database, account: int, contact: int) -> object:
    async with database.tx(account) as tx:
        return (await people.get(tx, contact)).fields.get("drink")


@pytest.fixture
async def drinks(database: Database, account: int, channel: Channel) -> Stored:
    async with database.tx(account) as tx:
        await fields.create(tx, "Drink")
    return await keep(database, account, talks.drinks(), kind="keyword", keywords=["thirsty"])


async def test_a_keyword_starts_a_flow(database: Database, account: int, channel: Channel, drinks: Stored) -> None:
    await hear(database, channel, "Thirsty me")

    assert await talks.said(database, account) == ["Tea or coffee?"]
    assert await talks.runs(database, account) == [("waiting", 2)]


async def test_answers_go_on_where_the_flow_waits(
    database: Database, account: int, channel: Channel, drinks: Stored
) -> None:
    contact = await hear(database, channel, "thirsty", "juice please", "TEA!")

    assert await talks.said(database, account) == ["Tea or coffee?", "Tea or coffee?", "Enjoy your tea"]
    assert await talks.runs(database, account) == [("completed", 5)]
    assert await drink_of(database, account, contact) == "Tea"


async def test_answers_leave_by_the_channel_that_was_written_to(
    database: Database, account: int, channel: Channel, drinks: Stored
) -> None:
    first, last = channel, await world.simulator(database, account)

    for each in (first, last, first):
        await hear(database, each, "thirsty")

    rows = await world.execute(
        database.dsn, "select channel_id from messages where account_id = $1 and direction = 'out' order by id", account
    )
    assert [row[0] for row in rows] == [first.id, last.id, first.id]


async def test_messages_of_a_flow_lie_in_the_conversation(
    database: Database, account: int, channel: Channel, drinks: Stored
) -> None:
    await hear(database, channel, "thirsty")

    rows = await world.execute(
        database.dsn,
        """select m.direction, m.flow_id is not null, m.conversation_id is not null from messages m
        where m.account_id = $1 order by id""",
        account,
    )
    assert [tuple(row) for row in rows] == [("in", True, True), ("out", True, True)]


async def test_other_words_start_nothing(database: Database, account: int, channel: Channel, drinks: Stored) -> None:
    await hear(database, channel, "I am thirsty")

    assert await talks.said(database, account) == []


async def test_only_word_wants_nothing_else(database: Database, account: int, channel: Channel) -> None:
    flow = talks.definition(talks.node(talks.say("Hi")))
    await keep(database, account, flow, kind="keyword", keywords=["join"], match="only_word")

    await hear(database, channel, "join us", "JOIN")

    assert await talks.said(database, account) == ["Hi"]


async def test_a_catch_all_takes_what_no_flow_waits_for(
    database: Database, account: int, channel: Channel, drinks: Stored
) -> None:
    flow = talks.definition(talks.node(talks.say("You said @input.text")), name="Echo")
    await keep(database, account, flow, kind="catch_all")

    await hear(database, channel, "hello", "thirsty", "tea", "bye")

    assert await talks.said(database, account) == [
        "You said hello",
        "Tea or coffee?",
        "Enjoy your tea",
        "You said bye",
    ]


async def test_a_keyword_interrupts_what_waits(
    database: Database, account: int, channel: Channel, drinks: Stored
) -> None:
    await hear(database, channel, "thirsty", "thirsty")

    assert await talks.runs(database, account) == [("interrupted", 2), ("waiting", 2)]


async def test_a_flow_that_ignores_triggers_hears_keywords_as_answers(
    database: Database, account: int, channel: Channel
) -> None:
    await keep(database, account, talks.drinks(ignore_triggers=True), kind="keyword", keywords=["thirsty"])

    await hear(database, channel, "thirsty", "thirsty")

    assert await talks.runs(database, account) == [("waiting", 4)]


async def test_help_is_an_answer_while_a_flow_waits(
    database: Database, account: int, channel: Channel, drinks: Stored
) -> None:
    await hear(database, channel, "thirsty", "help")

    assert await talks.said(database, account) == ["Tea or coffee?", "Tea or coffee?"]


async def test_a_stop_word_wins_over_a_waiting_flow(
    database: Database, account: int, channel: Channel, drinks: Stored
) -> None:
    await hear(database, channel, "thirsty", "STOP")

    assert await talks.runs(database, account) == [("waiting", 2)]


async def test_a_wait_times_out(database: Database, account: int, channel: Channel, drinks: Stored) -> None:
    await hear(database, channel, "thirsty")
    await talks.pass_time(database, account, 301)

    await waking.look(database)
    await world.react(database)

    assert await talks.said(database, account) == ["Tea or coffee?", "Too late"]
    assert await talks.runs(database, account) == [("completed", 3)]


async def test_an_answer_before_the_timeout_counts(
    database: Database, account: int, channel: Channel, drinks: Stored
) -> None:
    await hear(database, channel, "thirsty")
    await talks.pass_time(database, account, 301)
    await world.say(database, channel, PHONE, "tea")

    await world.react(database)
    await waking.look(database)
    await world.react(database)

    assert await talks.said(database, account) == ["Tea or coffee?", "Enjoy your tea"]


async def test_a_wait_expires(database: Database, account: int, channel: Channel) -> None:
    ask = talks.node(talks.say("Name?"), to=(hear_name := talks.uuid()))
    flow = talks.definition(ask, talks.question({}, id=hear_name))
    await keep(database, account, flow, kind="keyword", keywords=["join"])
    await hear(database, channel, "join")
    await talks.pass_time(database, account, 3601)

    await waking.look(database)
    await world.react(database)

    assert await talks.runs(database, account) == [("expired", 2)]


async def test_an_interrupted_contact_waits_no_more(
    database: Database, account: int, channel: Channel, drinks: Stored
) -> None:
    contact = await hear(database, channel, "thirsty")

    async with database.tx(account) as tx:
        await endings.interrupt(tx, [contact])
    await hear(database, channel, "tea")

    assert await talks.runs(database, account) == [("interrupted", 2)]
    assert await talks.said(database, account) == ["Tea or coffee?"]


async def test_an_archived_flow_lets_everybody_go(
    database: Database, account: int, channel: Channel, drinks: Stored
) -> None:
    await hear(database, channel, "thirsty")

    async with database.tx(account) as tx:
        await endings.archive(tx, [drinks.id])
    await world.react(database)
    await hear(database, channel, "thirsty")

    assert await talks.runs(database, account) == [("interrupted", 2)]
    assert await talks.said(database, account) == ["Tea or coffee?"]


async def test_a_start_reaches_everybody_once(
    database: Database, account: int, channel: Channel, drinks: Stored
) -> None:
    people = await world.contacts(database, account, [f"+4074000{n:04}" for n in range(250)])

    async with database.tx(account) as tx:
        start = await starts.create(tx, NewStart(flow_id=drinks.id, contacts=people))
    await world.react(database)

    assert len(await talks.said(database, account)) == 250
    async with database.tx(account) as tx:
        now = await starts.get(tx, start.id)
        assert (now.total, now.started, now.expanded) == (250, 250, True)


async def test_counts_follow_the_runs(database: Database, account: int, channel: Channel, drinks: Stored) -> None:
    await hear(database, channel, "thirsty", "juice", "tea")

    async with database.tx(account) as tx:
        assert (await runs.counts(tx, [drinks.id]))[drinks.id]["completed"] == 1
        found = await counts.of(tx, drinks.id)
        assert await counts.results(tx, drinks.id) == {"drink": {"Tea": 1}}
        assert [one.operand for one in await counts.recent(tx, drinks.id) if one.operand] == ["tea", "juice"]
    assert sorted(found["node"].values()) == [1, 2, 2]
    assert found["waiting"] == {}


async def test_another_tenant_sees_no_run(
    database: Database, account: int, other_account: int, channel: Channel, drinks: Stored
) -> None:
    await hear(database, channel, "thirsty")

    async with database.tx(other_account) as tx:
        assert await runs.page(tx, Filter(flow_id=drinks.id)) == []
    async with database.tx(account) as tx:
        [run] = await runs.page(tx, Filter(flow_id=drinks.id))
        assert (run.status, run.responded, run.flow_name) == ("waiting", True, "Drinks")
