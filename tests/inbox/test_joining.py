"""Joining: what a passer-by said in a chat window becomes part of the conversation of whom they turned out to be."""

from datetime import timedelta

import pytest

from tests import world
from trunkline.contacts import people, tags, urns
from trunkline.core import clock
from trunkline.core.db import Database
from trunkline.core.urns import Urn
from trunkline.inbox import conversations, history, joining, notes
from trunkline.messaging.channels import Channel

pytestmark = pytest.mark.anyio


@pytest.fixture
async def chat(database: Database, account: int) -> Channel:
    return await world.simulator(database, account, **{"as": "webchat"})


async def said(database: Database, chat: Channel, address: str, text: str) -> tuple[int, int]:
    """Contact and conversation of somebody who wrote."""
    received = await world.say(database, chat, address, text, received_at=clock.now() - timedelta(seconds=5))
    await world.react(database)
    statement = "select conversation_id from messages where id = $1"
    [row] = await world.execute(database.dsn, statement, received.message_id)
    return received.contact_id, row[0]


async def test_two_conversations_become_one(database: Database, account: int, chat: Channel) -> None:
    passer, first = await said(database, chat, "passer", "Anonymously")
    known, second = await said(database, chat, "known", "As myself")
    async with database.tx(account) as tx:
        await notes.add(tx, first, "Sounds angry", None)

        await joining.join(tx, passer, known, chat.id, ["passer"])

        found = await conversations.get_many(tx, [first, second])
        part = await history.read(tx, second)
        assert [one.id for one in found] == [second]
        assert found[0].messages_count == 2
        assert {entry.body for entry in part.entries} == {"Anonymously", "As myself", "Sounds angry"}
        assert await urns.owners(tx, [Urn("webchat", "passer")]) == {Urn("webchat", "passer"): known}
        assert await people.get_many(tx, [passer]) == []


async def test_somebody_of_whom_more_is_known_stays(database: Database, account: int, chat: Channel) -> None:
    passer, first = await said(database, chat, "passer", "Anonymously")
    [known] = await world.contacts(database, account, ["ana@example.com"], "mailto")
    async with database.tx(account) as tx:
        vip = await tags.create(tx, "vip")
        await tags.add(tx, [passer], [vip.id])

        await joining.join(tx, passer, known, chat.id, ["passer"])

        assert (await conversations.get(tx, first)).contact_id == known
        assert len(await people.get_many(tx, [passer])) == 1


async def test_joining_twice_changes_nothing_more(database: Database, account: int, chat: Channel) -> None:
    passer, _ = await said(database, chat, "passer", "Anonymously")
    known, second = await said(database, chat, "known", "As myself")
    async with database.tx(account) as tx:
        for _ in range(2):
            await joining.join(tx, passer, known, chat.id, ["passer"])

        assert (await conversations.get(tx, second)).messages_count == 2


async def test_nobody_joins_the_contact_of_another_workspace(
    database: Database, account: int, other_account: int, chat: Channel
) -> None:
    passer, first = await said(database, chat, "passer", "Anonymously")
    [foreign] = await world.contacts(database, other_account, ["known"], "webchat")
    async with database.tx(account) as tx:
        await joining.join(tx, passer, foreign, chat.id, ["passer"])

        assert (await conversations.get(tx, first)).contact_id == passer
