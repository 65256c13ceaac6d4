"""The worker: knows every job that anybody may enqueue, loses none, and is blocked by none."""

import ast
import asyncio
import contextlib
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest

import trunkline
from tests import world
from trunkline import reactions
from trunkline.core import clock, jobs
from trunkline.core.db import Database, Statement, Tx
from trunkline.core.errors import Unavailable
from trunkline.core.events import Event, Happened
from trunkline.core.jobs import Call, Claims, Desk, job
from trunkline.messaging.channels import Channel
from trunkline.worker import JOB_SECONDS, QUEUES, Worker


def test_every_job_is_known_to_the_worker() -> None:
    root = Path(trunkline.__file__).parent
    named = {name for file in root.rglob("*.py") for name in job_names(ast.parse(file.read_text()))}

    # A process of its own: here other tests may have loaded more than the worker does.
    script = "import trunkline.worker\nfrom trunkline.core.jobs import JOBS\nprint(*JOBS)"
    known = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=root.parent)

    assert named == set(known.stdout.split())


def job_names(tree: ast.Module) -> set[str]:
    return {
        decorator.args[0].value
        for function in ast.walk(tree)
        if isinstance(function, ast.AsyncFunctionDef)
        for decorator in function.decorator_list
        if isinstance(decorator, ast.Call)
        and getattr(decorator.func, "id", "") == "job"
        and isinstance(decorator.args[0], ast.Constant)
        and isinstance(decorator.args[0].value, str)
    }


PHONE = "+40740111222"

ADD = Statement("insert into tallies (account_id, name, value) values ($1, 'worked', 1)", "tests", system=False)
behaviour: dict[str, Exception | None] = {}
going_on: dict[str, asyncio.Event] = {}


@job("test.work")
async def work(tx: Tx, name: str) -> None:
    """Leaves a trace, then fails as long as it is told to."""
    await tx.run(ADD, tx.account)
    if error := behaviour.get(name):
        raise error
    if name in going_on:
        going_on[name].set()
        await going_on[f"{name}:finish"].wait()


class Boomed(Event, frozen=True):
    type = "test.boomed"

    n: int


@pytest.fixture(scope="module")
async def database(dsn: str, anyio_backend: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Database]:
    async with world.own_database(dsn, tmp_path_factory.mktemp("data")) as database:
        yield database


@pytest.fixture
async def quiet(database: Database) -> Database:
    """No work left over from another test."""
    await world.execute(database.dsn, "truncate events, jobs, inbound, outbound, dead_letters, tallies, schedules")
    behaviour.clear()
    going_on.clear()
    return database


@contextlib.asynccontextmanager
async def running(database: Database, *queues: str) -> AsyncIterator[Worker]:
    """A worker at work; it is stopped and has drained at the end."""
    worker = Worker(database, queues or QUEUES)
    task = asyncio.create_task(worker.run())
    try:
        yield worker
    finally:
        worker.stop()
        async with asyncio.timeout(30):
            await task


async def until(database: Database, statement: str, *args: object) -> None:
    """Wait for a row; whoever waits too long has failed."""
    async with asyncio.timeout(20):
        while not await world.execute(database.dsn, statement, *args):
            await asyncio.sleep(0.01)


async def worked(database: Database) -> int:
    return len(await world.execute(database.dsn, "select from tallies where name = 'worked'"))


async def enqueue(database: Database, name: str, key: str | None = None) -> None:
    async with database.tx(1) as tx:
        work.later(tx, name, key=key)


async def attempt(database: Database) -> None:
    """Let one worker try what is due, once."""
    await world.execute(database.dsn, "update jobs set run_at = now() - interval '1 second'")
    worker, claims = Worker(database), Claims(database, "jobs")
    for call in await claims.take(16):
        await worker._run_call(claims, call)


async def lose(database: Database, times: int) -> None:
    """Let workers claim what is due and die."""
    for _ in range(times):
        await world.execute(database.dsn, "update jobs set run_at = now() - interval '1 second'")
        await Claims(database, "jobs").take(16)


@pytest.mark.anyio
async def test_from_a_call_of_the_provider_to_the_inbox(quiet: Database, account: int) -> None:
    channel = await world.simulator(quiet, account)

    async with running(quiet):
        received = await world.say(quiet, channel, PHONE, "Hello")
        await until(quiet, "select from messages where id = $1 and status = 'handled'", received.message_id)

    rows = await world.execute(quiet.dsn, "select preview from conversations where account_id = $1", account)
    assert [row[0] for row in rows] == ["Hello"]


@pytest.mark.anyio
async def test_from_a_draft_to_the_delivery_report(quiet: Database, account: int) -> None:
    channel = await world.simulator(quiet, account, auto_dlr=True)

    async with running(quiet):
        [id] = await world.queue(quiet, account, channel, [PHONE])
        await until(quiet, "select from messages where id = $1 and status = 'delivered'", id)


