"""Live updates: numbered in the order of their commits, so that a resumed stream misses nothing."""

import asyncio

import pytest

from tests import world
from trunkline.core import live
from trunkline.core.db import Database
from trunkline.core.errors import NotFound
from trunkline.core.events import Event
from trunkline.core.jobs import Call, Desk

pytestmark = pytest.mark.anyio


class Moved(Event, frozen=True):
    type = "test.moved"

    id: int
    contact_id: int
    status: str
    text: str
    ids: list[int]


async def push(database: Database, account: int, *kinds: str) -> None:
    async with database.system(account) as tx:
        await live.push(tx, [(kind, {"id": n}) for n, kind in enumerate(kinds)])


async def test_updates_come_in_order_with_growing_numbers(database: Database, account: int) -> None:
    start = await live.latest(database)
    await push(database, account, "a", "b")
    await push(database, account, "c")

    updates = await live.since(database, start)

    assert [(one.account_id, one.kind) for one in updates] == [(account, "a"), (account, "b"), (account, "c")]
    assert [one.seq for one in updates] == sorted({one.seq for one in updates})


async def test_a_browser_resumes_after_the_last_number_it_saw(database: Database, account: int) -> None:
    await push(database, account, "a", "b", "c")
    async with database.tx(account) as tx:
        first = (await live.of_account(tx, 0))[0]

        rest = await live.of_account(tx, first.seq)

    assert [one.kind for one in rest] == ["b", "c"]


async def test_nobody_hears_of_another_account(database: Database, account: int, other_account: int) -> None:
    await push(database, account, "secret")

    async with database.tx(other_account) as tx:
        heard = await live.of_account(tx, 0)

    assert heard == []


async def test_a_rolled_back_change_is_not_heard(database: Database, account: int) -> None:
    with pytest.raises(NotFound):
        async with database.system(account) as tx:
            await live.push(tx, [("a", {})])
            raise NotFound("thing")

    async with database.tx(account) as tx:
        assert await live.of_account(tx, 0) == []


async def test_a_reader_that_follows_misses_nothing(database: Database, account: int) -> None:
    seen: list[int] = []
    start = last = await live.latest(database)
    writers = [asyncio.create_task(push(database, account, f"w{n}")) for n in range(25)]

    while len(seen) < 25:
        for one in await live.since(database, last):
            last = one.seq
            seen.append(one.seq)

    await asyncio.gather(*writers)
    assert seen == [one.seq for one in await live.since(database, start)]


async def test_nothing_pushed_is_nothing_written(database: Database, account: int) -> None:
    start = await live.latest(database)

    await push(database, account)

    assert await live.latest(database) == start


async def test_what_is_older_than_an_hour_is_forgotten(database: Database, account: int) -> None:
    await push(database, account, "old", "new")
    await world.execute(
        database.dsn,
        "update live set created_at = now() - interval '61 minutes' where account_id = $1 and kind = 'old'",
        account,
    )

    await live.prune(Desk(database, Call(0, 1, None, "live.prune", [], "system", "", 0, 1), database.tools))

    async with database.tx(account) as tx:
        assert [one.kind for one in await live.of_account(tx, 0)] == ["new"]


def test_only_what_identifies_is_told() -> None:
    event = Moved(1, 2, "open", "a secret", list(range(80)))

    told = live.ids_of(event)

    assert told == {"id": 1, "contact_id": 2, "status": "open", "ids": list(range(50))}
