"""The outbox: a fact for every committed change, none for the others, and reactions that lose nothing."""

import asyncio
from collections.abc import Sequence

import pytest

from tests import world
from trunkline.core import events, jobs
from trunkline.core.db import Database, Statement, Tx
from trunkline.core.errors import NotFound
from trunkline.core.events import Event, Happened, Reactions
from trunkline.core.jobs import Claims, job

pytestmark = pytest.mark.anyio


class Rung(Event, frozen=True):
    type = "test.rung"

    n: int


class Echoed(Event, frozen=True):
    type = "test.echoed"

    n: int


@job("test.follow")
async def follow(tx: Tx, n: int) -> None:
    pass


ADD = Statement("insert into tallies (account_id, name, value) values ($1, 'rung', $2)", "tests", system=True)


@pytest.fixture
async def outbox(quiet: Database) -> Database:
    """Nothing has happened yet."""
    await world.execute(quiet.dsn, "truncate events, jobs, dead_letters, tallies")
    return quiet


async def ring(database: Database, account: int, *numbers: int, actor: str = "test") -> None:
    async with database.tx(account, actor, "broadcast:4", 1) as tx:
        for n in numbers:
            tx.record(Rung(n))


async def stored(database: Database) -> list[tuple]:
    rows = await world.execute(
        database.dsn, "select account_id, type, actor, cause, depth, (data->>'n')::int from events order by id"
    )
    return [tuple(row) for row in rows]


async def tallied(database: Database) -> list[int]:
    return [row[0] for row in await world.execute(database.dsn, "select value from tallies order by id")]


async def test_a_fact_carries_its_circumstances(outbox: Database) -> None:
    await ring(outbox, 7, 1)

    assert await stored(outbox) == [(7, "test.rung", "test", "broadcast:4", 1, 1)]


async def test_facts_are_written_exactly_for_what_was_committed(outbox: Database) -> None:
    for n in range(20):
        try:
            async with outbox.tx(1) as tx:
                await tx.run(Statement(ADD.text, "tests", system=False), 1, n)
                tx.record(Rung(n))
                if n % 3 == 0:
                    raise NotFound("thing")
        except NotFound:
            pass

    assert [row[5] for row in await stored(outbox)] == await tallied(outbox) == [n for n in range(20) if n % 3]


async def test_reactions_get_batches_of_one_account_in_order(outbox: Database) -> None:
    await ring(outbox, 1, 10, 11)
    await ring(outbox, 2, 20)
    await ring(outbox, 1, 12)
    seen: list[tuple[int, list[int]]] = []

    async def note(tx: Tx, happened: Sequence[Happened]) -> None:
        seen.append((tx.account, [one.event.n for one in happened]))

    handled = await events.handle(outbox, {Rung: [note]})

    assert (handled, seen) == (4, [(1, [10, 11, 12]), (2, [20])])
    assert await stored(outbox) == []


async def test_what_follows_is_deeper_and_has_the_same_cause(outbox: Database) -> None:
    await ring(outbox, 7, 1, actor="user:3")

    async def echo(tx: Tx, happened: Sequence[Happened]) -> None:
        tx.record(Echoed(happened[0].event.n + 1))
        follow.later(tx, 5)

    await events.handle(outbox, {Rung: [echo]})

    [call] = await Claims(outbox, "jobs").take(1)
    assert await stored(outbox) == [(7, "test.echoed", "user:3", "broadcast:4", 2, 2)]
    assert (call.account, call.actor, call.cause, call.depth, call.args) == (7, "user:3", "broadcast:4", 2, [5])


async def test_a_fact_that_nobody_cares_for_is_forgotten(outbox: Database) -> None:
    await ring(outbox, 1, 1)

    await events.handle(outbox, {})

    assert await stored(outbox) == []


async def test_a_failing_reaction_leaves_the_whole_batch_for_later(outbox: Database) -> None:
    await ring(outbox, 1, 1, 2)
    broken = [True]

    async def count(tx: Tx, happened: Sequence[Happened]) -> None:
        await tx.run(ADD, tx.account, len(happened))

    async def fail(tx: Tx, happened: Sequence[Happened]) -> None:
        if broken[0]:
            raise ValueError("not yet")

    reactions: Reactions = {Rung: [count, fail]}
    with pytest.raises(ValueError, match="not yet"):
        await events.handle(outbox, reactions)
    after_failure = await tallied(outbox), len(await stored(outbox))
    broken[0] = False
    await events.handle(outbox, reactions)

    assert after_failure == ([], 2)
    assert (await tallied(outbox), await stored(outbox)) == ([2], [])


async def test_one_caller_at_a_time_so_that_consequences_keep_their_order(outbox: Database) -> None:
    await ring(outbox, 1, 1)
    inside, go_on = asyncio.Event(), asyncio.Event()

    async def hold(tx: Tx, happened: Sequence[Happened]) -> None:
        inside.set()
        await go_on.wait()

    first = asyncio.create_task(events.handle(outbox, {Rung: [hold]}))
    await inside.wait()
    await ring(outbox, 1, 2)

    meanwhile = await events.handle(outbox, {Rung: [hold]})
    go_on.set()

    assert (meanwhile, await first) == (0, 1)
    assert await events.handle(outbox, {Rung: [hold]}) == 1


async def test_the_oldest_can_be_put_aside_and_replayed(outbox: Database) -> None:
    await ring(outbox, 1, 1, 2)

    await events.bury_oldest(outbox, "ValueError('never')")
    async with outbox.system() as tx:
        [letter] = await jobs.dead_letters(tx)
        left = [row[5] for row in await stored(outbox)]
        await jobs.replay(tx, letter.id)

    assert left == [2]
    assert (letter.queue, letter.name, letter.args, letter.error) == (
        "events",
        "test.rung",
        {"n": 1},
        "ValueError('never')",
    )
    assert sorted(row[5] for row in await stored(outbox)) == [1, 2]


async def test_a_fact_of_an_unknown_type_is_an_error_and_stays(outbox: Database) -> None:
    await world.execute(
        outbox.dsn,
        "insert into events (account_id, type, actor, cause, depth, data) values (1, 'of.tomorrow', 'x', '', 0, '{}')",
    )

    with pytest.raises(KeyError):
        await events.handle(outbox, {})

    assert len(await world.execute(outbox.dsn, "select id from events")) == 1