@pytest.mark.anyio
async def test_a_stop_by_word_stops_what_is_scheduled(quiet: Database, account: int) -> None:
    channel = await world.simulator(quiet, account)
    [id] = await world.queue(quiet, account, channel, [PHONE], at=clock.now() + timedelta(days=1))

    async with running(quiet):
        await world.say(quiet, channel, PHONE, "STOP")
        await until(quiet, "select from messages where id = $1 and status = 'canceled'", id)


@pytest.mark.anyio
async def test_a_worker_that_is_stopped_finishes_what_it_does(quiet: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    going_on.update({"long": asyncio.Event(), "long:finish": asyncio.Event()})
    await enqueue(quiet, "long")

    async with running(quiet) as worker:
        await going_on["long"].wait()
        await stop_after_a_look(worker, monkeypatch)
        await enqueue(quiet, "too late")
        going_on["long:finish"].set()

    assert await worked(quiet) == 1
    assert len(await world.execute(quiet.dsn, "select from jobs where name = 'test.work'")) == 1


async def stop_after_a_look(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stop it between two looks at the queue: one that is under way would still take what it finds."""
    looked, look = asyncio.Event(), Claims.take

    async def take(claims: Claims, *limits: int) -> list[Call]:
        calls = await look(claims, *limits)
        if claims.queue == "jobs":
            worker.stop()
            looked.set()
        return calls

    monkeypatch.setattr(Claims, "take", take)
    await looked.wait()


@pytest.mark.anyio
async def test_a_worker_is_seen_while_it_lives(quiet: Database) -> None:
    async with running(quiet, "inbound") as worker:
        await until(quiet, "select from workers where id = $1 and queues = '{inbound}'", worker.id)

    assert await world.execute(quiet.dsn, "select from workers where id = $1", worker.id) == []


@pytest.mark.anyio
async def test_a_worker_serves_its_queues_only(quiet: Database, account: int) -> None:
    channel = await world.simulator(quiet, account)
    await enqueue(quiet, "nobody's")

    async with running(quiet, "outbound"):
        [id] = await world.queue(quiet, account, channel, [PHONE])
        await until(quiet, "select from messages where id = $1 and status = 'sent'", id)

    assert await worked(quiet) == 0


@pytest.mark.anyio
async def test_a_job_that_fails_leaves_no_trace_until_it_works(quiet: Database) -> None:
    behaviour["fragile"] = ValueError("not yet")
    await enqueue(quiet, "fragile")
    for _ in range(3):
        await attempt(quiet)
    failed = await worked(quiet)
    behaviour.clear()

    for _ in range(2):
        await attempt(quiet)

    assert (failed, await worked(quiet)) == (0, 1)
    assert await world.execute(quiet.dsn, "select from jobs") == []


@pytest.mark.anyio
async def test_a_job_that_always_fails_is_buried_after_five_tries(quiet: Database) -> None:
    behaviour["poison"] = ValueError("never")
    await enqueue(quiet, "poison")

    for _ in range(7):
        await attempt(quiet)

    [letter] = await world.execute(quiet.dsn, "select name, args::text, attempts, error from dead_letters")
    assert tuple(letter) == ("test.work", '["poison"]', 5, "ValueError: never")


@pytest.mark.anyio
async def test_a_job_that_kills_its_worker_each_time_is_buried(quiet: Database) -> None:
    await enqueue(quiet, "deadly")
    await lose(quiet, jobs.MOST_LOST)

    await attempt(quiet)

    [letter] = await world.execute(quiet.dsn, "select error from dead_letters")
    assert (letter[0], await worked(quiet)) == ("It stopped the worker each time.", 0)


@pytest.mark.anyio
async def test_workers_that_die_take_no_tries_from_a_job(quiet: Database) -> None:
    behaviour["unlucky"] = ValueError("not yet")
    await enqueue(quiet, "unlucky")
    await lose(quiet, 6)

    await attempt(quiet)
    await lose(quiet, 6)
    behaviour.clear()
    await attempt(quiet)

    assert (await worked(quiet), await world.execute(quiet.dsn, "select from dead_letters")) == (1, [])


@pytest.mark.anyio
async def test_a_job_that_nobody_knows_is_buried(quiet: Database) -> None:
    await world.execute(quiet.dsn, "insert into jobs (account_id, name) values (1, 'of.tomorrow')")

    for _ in range(6):
        await attempt(quiet)

    [letter] = await world.execute(quiet.dsn, "select name from dead_letters")
    assert letter[0] == "of.tomorrow"


@pytest.mark.anyio
async def test_what_is_unavailable_is_tried_again_later(quiet: Database) -> None:
    behaviour["away"] = Unavailable("A neighbour")
    await enqueue(quiet, "away")

    await attempt(quiet)

    [row] = await world.execute(quiet.dsn, "select attempts, run_at > now() + interval '3 seconds' from jobs")
    assert tuple(row) == (1, True)


@pytest.mark.anyio
async def test_a_failing_job_blocks_no_other(quiet: Database) -> None:
    behaviour["poison"] = ValueError("never")
    for name in ("poison", "fine", "poison", "fine"):
        await enqueue(quiet, name)

    async with running(quiet, "jobs"):
        await until(quiet, "select from tallies where name = 'worked' having count(*) = 2")

    assert len(await world.execute(quiet.dsn, "select from jobs where name = 'test.work'")) == 2


@pytest.mark.anyio
async def test_a_fact_that_always_fails_is_put_aside_and_blocks_no_other(
    quiet: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    handled: list[int] = []

    async def boom(tx: Tx, happened: Sequence[Happened]) -> None:
        if any(one.event.n == 13 for one in happened):
            raise ValueError("unlucky")
        handled.extend(one.event.n for one in happened)

    monkeypatch.setitem(reactions.REACTIONS, Boomed, [boom])
    async with quiet.tx(1) as tx:
        for n in range(20):
            tx.record(Boomed(n))
    async with running(quiet, "jobs"):
        await until(quiet, "select from dead_letters where name = 'test.boomed'")
        await until(quiet, "select 1 where not exists (select from events)")

    [letter] = await world.execute(quiet.dsn, "select args::text from dead_letters")
    assert letter[0] == '{"n": 13}'
    assert handled == [n for n in range(20) if n != 13]


@pytest.mark.anyio
async def test_backends_that_die_under_a_worker_lose_nothing(quiet: Database, account: int) -> None:
    channel = await world.simulator(quiet, account, **{"as": "email"})
    addresses = [f"p{n}@example.org" for n in range(60)]
    kill = """select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and application_name = 'trunkline' and pid <> pg_backend_pid()"""

    async with running(quiet):
        for start in range(0, 60, 20):
            await until_written(quiet, account, channel, addresses[start : start + 20])
            await world.execute(quiet.dsn, kill)
        async with asyncio.timeout(30):
            while await world.execute(
                quiet.dsn, "select from messages where account_id = $1 and status not in ('sent', 'sending')", account
            ):
                await asyncio.sleep(0.05)

    rows = await world.execute(
        quiet.dsn, "select distinct recipient from simulator_outbox where account_id = $1", account
    )
    assert sorted(row[0] for row in rows) == sorted(addresses)


async def until_written(database: Database, account: int, channel: Channel, addresses: list[str]) -> None:
    """Queue them; while the database is away, a little later."""
    async with asyncio.timeout(20):
        while True:
            try:
                await world.queue(database, account, channel, addresses)
                return
            except Unavailable:
                await asyncio.sleep(0.05)


@pytest.mark.parametrize(
    ("error", "outcome"), [(None, "done"), (ValueError("no"), "failed"), (Unavailable("It"), "unavailable")]
)
async def test_a_job_counts_by_its_outcome(
    quiet: Database, account: int, error: Exception | None, outcome: str
) -> None:
    behaviour["counted"] = error
    times = JOB_SECONDS.of("test.work", outcome)
    before = sum(times.counts)
    async with quiet.tx(account) as tx:
        work.later(tx, "counted")

    await world.react(quiet)

    assert sum(times.counts) == before + 1


taken: list[list[str]] = []


@job("test.together", queue="inbound", together=True)
async def together(desk: Desk) -> None:
    """Takes all at once, unless one of them is bad."""
    taken.append([call.args[0] for call in desk.calls])
    async with desk.tx() as tx:
        for _ in desk.calls:
            await tx.run(ADD, tx.account)
        if "bad" in taken[-1]:
            raise RuntimeError("bad")
        await desk.finish(tx)


async def test_calls_of_an_account_are_taken_together(quiet: Database) -> None:
    taken.clear()
    async with quiet.tx(1) as tx:
        for name in "abc":
            together.later(tx, name, key=name)

    async with running(quiet, "inbound"):
        await until(quiet, "select where not exists (select from inbound)")

    assert taken == [["a", "b", "c"]]
    assert await worked(quiet) == 3


async def test_the_trouble_of_one_is_not_the_others(quiet: Database) -> None:
    taken.clear()
    async with quiet.tx(1) as tx:
        for name in ("a", "bad", "c"):
            together.later(tx, name, key=name)

    async with running(quiet, "inbound"):
        await until(quiet, "select where (select array_agg(key) from inbound where run_at > now()) = '{bad}'")

    assert taken == [["a", "bad", "c"], ["a"], ["bad"], ["c"]]
    assert await worked(quiet) == 2
