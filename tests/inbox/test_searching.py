"""Searching in what was said, and for those who wait."""

from zoneinfo import ZoneInfo

import pytest

from tests import world
from trunkline.contacts import people
from trunkline.contacts.people import NewContact
from trunkline.inbox import filing, merging, replies, undoing
from trunkline.inbox.finding import Looker
from trunkline.inbox.views import Wanted, page
from trunkline.messaging import shelving

pytestmark = pytest.mark.anyio


@pytest.fixture
async def channel(database, account) -> int:
    return (await world.simulator(database, account)).id


@pytest.fixture
def say(database, account, channel, new_message):
    """A contact writes; the message's id and its conversation."""

    async def say(contact: int, text: str) -> tuple[int, int]:
        message = await new_message(contact, channel, text=text)
        async with database.tx(account) as tx:
            return message.id, (await filing.file(tx, [message]))[0]

    return say


@pytest.fixture
def find(database, account):
    async def find(query: str) -> list[int]:
        async with database.tx(account) as tx:
            return [one.id for one in await page(tx, Wanted("all", query), Looker(1, ZoneInfo("UTC")))]

    return find


async def test_words_of_earlier_messages_are_found_by_all_of_them(say, find, new_contact) -> None:
    contact = await new_contact()
    _, home = await say(contact, "My tricycle has a flat tyre")
    await say(contact, "And now?")
    await say(await new_contact(), "A flat tyre of my bicycle")

    assert await find("flat tricycle") == [home]
    assert await find("TRICYC") == [home]
    assert await find("tricycle helicopter") == []
    assert len(await find("flat tyre")) == 2


async def test_what_a_colleague_answered_is_found(database, account, say, find, new_user) -> None:
    user = await new_user()
    async with database.tx(account) as tx:
        contact = (await people.create(tx, NewContact(name="Zed", phone="+40722000199"))).id
    _, home = await say(contact, "Help")
    async with database.tx(account) as tx:
        await replies.reply(tx, home, "A mechanic comes", user_id=user)
    await say(contact, "Thanks")

    assert await find("mechanic") == [home]


@pytest.mark.parametrize("query", ["'; drop table messages; --", "a & | !", "(", ":*", "'", "\\", "a" * 400])
async def test_no_query_breaks_the_search(say, find, new_contact, query: str) -> None:
    await say(await new_contact(), "Hello")

    assert await find(query) == []


async def test_what_was_deleted_is_found_no_more(database, account, say, find, new_contact) -> None:
    contact = await new_contact()
    message, _ = await say(contact, "My tricycle")
    await say(contact, "And now?")

    async with database.tx(account) as tx:
        await shelving.delete(tx, [message])

    assert await find("tricycle") == []


async def test_what_was_said_moves_with_a_merge(database, account, say, find, new_contact, new_message) -> None:
    contact = await new_contact()
    await say(contact, "My tricycle")
    _, source = await say(contact, "Now")
    message = await new_message(contact, (await world.simulator(database, account)).id, text="Elsewhere")
    async with database.tx(account) as tx:
        [target] = await filing.file(tx, [message])
        await merging.merge(tx, target, [source])

    assert await find("tricycle") == [target]


async def test_other_workspaces_are_not_searched(database, account, other_account, say, new_contact) -> None:
    await say(await new_contact(), "My tricycle")

    async with database.tx(other_account) as tx:
        found = await page(tx, Wanted("all", "tricycle"), Looker(1, ZoneInfo("UTC")))

    assert found == []


async def test_who_waits_is_found_until_a_person_answers(database, account, say, find, new_user, connection) -> None:
    user = await new_user()
    async with database.tx(account) as tx:
        contact = (await people.create(tx, NewContact(name="Zed", phone="+40722000198"))).id
    _, home = await say(contact, "Help")
    since = "update conversations set waiting_since = now() - interval '3 hours' where id = $1"
    await connection.execute(since, home)
    before = [await find(query) for query in ("is:waiting", "waiting:2h", "waiting:1d")]
    async with database.tx(account) as tx:
        await replies.reply(tx, home, "An automation", user_id=None)
    automatic = await find("is:waiting")
    async with database.tx(account) as tx:
        entry = await replies.reply(tx, home, "A person", user_id=user)
    answered = await find("is:waiting")
    async with database.tx(account) as tx:
        await undoing.take_back(tx, entry.id)

    assert before == [[home], [home], []]
    assert (automatic, answered, await find("is:waiting")) == ([home], [], [home])
