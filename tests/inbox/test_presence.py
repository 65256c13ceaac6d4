"""Who is at a conversation, and who holds it because they began to answer first."""

from datetime import timedelta

import pytest

from trunkline.core import clock
from trunkline.core.db import Database
from trunkline.inbox import filing, presence

pytestmark = pytest.mark.anyio


@pytest.fixture
async def conversation(database: Database, account: int, new_contact, new_channel, new_message) -> int:
    message = await new_message(await new_contact(), await new_channel())
    async with database.tx(account) as tx:
        return (await filing.file(tx, [message]))[0]


async def test_the_first_to_type_holds_it(database, account, conversation, new_user) -> None:
    first, second = await new_user(name="Ana"), await new_user(name="Bogdan")
    async with database.tx(account) as tx:
        await presence.seen(tx, conversation, first, typing=True)
        await presence.seen(tx, conversation, second, typing=True)

        seen = [await presence.others(tx, conversation, user) for user in (first, second)]

    assert [[(one.name, one.holds) for one in others] for others in seen] == [[("Bogdan", False)], [("Ana", True)]]


async def test_a_pause_in_typing_keeps_the_hold_for_a_while(
    database, account, conversation, new_user, monkeypatch
) -> None:
    first, second = await new_user(), await new_user()
    async with database.tx(account) as tx:
        await presence.seen(tx, conversation, first, typing=True)
        await presence.seen(tx, conversation, first)
        [before] = await presence.others(tx, conversation, second)
        later = clock.now() + presence.HOLD
        monkeypatch.setattr(clock, "now", lambda: later)
        await presence.seen(tx, conversation, first)
        [after] = await presence.others(tx, conversation, second)

    assert (before.holds, after.holds) == (True, False)


async def test_somebody_takes_over(database, account, conversation, new_user) -> None:
    first, second = await new_user(), await new_user()
    async with database.tx(account) as tx:
        await presence.seen(tx, conversation, first, typing=True)

        [left_behind] = await presence.take_over(tx, conversation, second)
        [holder] = await presence.others(tx, conversation, first)
        await presence.seen(tx, conversation, first, typing=True)
        [still] = await presence.others(tx, conversation, first)

    assert (left_behind.holds, holder.holds, still.holds) == (False, True, True)


async def test_whoever_has_answered_holds_it_no_more(database, account, conversation, new_user) -> None:
    first, second = await new_user(), await new_user()
    async with database.tx(account) as tx:
        await presence.seen(tx, conversation, first, typing=True)

        await presence.released(tx, conversation, first)

        [seen] = await presence.others(tx, conversation, second)
    assert not seen.holds


async def test_of_two_who_began_at_once_one_holds_it(database, account, conversation, new_user, connection) -> None:
    first, second = await new_user(), await new_user()
    async with database.tx(account) as tx:
        await presence.seen(tx, conversation, first, typing=True)
        await presence.seen(tx, conversation, second, typing=True)
    at = clock.now() - timedelta(seconds=1)
    await connection.execute("update presences set held_since = $1 where conversation_id = $2", at, conversation)

    async with database.tx(account) as tx:
        seen = [(await presence.others(tx, conversation, user))[0].holds for user in (first, second)]

    assert sorted(seen) == [False, True]
