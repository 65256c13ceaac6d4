"""Transactions: one account each, all or nothing, and a pool that survives whatever happens inside them."""

import asyncio
from collections.abc import Callable

import asyncpg
import pytest
from msgspec import Struct

from trunkline.core.db import Database, Statement, Tx, column
from trunkline.core.errors import NotFound, Unavailable

pytestmark = pytest.mark.anyio

ADD = Statement("insert into tallies (account_id, name, value) values ($1, $2, $3)", "tests", system=False)
SUM = Statement("select sum(value)::bigint from tallies where account_id = $1 and name = $2", "tests", system=False)
ALL = Statement("select account_id, name, value from tallies where account_id = $1", "tests", system=False)
CHANGE = Statement("update tallies set value = 99 where account_id = $1", "tests", system=False)
REMOVE = Statement("delete from tallies where account_id = $1", "tests", system=False)
SLEEP = Statement("select pg_sleep($1)", "tests", system=False)
PID = Statement("select pg_backend_pid()", "tests", system=False)
SYSTEM = Statement("select id from accounts order by id", "tests", system=True)
ECHO = Statement("select $1::jsonb", "tests", system=False)
NUMBER = Statement("select $1::bigint", "tests", system=False)
LOCK = Statement("select pg_advisory_xact_lock($1)", "tests", system=False)


class Tally(Struct, frozen=True):
    account_id: int
    name: str
    value: int


class Swapped(Struct, frozen=True):
    name: str
    account_id: int
    value: int


async def add(database: Database, account: int, name: str = "n", value: int = 1) -> None:
    async with database.tx(account) as tx:
        await tx.run(ADD, account, name, value)


async def total(database: Database, account: int, name: str = "n") -> int:
    async with database.tx(account) as tx:
        return await tx.value(int, SUM, account, name) or 0


async def test_a_transaction_sees_no_rows_of_another_account(
    database: Database, account: int, other_account: int
) -> None:
    await add(database, account)

    async with database.tx(other_account) as tx:
        seen = await tx.fetch(Tally, ALL, account)

    assert seen == []


@pytest.mark.parametrize("statement", [CHANGE, REMOVE])
async def test_a_transaction_changes_no_rows_of_another_account(
    database: Database, account: int, other_account: int, statement: Statement
) -> None:
    await add(database, account, value=5)

    async with database.tx(other_account) as tx:
        touched = await tx.run(statement, account)

    assert (touched, await total(database, account)) == (0, 5)


async def test_a_row_for_another_account_is_refused(database: Database, account: int, other_account: int) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with database.tx(other_account) as tx:
            await tx.run(ADD, account, "n", 1)

    assert await total(database, account) == 0


async def test_the_account_of_a_transaction_ends_with_it(database: Database, account: int) -> None:
    await add(database, account)
    setting = Statement("select nullif(current_setting('trunkline.account', true), '')", "tests", system=True)

    async with database.system() as tx:
        left = await tx.value(str, setting)

    assert left is None


async def test_a_system_statement_is_refused_in_an_accounts_transaction(tx: Tx) -> None:
    with pytest.raises(PermissionError):
        await tx.rows(SYSTEM)


async def test_a_system_statement_is_not_streamed_in_an_accounts_transaction(tx: Tx) -> None:
    with pytest.raises(PermissionError):
        async for _ in tx.stream(SYSTEM):
            pass


async def test_a_stream_gives_all_rows_in_batches(database: Database, account: int) -> None:
    many = Statement("select n from generate_series(1, 25) n", "tests", system=False)

    async with database.tx(account) as tx:
        batches = [[row[0] for row in batch] async for batch in tx.stream(many, batch=10)]

    assert [len(batch) for batch in batches] == [10, 10, 5]
    assert [n for batch in batches for n in batch] == list(range(1, 26))


async def test_an_error_leaves_nothing(database: Database, account: int) -> None:
    with pytest.raises(NotFound):
        async with database.tx(account) as tx:
            await tx.run(ADD, account, "n", 1)
            raise NotFound("thing")

    assert await total(database, account) == 0


