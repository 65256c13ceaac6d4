"""The channel log."""

import pytest

from tests import world
from trunkline.core.db import Database
from trunkline.core.jobs import Call, Desk
from trunkline.messaging import logs
from trunkline.messaging.logs import Entry

pytestmark = pytest.mark.anyio


async def write(database: Database, account: int, *requests: str) -> None:
    async with database.tx(account) as tx:
        entries = [Entry(channel_id=1, kind="send", message_id=9, request=one, code=200) for one in requests]
        await logs.add(tx, entries)


async def read(database: Database, account: int) -> list[str]:
    async with database.tx(account) as tx:
        return [entry.request for entry in await logs.of_message(tx, 9)]


async def test_talks_come_in_their_order(database: Database, account: int) -> None:
    await write(database, account, "first", "second")
    await write(database, account, "third")

    assert await read(database, account) == ["first", "second", "third"]


async def test_nothing_to_log_is_nothing_written(database: Database, account: int) -> None:
    await write(database, account)

    assert await read(database, account) == []


async def test_nobody_reads_the_log_of_another_account(database: Database, account: int, other_account: int) -> None:
    await write(database, account, "secret")

    assert await read(database, other_account) == []


async def test_what_is_older_than_a_week_goes(database: Database, account: int) -> None:
    await write(database, account, "old", "new")
    await world.execute(
        database.dsn, "update channel_log set at = now() - interval '8 days' where account_id = $1 and request = 'old'",
        account,
    )  # fmt: skip

    await logs.prune(Desk(database, Call(0, 1, None, "prune", [], "system", "", 0, 1), database.tools))

    assert await read(database, account) == ["new"]
