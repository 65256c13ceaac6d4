"""Who answers: the way of an inbound message from the provider's call to the inbox, and the words that act on it."""

from collections.abc import AsyncIterator

import pytest

from tests import world
from trunkline.billing import credits
from trunkline.contacts import consents, people
from trunkline.core.db import Database
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


async def hear(database: Database, channel: Channel, text: str, sender: str = PHONE, **more) -> int:
    """Somebody writes and all that follows has happened; returns the contact."""
    received = await world.say(database, channel, sender, text, **more)
    await world.react(database)
    return received.contact_id


async def written(database: Database, account: int) -> list[str]:
    rows = await world.execute(
        database.dsn, "select body from messages where account_id = $1 and direction = 'out' order by id", account
    )
    return [row[0] for row in rows]


async def stopped(database: Database, account: int, kind: str = "sms", address: str = PHONE) -> bool:
    async with database.tx(account) as tx:
        return bool(await consents.suppressed(tx, kind, [address]))


async def status_of(database: Database, account: int, contact: int) -> str:
    async with database.tx(account) as tx:
        return (await people.get(tx, contact)).status


async def filed(database: Database, account: int) -> list[tuple]:
    rows = await world.execute(
        database.dsn,
        """select m.body, m.status, c.status, c.is_read from messages m
        join conversations c on c.account_id = m.account_id and c.id = m.conversation_id
        where m.account_id = $1 and m.direction = 'in' order by m.id""",
        account,
    )
    return [tuple(row) for row in rows]


async def test_a_message_lies_in_the_inbox_unread(database: Database, account: int, channel: Channel) -> None:
    await hear(database, channel, "Hello")

    assert await filed(database, account) == [("Hello", "handled", "open", False)]
    assert await written(database, account) == []


async def test_copies_are_filed_once(database: Database, account: int, channel: Channel) -> None:
    for _ in range(3):
        await hear(database, channel, "Hello", id="m1")

    rows = await world.execute(database.dsn, "select messages_count from conversations where account_id = $1", account)
    assert [row[0] for row in rows] == [1]


async def test_many_messages_of_a_person_are_taken_in_order(database: Database, account: int, channel: Channel) -> None:
    for n in range(12):
        await world.say(database, channel, PHONE, f"{n}")
    await world.react(database)

    [row] = await world.execute(
        database.dsn, "select preview, messages_count from conversations where account_id = $1", account
    )
    assert tuple(row) == ("11", 12)


@pytest.mark.parametrize("text", ["STOP", " stop. ", "“Stop!” 🙏", "ＳＴＯＰ", "Opt-Out", "arrêt"])
async def test_a_stop_word_stops(database: Database, account: int, channel: Channel, text: str) -> None:
    contact = await hear(database, channel, text)

    assert await stopped(database, account)
    assert await status_of(database, account, contact) == "stopped"
    assert (await written(database, account), len(await filed(database, account))) == ([], 1)


async def test_a_stop_word_cancels_what_waits(database: Database, account: int, channel: Channel) -> None:
    await world.grant(database, account, 10)
    ids = await world.queue(database, account, channel, [PHONE, "+40740333444"])

    await hear(database, channel, "STOP")

    async with database.tx(account) as tx:
        assert await credits.balance(tx) == credits.Balance(9, 1)
    assert [(await world.message(database, id))["status"] for id in ids] == ["canceled", "queued"]


async def test_stop_on_whatsapp_stops_whatsapp(database: Database, account: int) -> None:
    channel = await world.simulator(database, account, **{"as": "whatsapp"})

    contact = await hear(database, channel, "STOP")

    assert await stopped(database, account, "whatsapp")
    assert not await stopped(database, account, "sms")
    assert await status_of(database, account, contact) == "stopped"


@pytest.mark.parametrize(("kind", "sender"), [("email", "jane@example.org"), ("voice", PHONE)])
@pytest.mark.parametrize("word", ["STOP", "HELP", "START"])
async def test_other_kinds_of_channel_know_no_words(
    database: Database, account: int, kind: str, sender: str, word: str
) -> None:
    channel = await world.simulator(database, account, **{"as": kind})

    contact = await hear(database, channel, word, sender)

    assert not await stopped(database, account, kind, sender)
    assert (await status_of(database, account, contact), await written(database, account)) == ("active", [])


async def test_start_takes_the_stop_back(database: Database, account: int, channel: Channel) -> None:
    for text in ("STOP", "yes"):
        contact = await hear(database, channel, text)

    assert not await stopped(database, account)
    assert await status_of(database, account, contact) == "active"


async def test_start_is_an_ordinary_word_for_everybody_else(database: Database, account: int, channel: Channel) -> None:
    await hear(database, channel, "yes")

    async with database.tx(account) as tx:
        assert await consents.history(tx, "sms", PHONE) == []
    assert len(await filed(database, account)) == 1


async def test_help_is_answered_once(database: Database, account: int, channel: Channel) -> None:
    for _ in range(3):
        await hear(database, channel, "Help?", id="h1")

    assert await written(database, account) == ["Acme: reply to reach our team. Reply STOP to opt out."]


async def test_help_is_not_answered_to_who_said_stop(database: Database, account: int, channel: Channel) -> None:
    for text in ("STOP", "HELP"):
        await hear(database, channel, text)

    assert await written(database, account) == []


async def test_help_that_cannot_be_paid_is_filed_all_the_same(
    database: Database, account: int, channel: Channel
) -> None:
    await world.grant(database, account, 1)
    await world.queue(database, account, channel, ["+40740333444"])

    await hear(database, channel, "HELP")

    assert await filed(database, account) == [("HELP", "handled", "open", False)]
    assert await written(database, account) == ["Hello"]


async def test_machines_are_never_answered(database: Database, account: int, channel: Channel) -> None:
    await hear(database, channel, "HELP", automatic=True)

    assert (await written(database, account), len(await filed(database, account))) == ([], 1)


async def test_a_reaction_is_seen_and_not_answered(database: Database, account: int, channel: Channel) -> None:
    await hear(database, channel, "STOP", reaction=True)

    assert not await stopped(database, account)
    assert len(await filed(database, account)) == 1


async def test_stop_counts_though_the_contact_was_deleted_meanwhile(
    database: Database, account: int, channel: Channel
) -> None:
    received = await world.say(database, channel, PHONE, "STOP")
    async with database.tx(account) as tx:
        await people.delete(tx, [received.contact_id])

    await world.react(database)

    assert await stopped(database, account)
    assert await world.execute(database.dsn, "select error from dead_letters where account_id = $1", account) == []


async def test_stop_in_one_workspace_says_nothing_to_another(
    database: Database, account: int, other_account: int, channel: Channel
) -> None:
    await world.contacts(database, other_account, [PHONE])

    await hear(database, channel, "STOP")

    assert not await stopped(database, other_account)