async def test_a_canceled_task_leaves_nothing(database: Database, account: int) -> None:
    written = asyncio.Event()

    async def work() -> None:
        async with database.tx(account) as tx:
            await tx.run(ADD, account, "n", 1)
            written.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await written.wait()
    task.cancel()
    await asyncio.wait([task])

    assert task.cancelled()
    assert await total(database, account) == 0


@pytest.mark.parametrize("steps", range(12))
async def test_a_task_canceled_anywhere_leaves_nothing_or_all(database: Database, account: int, steps: int) -> None:
    async def work() -> None:
        async with database.tx(account) as tx:
            await tx.run(ADD, account, "n", 1)
            await tx.run(SLEEP, 0.001)
            await tx.run(ADD, account, "n", 1)

    task = asyncio.create_task(work())
    for _ in range(steps):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])

    # A commit that was on its way when the cancellation came may have been made.
    assert await total(database, account) in ((0, 2) if task.cancelled() else (2,))


async def test_cancellations_leak_no_connections(dsn: str, account: int) -> None:
    database = await Database(dsn, connections=4, timeout_seconds=2).open()

    async def work(n: int) -> None:
        async with database.tx(account) as tx:
            await tx.run(ADD, account, "leak", 1)
            await tx.run(SLEEP, 0.002 * (n % 5))

    tasks = [asyncio.create_task(work(n)) for n in range(60)]
    for n, task in enumerate(tasks):
        if n % 3:
            await asyncio.sleep(0.001)
            task.cancel()
    await asyncio.wait(tasks)
    together = asyncio.Barrier(4)

    async def meet() -> None:
        async with database.tx(account) as tx:
            await tx.run(SLEEP, 0.0)
            await together.wait()

    async with asyncio.timeout(10):
        await asyncio.gather(*(meet() for _ in range(4)))
    finished = sum(not task.cancelled() for task in tasks)
    assert finished <= await total(database, account, "leak") < len(tasks)
    await database.close()


async def test_a_full_pool_is_unavailable(dsn: str, account: int) -> None:
    database = await Database(dsn, connections=1, timeout_seconds=0.05).open()

    async with database.tx(account):
        with pytest.raises(Unavailable):
            await total(database, account)
    later = await total(database, account)

    assert later == 0
    await database.close()


async def test_who_waits_for_a_connection_is_not_overtaken(dsn: str, account: int) -> None:
    database = await Database(dsn, connections=1).open()
    came: list[tuple[int, int]] = []
    served: list[tuple[int, int]] = []

    async def come_again(name: int) -> None:
        for turn in range(20):
            came.append((name, turn))
            async with database.tx(account):
                served.append((name, turn))

    await asyncio.gather(*(come_again(name) for name in range(8)))

    assert served == came
    await database.close()


async def test_a_server_that_is_away_is_unavailable(account: int, unused_port: int) -> None:
    with pytest.raises((Unavailable, OSError)):
        database = await Database(f"postgresql://nobody@127.0.0.1:{unused_port}/none").open()
        async with database.tx(account):
            pass


@pytest.fixture
def unused_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


async def test_a_terminated_backend_is_unavailable_and_the_next_transaction_works(
    database: Database, account: int, connection: asyncpg.Connection
) -> None:
    with pytest.raises(Unavailable):
        async with database.tx(account) as tx:
            await tx.run(ADD, account, "n", 1)
            await connection.execute("select pg_terminate_backend($1)", await tx.value(int, PID))
            await tx.run(ADD, account, "n", 1)

    await add(database, account, value=7)
    assert await total(database, account) == 7


async def test_backends_that_die_between_transactions_are_replaced_unnoticed(
    dsn: str, account: int, connection: asyncpg.Connection
) -> None:
    database = await Database(dsn, connections=3).open()
    together = asyncio.Barrier(3)

    async def open_one() -> int | None:
        async with database.tx(account) as tx:
            await together.wait()
            return await tx.value(int, PID)

    for pid in await asyncio.gather(*(open_one() for _ in range(3))):
        await connection.execute("select pg_terminate_backend($1)", pid)
    answers = await asyncio.gather(*(total(database, account) for _ in range(6)))

    assert answers == [0] * 6
    await database.close()


