"""Queues: fair over accounts, in order per key, never lost, and never done twice by who lost the lease."""

import asyncio
import random
from collections import Counter
from datetime import UTC, datetime

import pytest

from tests import world
from trunkline.core import jobs
from trunkline.core.db import Database
from trunkline.core.errors import NotFound
from trunkline.core.jobs import RETRY_SECONDS, Call, Claims, job

pytestmark = pytest.mark.anyio


@job("test.nothing")
async def nothing(tx, *args: object) -> None:
    pass


@job("test.heard", queue="inbound")
async def heard(tx, *args: object) -> None:
    pass


@pytest.fixture
async def claims(quiet: Database) -> Claims:
    """The jobs queue, empty."""
    await world.execute(quiet.dsn, "truncate jobs, inbound, dead_letters")
    return Claims(quiet, "jobs")


async def enqueue(database: Database, account: int, number: int, key: str | None = None) -> None:
    async with database.tx(account, "test") as tx:
        for n in range(number):
            nothing.later(tx, n, key=key)


async def finish(database: Database, claims: Claims, call: Call) -> bool:
    async with database.tx(call.account) as tx:
        return await claims.finish(tx, call)


async def end_leases(database: Database) -> None:
    await world.execute(database.dsn, "update jobs set run_at = now() - interval '1 second'")


async def waiting(database: Database) -> list[dict]:
    rows = await world.execute(
        database.dsn,
        """select account_id, key, name, args::text, actor, cause, depth, attempts,
        extract(epoch from run_at - clock_timestamp())::float8 as seconds from jobs order by id""",
    )
    return [dict(row) for row in rows]


async def test_a_call_is_written_with_the_transaction(quiet: Database, claims: Claims) -> None:
    async with quiet.tx(7, "user:3", "broadcast:9", 2) as tx:
        nothing.later(tx, "a", {"b": [1]}, key="contact:5")

    [row] = await waiting(quiet)

    assert (row["account_id"], row["key"], row["name"], row["args"]) == (
        7,
        "contact:5",
        "test.nothing",
        '["a", {"b": [1]}]',
    )
    assert (row["actor"], row["cause"], row["depth"], row["attempts"]) == ("user:3", "broadcast:9", 2, 0)


async def test_a_rolled_back_transaction_leaves_no_call(quiet: Database, claims: Claims) -> None:
    with pytest.raises(NotFound):
        async with quiet.tx(7) as tx:
            nothing.later(tx)
            heard.later(tx)
            raise NotFound("thing")

    assert await waiting(quiet) == []
    assert await Claims(quiet, "inbound").take(1) == []


async def test_a_call_waits_for_its_moment(quiet: Database, claims: Claims) -> None:
    async with quiet.tx(7) as tx:
        nothing.later(tx, at=datetime(2200, 1, 1, tzinfo=UTC))

    early = await claims.take(1)
    await end_leases(quiet)
    due = await claims.take(1)

    assert (early, len(due)) == ([], 1)


async def test_each_queue_has_its_own_calls(quiet: Database, claims: Claims) -> None:
    async with quiet.tx(7) as tx:
        nothing.later(tx)
        heard.later(tx)

    names = [call.name for queue in (claims, Claims(quiet, "inbound")) for call in await queue.take(9)]

    assert names == ["test.nothing", "test.heard"]


async def test_accounts_take_turns(quiet: Database, claims: Claims) -> None:
    await enqueue(quiet, 1, 100)
    await enqueue(quiet, 2, 1)
    await enqueue(quiet, 3, 1)

    portions = [Counter(call.account for call in await claims.take(16)) for _ in range(2)]

    assert portions == [{1: 16}, {2: 1, 3: 1, 1: 14}]


@pytest.mark.parametrize("limit", [1, 3, 16])
async def test_twenty_busy_accounts_are_served_alike(quiet: Database, claims: Claims, limit: int) -> None:
    for account in range(1, 21):
        await enqueue(quiet, account, 20)

    served: Counter[int] = Counter()
    while sum(served.values()) < 320:
        for call in await claims.take(limit):
            served[call.account] += 1
            assert await finish(quiet, claims, call)

    assert max(served.values()) - min(served.values()) <= 16
    assert set(served) == set(range(1, 21))


async def test_nobody_gets_a_call_that_somebody_has(quiet: Database, claims: Claims) -> None:
    await enqueue(quiet, 1, 40)
    claimers = [Claims(quiet, "jobs") for _ in range(4)]

    portions = []
    while any(part := await asyncio.gather(*(one.take(3) for one in claimers))):
        portions += part
    taken = [call.id for portion in portions for call in portion]

    assert len(taken) == len(set(taken)) == 40


async def test_calls_of_one_key_run_one_after_the_other_in_order(quiet: Database, claims: Claims) -> None:
    for n in range(10):
        async with quiet.tx(1) as tx:
            for key in "abcde":
                nothing.later(tx, n, key=key)
    running: set[str] = set()
    done: dict[str, list[int]] = {key: [] for key in "abcde"}

    async def work() -> None:
        mine = Claims(quiet, "jobs")
        while sum(map(len, done.values())) < 50:
            for call in await mine.take(random.randint(1, 5)):
                assert call.key is not None
                assert call.key not in running, "two at once"
                running.add(call.key)
                await asyncio.sleep(0)
                done[call.key].append(call.args[0])
                running.discard(call.key)
                assert await finish(quiet, mine, call)

    async with asyncio.timeout(30):
        await asyncio.gather(*(work() for _ in range(5)))

    assert done == {key: list(range(10)) for key in "abcde"}


