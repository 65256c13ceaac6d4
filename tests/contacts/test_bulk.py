"""Bulk actions: whom they mean, how they go on, and what undoing brings back."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests import world
from trunkline.contacts import bulk, groups, people, tags
from trunkline.contacts.bulk import Action
from trunkline.contacts.listing import Filter
from trunkline.contacts.people import NewContact
from trunkline.core.db import Database, Tx
from trunkline.core.errors import Conflict, Invalid, NotFound

pytestmark = pytest.mark.anyio


async def contacts(tx: Tx, count: int, name: str = "Ann") -> list[int]:
    return [(await people.create(tx, NewContact(name=name))).id for _ in range(count)]


async def tagged(tx: Tx, tag: int) -> list[int]:
    return sorted(contact.id for contact in await people.page(tx, Filter(tag_id=tag), limit=1000))


async def finished(tx: Tx, action: Action, size: int = 2) -> Action:
    while await bulk.portion(tx, action.id, size):
        pass
    return await bulk.get(tx, action.id)


@pytest.fixture
async def own(dsn: str, tmp_path: Any) -> AsyncIterator[Database]:
    async with world.own_database(dsn, tmp_path) as database:
        yield database


async def test_chosen_ones_are_tagged_at_once(tx: Tx):
    vip, [one, two, _] = await tags.create(tx, "VIP"), await contacts(tx, 3)
    await tags.add(tx, [one], [vip.id])

    action = await bulk.start(tx, "tag", vip.id, chosen=[two, one, two, 10**12])

    assert (action.status, action.changed, action.target) == ("done", 1, "VIP")
    assert await tagged(tx, vip.id) == [one, two]


async def test_all_whom_the_filter_leaves_are_tagged_in_portions(tx: Tx):
    vip, wanted = await tags.create(tx, "VIP"), await contacts(tx, 5)
    await contacts(tx, 3, "Bob")

    action = await finished(tx, await bulk.start(tx, "tag", vip.id, filter=Filter(query='name = "Ann"')))

    assert (action.status, action.looked, action.expected, action.changed) == ("done", 8, 8, 5)
    assert await tagged(tx, vip.id) == wanted


@pytest.mark.parametrize("search", ["Ann", "nn"])
async def test_a_search_means_those_whom_it_found(tx: Tx, search: str):
    vip, wanted = await tags.create(tx, "VIP"), await contacts(tx, 3)
    await contacts(tx, 2, "Bob")

    action = await finished(tx, await bulk.start(tx, "tag", vip.id, filter=Filter(search=search)))

    assert (action.expected, action.changed) == (3, 3)
    assert await tagged(tx, vip.id) == wanted


async def test_who_comes_later_is_not_meant(tx: Tx):
    vip, wanted = await tags.create(tx, "VIP"), await contacts(tx, 3)
    action = await bulk.start(tx, "tag", vip.id, filter=Filter())
    await bulk.portion(tx, action.id, 2)
    await contacts(tx, 3)

    await finished(tx, action)

    assert await tagged(tx, vip.id) == wanted


async def test_members_leave_the_group_that_is_looked_at(tx: Tx):
    group, [one, _, three] = await groups.create(tx, "Club"), await contacts(tx, 3)
    await groups.add(tx, group.id, [one, three])

    action = await finished(tx, await bulk.start(tx, "leave", group.id, filter=Filter(group_id=group.id)))

    assert action.changed == 2
    assert await groups.members(tx, group.id) == []


async def test_all_whom_the_filter_leaves_are_deleted(tx: Tx):
    await contacts(tx, 3)
    [kept] = await contacts(tx, 1, "Bob")

    action = await finished(tx, await bulk.start(tx, "delete", filter=Filter(query='name = "Ann"')))

    assert action.changed == 3
    assert [contact.id for contact in await people.page(tx)] == [kept]


@pytest.mark.parametrize("size", [1, 2, 100])
async def test_undoing_takes_a_tag_from_those_who_got_it_by_the_action(tx: Tx, size: int):
    vip, [_, two, _] = await tags.create(tx, "VIP"), await contacts(tx, 3)
    await tags.add(tx, [two], [vip.id])
    action = await finished(tx, await bulk.start(tx, "tag", vip.id, filter=Filter()), size)
    [later] = await contacts(tx, 1)
    await tags.add(tx, [later], [vip.id])

    undone = await finished(tx, await bulk.undo(tx, action.id), size)

    assert (undone.status, undone.restored) == ("undone", 2)
    assert await tagged(tx, vip.id) == [two, later]


async def test_undoing_takes_out_of_a_group_who_was_added(tx: Tx):
    group, [one, two] = await groups.create(tx, "Club"), await contacts(tx, 2)
    await groups.add(tx, group.id, [one])
    action = await bulk.start(tx, "join", group.id, chosen=[one, two])

    await bulk.undo(tx, action.id)

    assert await groups.members(tx, group.id) == [one]


async def test_undoing_brings_back_into_a_group_who_was_taken_out(tx: Tx):
    group, [one, two, three] = await groups.create(tx, "Club"), await contacts(tx, 3)
    await groups.add(tx, group.id, [one, two])
    action = await bulk.start(tx, "leave", group.id, chosen=[one, two, three])
    await people.delete(tx, [two])

    undone = await bulk.undo(tx, action.id)

    assert undone.restored == 1
    assert await groups.members(tx, group.id) == [one]


async def test_a_deletion_is_not_undone(tx: Tx):
    action = await bulk.start(tx, "delete", chosen=await contacts(tx, 1))

    with pytest.raises(Conflict):
        await bulk.undo(tx, action.id)


async def test_nothing_is_undone_twice(tx: Tx):
    vip = await tags.create(tx, "VIP")
    action = await bulk.start(tx, "tag", vip.id, chosen=await contacts(tx, 1))
    await bulk.undo(tx, action.id)

    with pytest.raises(Conflict):
        await bulk.undo(tx, action.id)


async def test_what_is_stopped_goes_no_further_and_can_be_undone(tx: Tx):
    vip, [one, two, _] = await tags.create(tx, "VIP"), await contacts(tx, 3)
    action = await bulk.start(tx, "tag", vip.id, filter=Filter())
    await bulk.portion(tx, action.id, 2)
    await bulk.stop(tx, action.id)

    stopped, tagged_then = await finished(tx, action), await tagged(tx, vip.id)
    await finished(tx, await bulk.undo(tx, action.id))

    assert (stopped.status, tagged_then) == ("stopped", [one, two])
    assert await tagged(tx, vip.id) == []


async def test_a_tag_that_goes_meanwhile_ends_the_action(tx: Tx):
    vip = await tags.create(tx, "VIP")
    await contacts(tx, 3)
    action = await bulk.start(tx, "tag", vip.id, filter=Filter())
    await tags.delete(tx, vip.id)

    action = await finished(tx, action)

    assert action.status == "failed"
    assert action.problem


async def test_a_query_that_cannot_be_read_is_told_at_once(tx: Tx):
    vip = await tags.create(tx, "VIP")

    with pytest.raises(Invalid):
        await bulk.start(tx, "tag", vip.id, filter=Filter(query="name ="))


async def test_a_smart_group_takes_nobody(tx: Tx):
    group = await groups.create(tx, "Anns", query='name = "Ann"')

    with pytest.raises(Conflict):
        await bulk.start(tx, "join", group.id, filter=Filter())


async def test_another_account_is_not_touched(database: Database, account: int, other_account: int):
    async with database.tx(other_account) as tx:
        theirs, foreign = await contacts(tx, 2), await tags.create(tx, "Theirs")
    async with database.tx(account) as tx:
        await contacts(tx, 1)
        await finished(tx, await bulk.start(tx, "delete", filter=Filter()))
        await bulk.start(tx, "delete", chosen=theirs)
        with pytest.raises(NotFound):
            await bulk.start(tx, "tag", foreign.id, filter=Filter())

    async with database.tx(other_account) as tx:
        assert sorted(contact.id for contact in await people.page(tx)) == theirs
        assert await bulk.all(tx) == []


async def test_a_crash_between_portions_loses_and_repeats_nothing(own: Database) -> None:
    home = await world.workspace(own)
    async with own.tx(home) as tx:
        vip, wanted = await tags.create(tx, "VIP"), await contacts(tx, 5)
        action = await bulk.start(tx, "tag", vip.id, filter=Filter())
    async with own.tx(home) as tx:
        await bulk.portion(tx, action.id, 2)
    with pytest.raises(RuntimeError):
        async with own.tx(home) as tx:
            await bulk.portion(tx, action.id, 2)
            raise RuntimeError

    await world.react(own)

    async with own.tx(home) as tx:
        done = await bulk.get(tx, action.id)
        assert (done.status, done.looked, done.changed) == ("done", 5, 5)
        assert await tagged(tx, vip.id) == wanted
        assert (await tags.get(tx, vip.id)).count == 5


async def test_old_marks_and_actions_are_forgotten(own: Database) -> None:
    home = await world.workspace(own)
    async with own.tx(home) as tx:
        vip, chosen = await tags.create(tx, "VIP"), await contacts(tx, 2)
        old = await bulk.start(tx, "tag", vip.id, chosen=chosen[:1])
        new = await bulk.start(tx, "tag", vip.id, chosen=chosen[1:])
        bulk.prune.later(tx)
    aged = "update bulk_actions set ended_at = now() - interval '26 hours' where account_id = $1 and id = $2"
    await world.execute(own.dsn, aged, home, old.id)

    await world.react(own)

    left = await world.execute(own.dsn, "select action_id from bulk_marks where account_id = $1", home)
    assert [row[0] for row in left] == [new.id]
    async with own.tx(home) as tx:
        with pytest.raises(Conflict):
            await bulk.undo(tx, old.id)