async def test_a_statement_that_is_killed_is_unavailable(
    database: Database, account: int, connection: asyncpg.Connection
) -> None:
    async def work(ready: Callable[[int], None]) -> None:
        async with database.tx(account) as tx:
            ready(await tx.value(int, PID) or 0)
            await tx.run(SLEEP, 60.0)

    pid: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(work(pid.set_result))
    target = await pid
    while not task.done():
        await connection.execute("select pg_cancel_backend($1)", target)
        await asyncio.sleep(0.01)

    with pytest.raises(Unavailable):
        await task


async def test_a_deadlock_is_unavailable_and_one_of_both_wins(database: Database, account: int) -> None:
    both = asyncio.Barrier(2)

    async def work(first: int, second: int) -> bool:
        try:
            async with database.tx(account) as tx:
                await tx.run(LOCK, account * 10 + first)
                await both.wait()
                await tx.run(LOCK, account * 10 + second)
                await tx.run(ADD, account, "n", 1)
        except Unavailable:
            return False
        return True

    won = await asyncio.gather(work(1, 2), work(2, 1))

    assert sorted(won) == [False, True]
    assert await total(database, account) == 1


async def test_a_value_of_the_wrong_size_is_our_bug_and_not_the_databases(database: Database, account: int) -> None:
    with pytest.raises(asyncpg.DataError):
        async with database.tx(account) as tx:
            await tx.value(int, NUMBER, 2**63)


@pytest.mark.parametrize("value", [{}, [], {"a": [1, 2.5, None, True, "ț\n\\"]}, [[1], {"b": {}}], "text", 0])
async def test_json_travels_as_it_is(tx: Tx, value: object) -> None:
    back = await tx.value(object, ECHO, value)

    assert back == value


async def test_rows_become_structs(database: Database, account: int) -> None:
    await add(database, account, "one", 1)

    async with database.tx(account) as tx:
        row = await tx.one(Tally, ALL, account)

    assert row == Tally(account, "one", 1)


async def test_columns_out_of_order_are_noticed(database: Database, account: int) -> None:
    await add(database, account)

    with pytest.raises(TypeError):
        async with database.tx(account) as tx:
            await tx.fetch(Swapped, ALL, account)


async def test_a_row_that_must_be_there(tx: Tx) -> None:
    with pytest.raises(LookupError):
        await tx.one(Tally, ALL, tx.account)


async def test_the_number_of_rows_touched(database: Database, account: int) -> None:
    for value in range(3):
        await add(database, account, value=value)

    async with database.tx(account) as tx:
        touched = await tx.run(REMOVE, account)

    assert touched == 3


async def test_a_commit_wakes_who_listens_and_a_rollback_does_not(database: Database, account: int) -> None:
    heard: list[str] = []
    arrived = asyncio.Event()
    listener = await database.listen("trunkline_work", lambda payload: (heard.append(payload), arrived.set()))

    with pytest.raises(NotFound):
        async with database.tx(account) as tx:
            tx.wake("jobs")
            raise NotFound("thing")
    async with database.tx(account) as tx:
        tx.wake("outbound")
    async with asyncio.timeout(10):
        await arrived.wait()

    # Somebody else's commit may have been told with ours.
    assert "outbound" in heard[0].split(",")
    assert "jobs" not in heard[0].split(",")
    await listener.close()


async def test_a_column_of_nulls_goes_as_an_empty_array(tx: Tx) -> None:
    statement = Statement("select n, text from unnest($1::int[], $2::text[]) as t (n, text)", "tests", system=False)

    rows = await tx.rows(statement, [1, 2], column([None, None]))

    assert ([tuple(row) for row in rows], column([None, "a"])) == ([(1, None), (2, None)], [None, "a"])
