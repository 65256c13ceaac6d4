"""Groups: members come and go, sizes follow."""

import asyncio

import asyncpg
import pytest

from trunkline.contacts import groups, people
from trunkline.contacts.people import NewContact
from trunkline.core.db import Database, Tx
from trunkline.core.errors import Conflict, NotFound

pytestmark = pytest.mark.anyio


async def contacts(tx: Tx, count: int) -> list[int]:
    return [(await people.create(tx, NewContact())).id for _ in range(count)]


async def test_a_name_is_taken_whatever_its_case(tx: Tx):
    await groups.create(tx, "VIP")

    with pytest.raises(Conflict):
        await groups.create(tx, " vip ")


async def test_a_group_is_found_by_name_and_renamed(tx: Tx):
    group = await groups.create(tx, "VIP")

    renamed = await groups.rename(tx, group.id, "Gold")

    assert await groups.find(tx, "GOLD") == renamed
    assert await groups.find(tx, "VIP") is None


async def test_only_new_members_are_added(tx: Tx):
    group, [one, two, three] = await groups.create(tx, "VIP"), await contacts(tx, 3)
    await groups.add(tx, group.id, [one])

    added = await groups.add(tx, group.id, [one, two, three, 10**12])

    assert sorted(added) == [two, three]
    assert (await groups.get(tx, group.id)).size == 3


async def test_only_members_are_removed(tx: Tx):
    group, [one, two] = await groups.create(tx, "VIP"), await contacts(tx, 2)
    await groups.add(tx, group.id, [one])

    removed = await groups.remove(tx, group.id, [one, two])

    assert removed == [one]
    assert (await groups.get(tx, group.id)).size == 0


async def test_the_deleted_cannot_join(tx: Tx):
    group, [one] = await groups.create(tx, "VIP"), await contacts(tx, 1)
    await people.delete(tx, [one])

    assert await groups.add(tx, group.id, [one]) == []


async def test_the_groups_of_a_contact_are_replaced(tx: Tx):
    a, b, c = [await groups.create(tx, name) for name in "abc"]
    [one] = await contacts(tx, 1)
    await groups.replace(tx, one, [a.id, b.id])

    await groups.replace(tx, one, [b.id, c.id])

    assert [ref.name for ref in (await groups.of(tx, [one]))[one]] == ["b", "c"]


async def test_members_are_walked_by_id(tx: Tx):
    group, ids = await groups.create(tx, "VIP"), await contacts(tx, 5)
    await groups.add(tx, group.id, ids)

    first = await groups.members(tx, group.id, limit=3)
    rest = await groups.members(tx, group.id, after=first[-1])

    assert first + rest == ids


async def test_a_deleted_group_leaves_its_members(tx: Tx):
    group, [one] = await groups.create(tx, "VIP"), await contacts(tx, 1)
    await groups.add(tx, group.id, [one])

    await groups.delete(tx, group.id)

    assert await groups.all(tx) == []
    assert (await people.get(tx, one)).id == one


async def test_a_change_of_members_is_a_change_of_the_contact(database: Database, account: int):
    async with database.tx(account) as tx:
        group, [one] = await groups.create(tx, "VIP"), await contacts(tx, 1)
        before = await people.get(tx, one)

    async with database.tx(account) as tx:
        await groups.add(tx, group.id, [one])
        after = await people.get(tx, one)

    assert after.updated_at > before.updated_at


async def test_many_writers_keep_the_size_right(database: Database, account: int, connection: asyncpg.Connection):
    async with database.tx(account) as tx:
        group, ids = await groups.create(tx, "VIP"), await contacts(tx, 10)

    async def call(n: int) -> None:
        async with database.tx(account) as tx:
            await (groups.add if n % 3 else groups.remove)(tx, group.id, ids if n % 2 else ids[::-1])

    await asyncio.gather(*(call(n) for n in range(24)))

    counted = await connection.fetchval("select count(*) from group_members where group_id = $1", group.id)
    async with database.tx(account) as tx:
        assert (await groups.get(tx, group.id)).size == counted


async def test_only_differences_are_recorded(database: Database, account: int, connection: asyncpg.Connection):
    async with database.tx(account) as tx:
        group, [one] = await groups.create(tx, "VIP"), await contacts(tx, 1)
        await groups.add(tx, group.id, [one])
        await groups.add(tx, group.id, [one])

    changes = await connection.fetchval(
        "select count(*) from events where account_id = $1 and type = 'group.members_changed'", account
    )
    assert changes == 1


async def test_a_group_of_another_account_does_not_exist(database: Database, account: int, other_account: int):
    async with database.tx(other_account) as tx:
        theirs, [stranger] = await groups.create(tx, "VIP"), await contacts(tx, 1)

    async with database.tx(account) as tx:
        ours, [one] = await groups.create(tx, "VIP"), await contacts(tx, 1)
        assert await groups.add(tx, theirs.id, [one]) == []
        assert await groups.add(tx, ours.id, [stranger]) == []
        assert await groups.members(tx, theirs.id) == []
        for call in (groups.get(tx, theirs.id), groups.rename(tx, theirs.id, "x"), groups.delete(tx, theirs.id)):
            with pytest.raises(NotFound):
                await call
