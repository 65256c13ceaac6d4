"""The channel log."""

import pytest

from tests import world
from trunkline.accounts import settings
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


async def test_an_anonymous_workspace_hides_addresses(database: Database, account: int) -> None:
    channel = await world.simulator(database, account)
    [message] = await world.queue(database, account, channel, ["+250788123123"])
    texts = ["to=%2B250788123123&text=Hi", "+250788123123 Hi", "250788123123 Hi"]
    async with database.tx(account) as tx:
        known = [Entry(channel_id=channel.id, kind="send", message_id=message, request=text) for text in texts]
        await logs.add(tx, [*known, Entry(channel_id=channel.id, kind="receive", request="from +250788999999")])
        await settings.put(tx, {"anon": True}, operator=True)

    async with database.tx(account) as tx:
        told = [entry.request for entry in await logs.of_channel(tx, channel.id)]

    assert told[::-1] == ["to=********&text=Hi", "******** Hi", "******** Hi", "********"]
