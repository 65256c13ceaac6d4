"""What arrives is given to colleagues by itself, as far as somebody has room."""

from collections.abc import Awaitable, Callable

import pytest

from trunkline.core.db import Database
from trunkline.inbox import assignment, changes, conversations, filing, members, sharing
from trunkline.inbox.members import Member
from trunkline.inbox.sharing import Rules

pytestmark = pytest.mark.anyio

Arrive = Callable[[], Awaitable[int]]


@pytest.fixture
async def arrive(database: Database, account: int, new_contact, new_channel, new_message) -> Arrive:
    """Somebody new writes; their conversation."""
    channel = await new_channel()

    async def arrive(contact: int | None = None) -> int:
        message = await new_message(contact or await new_contact(), channel)
        async with database.tx(account) as tx:
            [id] = await filing.file(tx, [message])
        return id

    return arrive


@pytest.fixture
def set_rules(database: Database, account: int) -> Callable[..., Awaitable[None]]:
    async def set_rules(**given: object) -> None:
        async with database.tx(account) as tx:
            await sharing.set_rules(tx, Rules(**given))

    return set_rules


async def whose(database: Database, account: int, *ids: int) -> list[int | None]:
    async with database.tx(account) as tx:
        return [(await conversations.get(tx, id)).assignee_id for id in ids]


async def test_without_rules_nobody_is_given_anything(database, account, arrive, new_user) -> None:
    await new_user()

    assert await whose(database, account, await arrive()) == [None]


async def test_each_is_given_one_in_turn(database, account, arrive, set_rules, new_user) -> None:
    first, second = await new_user(), await new_user()
    await new_user("viewer")
    await new_user(active=False)
    await set_rules(assigns="turns")

    given = await whose(database, account, *[await arrive() for _ in range(4)])

    assert given == [first, second, first, second]


async def test_whoever_has_least_is_given_the_next(database, account, arrive, set_rules, new_user) -> None:
    busy, idle = await new_user(), await new_user()
    old = [await arrive(), await arrive()]
    async with database.tx(account) as tx:
        await assignment.assign_many(tx, old, busy)
    await set_rules(assigns="least")

    assert await whose(database, account, await arrive(), await arrive()) == [idle, idle]


async def test_many_that_arrive_at_once_are_shared_out(
    database, account, set_rules, new_user, new_contact, new_channel, new_message
) -> None:
    people = [await new_user(), await new_user(), await new_user()]
    await set_rules(assigns="turns", capacity=2)
    channel = await new_channel()
    messages = [await new_message(await new_contact(), channel) for _ in range(8)]

    async with database.tx(account) as tx:
        ids = await filing.file(tx, messages)

    given = await whose(database, account, *ids)
    assert {user: given.count(user) for user in people} == dict.fromkeys(people, 2)
    async with database.tx(account) as tx:
        queued = [id for id, user in zip(ids, given, strict=True) if user is None]
        assert [await sharing.place(tx, id) for id in queued] == [1, 2]


async def test_when_one_is_closed_the_queue_moves_on(database, account, arrive, set_rules, new_user) -> None:
    user = await new_user()
    await set_rules(assigns="turns", capacity=1)
    first, second, third = [await arrive() for _ in range(3)]

    async with database.tx(account) as tx:
        await changes.close(tx, first)

    assert await whose(database, account, second, third) == [user, None]


async def test_whoever_is_away_is_given_nothing_until_they_are_back(
    database, account, arrive, set_rules, new_user
) -> None:
    user = await new_user()
    await set_rules(assigns="turns")
    async with database.tx(account) as tx:
        await members.keep(tx, user, Member(is_away=True))
    id = await arrive()
    before = await whose(database, account, id)

    async with database.tx(account) as tx:
        await members.keep(tx, user, Member())
        await sharing.fill(tx)

    assert (before, await whose(database, account, id)) == ([None], [user])


@pytest.mark.parametrize(("reopened", "kept"), [("same", True), ("nobody", False)])
async def test_whose_it_is_when_it_opens_again(
    database, account, arrive, set_rules, new_user, new_contact, reopened: str, kept: bool
) -> None:
    user, contact = await new_user(), await new_contact()
    await set_rules(reopened=reopened)
    id = await arrive(contact)
    async with database.tx(account) as tx:
        await assignment.assign_many(tx, [id], user)
        await changes.close(tx, id)

    await arrive(contact)

    assert await whose(database, account, id) == [user if kept else None]


async def test_what_opens_again_is_given_out_as_if_it_were_new(
    database, account, arrive, set_rules, new_user, new_contact
) -> None:
    gone, here, contact = await new_user(), await new_user(), await new_contact()
    await set_rules(assigns="turns", reopened="again")
    async with database.tx(account) as tx:
        await members.keep(tx, gone, Member(is_away=True))
    id = await arrive(contact)
    async with database.tx(account) as tx:
        await assignment.assign_many(tx, [id], gone)
        await changes.close(tx, id)

    await arrive(contact)

    assert await whose(database, account, id) == [here]


async def test_whoever_had_the_contact_last_goes_first(
    database, account, arrive, set_rules, new_user, new_contact, new_channel, new_message
) -> None:
    await new_user()
    known, contact = await new_user(), await new_contact()
    earlier = await arrive(contact)
    async with database.tx(account) as tx:
        await assignment.assign_many(tx, [earlier], known)
    await set_rules(assigns="turns", returns=True)
    message = await new_message(contact, await new_channel())

    async with database.tx(account) as tx:
        [id] = await filing.file(tx, [message])

    assert await whose(database, account, id) == [known]


async def test_what_a_colleague_took_leaves_the_queue(database, account, arrive, set_rules, new_user) -> None:
    user = await new_user()
    await set_rules(assigns="turns", capacity=1)
    first, second, third = [await arrive() for _ in range(3)]

    async with database.tx(account) as tx:
        await assignment.assign_many(tx, [second], user)
        places = [await sharing.place(tx, id) for id in (first, second, third)]

    assert places == [None, None, 1]