async def test_a_failed_call_holds_back_its_key_only(quiet: Database, claims: Claims) -> None:
    await enqueue(quiet, 1, 2, key="a")
    await enqueue(quiet, 1, 1, key="b")
    first = next(call for call in await claims.take(9) if call.key == "a")
    await claims.retry(first, "not now")

    later = await claims.take(9)

    assert later == []
    assert [row["key"] for row in await waiting(quiet)] == ["a", "a", "b"]


async def test_the_same_key_in_two_accounts_is_two_keys(quiet: Database, claims: Claims) -> None:
    await enqueue(quiet, 1, 1, key="a")
    await enqueue(quiet, 2, 1, key="a")

    assert sorted(call.account for call in await claims.take(9)) == [1, 2]


async def test_a_lease_that_ended_is_offered_again(quiet: Database, claims: Claims) -> None:
    await enqueue(quiet, 1, 1)
    [first] = await claims.take(9)
    held = await claims.take(9)
    await end_leases(quiet)

    [second] = await claims.take(9)

    assert held == []
    assert (second.id, first.attempts, second.attempts) == (first.id, 1, 2)


async def test_who_lost_the_lease_can_neither_finish_nor_retry_nor_renew(quiet: Database, claims: Claims) -> None:
    await enqueue(quiet, 1, 1)
    [late] = await claims.take(9)
    await end_leases(quiet)
    [call] = await claims.take(9)

    await claims.retry(late, "too late")
    await end_leases(quiet)
    await claims.renew([late])
    finished = await finish(quiet, claims, late)

    assert not finished
    [row] = await waiting(quiet)
    assert (row["attempts"], row["seconds"] < 0) == (2, True)
    assert await finish(quiet, claims, call)


async def test_a_renewed_lease_is_not_offered(quiet: Database, claims: Claims) -> None:
    await enqueue(quiet, 1, 1)
    [call] = await claims.take(9)
    await end_leases(quiet)

    await claims.renew([call])

    assert await claims.take(9) == []


@pytest.mark.parametrize(("tries", "seconds"), list(enumerate(RETRY_SECONDS, start=1)))
async def test_each_retry_waits_longer(quiet: Database, claims: Claims, tries: int, seconds: int) -> None:
    await enqueue(quiet, 1, 1)

    for _ in range(tries):
        await end_leases(quiet)
        [call] = await claims.take(1)
        kept = await claims.retry(call, "not now")

    [row] = await waiting(quiet)
    assert kept
    assert seconds * 0.8 - 5 <= row["seconds"] <= seconds * 1.2


async def test_a_claim_that_was_lost_is_no_failure(quiet: Database, claims: Claims) -> None:
    await enqueue(quiet, 1, 1)
    for _ in range(3):
        await end_leases(quiet)
        [call] = await claims.take(1)

    await claims.retry(call, "not now")

    await end_leases(quiet)
    [again] = await claims.take(1)
    assert [(one.attempts, one.failures, one.lost) for one in (call, again)] == [(3, 0, 2), (4, 1, 2)]


async def buried(quiet: Database, claims: Claims, key: str | None = None) -> None:
    """Let one call fail for good."""
    await enqueue(quiet, 1, 1, key)
    for _ in range(len(RETRY_SECONDS) + 1):
        await end_leases(quiet)
        [call] = await claims.take(1)
        await claims.retry(call, "ValueError: never")


async def test_after_five_tries_a_call_is_a_dead_letter(quiet: Database, claims: Claims) -> None:
    await buried(quiet, claims, "k")

    async with quiet.system() as tx:
        [letter] = await jobs.dead_letters(tx)
    assert (letter.account, letter.queue, letter.key, letter.name, letter.args) == (1, "jobs", "k", "test.nothing", [0])
    assert (letter.attempts, letter.error) == (5, "ValueError: never")
    assert await waiting(quiet) == []


async def test_a_dead_letter_does_not_hold_back_its_key(quiet: Database, claims: Claims) -> None:
    await buried(quiet, claims, "k")
    await enqueue(quiet, 1, 1, "k")

    assert len(await claims.take(9)) == 1


async def test_a_replayed_letter_has_all_tries_ahead(quiet: Database, claims: Claims) -> None:
    await buried(quiet, claims, "k")
    async with quiet.system() as tx:
        [letter] = await jobs.dead_letters(tx)
        await jobs.replay(tx, letter.id)

    [call] = await claims.take(9)

    assert (call.account, call.key, call.name, call.args, call.attempts) == (1, "k", "test.nothing", [0], 1)
    async with quiet.system() as tx:
        assert await jobs.dead_letters(tx) == []


async def test_a_discarded_letter_is_gone(quiet: Database, claims: Claims) -> None:
    await buried(quiet, claims)

    async with quiet.system() as tx:
        [letter] = await jobs.dead_letters(tx)
        await jobs.discard(tx, letter.id)
        left = await jobs.dead_letters(tx)

    assert (left, await waiting(quiet)) == ([], [])


@pytest.mark.parametrize("act", [jobs.replay, jobs.discard])
async def test_an_unknown_letter_is_not_found(quiet: Database, claims: Claims, act) -> None:
    with pytest.raises(NotFound):
        async with quiet.system() as tx:
            await act(tx, 987_654_321)


async def test_a_very_long_error_is_cut(quiet: Database, claims: Claims) -> None:
    await enqueue(quiet, 1, 1)
    for _ in range(len(RETRY_SECONDS) + 1):
        await end_leases(quiet)
        [call] = await claims.take(1)
        await claims.retry(call, "x" * 100_000)

    async with quiet.system() as tx:
        [letter] = await jobs.dead_letters(tx)

    assert len(letter.error) == 4000
