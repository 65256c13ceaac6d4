"""Labels: one name once, on inbound messages only, counted, and nobody else's."""

import pytest

from tests import world
from trunkline.core.db import Database
from trunkline.core.errors import Conflict, NotFound
from trunkline.messaging import labels

pytestmark = pytest.mark.anyio


@pytest.fixture
async def message(database: Database, account: int) -> int:
    channel = await world.simulator(database, account)
    return (await world.say(database, channel, "+40740111222", "Hello")).message_id


async def test_a_labelled_message_counts_once(database: Database, account: int, message: int) -> None:
    async with database.tx(account) as tx:
        label = await labels.create(tx, "Spam")

        assert await labels.add(tx, [(label.id, message)]) == 1
        assert await labels.add(tx, [(label.id, message)]) == 0

        assert (await labels.get(tx, label.id)).size == 1
        assert [ref.name for ref in (await labels.of(tx, [message]))[message]] == ["Spam"]


async def test_a_removed_label_counts_no_more(database: Database, account: int, message: int) -> None:
    async with database.tx(account) as tx:
        label = await labels.create(tx, "Spam")
        await labels.add(tx, [(label.id, message)])

        assert await labels.remove(tx, label.id, [message]) == 1

        assert (await labels.get(tx, label.id)).size == 0


async def test_names_are_one_of_a_kind(database: Database, account: int) -> None:
    async with database.tx(account) as tx:
        made = await labels.create(tx, "Spam")

        with pytest.raises(Conflict):
            await labels.create(tx, " SPAM ")
        assert (await labels.get_or_create(tx, ["spam", "Ham"]))["spam"] == made


async def test_outgoing_messages_take_no_label(database: Database, account: int) -> None:
    channel = await world.simulator(database, account)
    [sent] = await world.queue(database, account, channel, ["+40740111222"])
    async with database.tx(account) as tx:
        label = await labels.create(tx, "Spam")

        assert await labels.add(tx, [(label.id, sent)]) == 0


async def test_a_label_of_another_tenant_does_not_exist(
    database: Database, account: int, other_account: int, message: int
) -> None:
    async with database.tx(other_account) as tx:
        foreign = await labels.create(tx, "Spam")
    async with database.tx(account) as tx:
        with pytest.raises(NotFound):
            await labels.rename(tx, foreign.id, "Mine")
        assert await labels.add(tx, [(foreign.id, message)]) == 0
