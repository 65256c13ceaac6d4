"""Tags: made by name, worn by contacts, counted."""

import json

import asyncpg
import pytest

from trunkline.contacts import people, tags
from trunkline.contacts.people import NewContact
from trunkline.core.db import Database, Tx
from trunkline.core.errors import Conflict, Invalid, NotFound

pytestmark = pytest.mark.anyio


async def contacts(tx: Tx, count: int) -> list[int]:
    return [(await people.create(tx, NewContact())).id for _ in range(count)]


async def test_a_tag_has_a_default_colour(tx: Tx):
    tag = await tags.create(tx, "VIP")

    assert (tag.name, tag.color, tag.count) == ("VIP", "#8B5CF6", 0)


@pytest.mark.parametrize("color", ["red", "#FFF", "#GGGGGG", "", "#8B5CF6; "])
async def test_a_colour_is_written_in_hex(tx: Tx, color: str):
    with pytest.raises(Invalid):
        await tags.create(tx, "VIP", color=color)


@pytest.mark.parametrize("name", ["", "   ", "x" * 256])
async def test_a_name_must_be_there_and_fit(tx: Tx, name: str):
    with pytest.raises(Invalid):
        await tags.create(tx, name)


async def test_a_name_is_unique_in_its_kind(tx: Tx):
    await tags.create(tx, "VIP")
    await tags.create(tx, "VIP", kind="conversation")

    with pytest.raises(Conflict):
        await tags.create(tx, "vip")


async def test_names_are_found_or_made_each_once(tx: Tx):
    known = await tags.create(tx, "VIP")

    found = await tags.get_or_create(tx, ["new", "vip", "NEW", "  "])

    assert [tag.name for tag in found] == ["new", "VIP"]
    assert found[1].id == known.id


async def test_only_differences_are_recorded(database: Database, account: int, connection: asyncpg.Connection):
    async with database.tx(account) as tx:
        ids = await contacts(tx, 2)
        red, blue, green = await tags.get_or_create(tx, ["red", "blue", "green"])
        await tags.add(tx, ids[:1], [red.id, blue.id])
    await connection.execute("delete from events where account_id = $1", account)

    async with database.tx(account) as tx:
        await tags.replace(tx, ids, [blue.id, green.id])

    rows = await connection.fetch("select data::text from events where account_id = $1", account)
    changes = [json.loads(row[0]) for row in rows]
    assert {(c["name"], tuple(sorted(c["added"])), tuple(c["removed"])) for c in changes} == {
        ("red", (), (ids[0],)),
        ("blue", (ids[1],), ()),
        ("green", tuple(ids), ()),
    }


async def test_counts_follow(tx: Tx):
    ids, [red] = await contacts(tx, 3), await tags.get_or_create(tx, ["red"])
    await tags.add(tx, ids, [red.id])
    await tags.remove(tx, ids[:1], [red.id])
    await people.delete(tx, ids[1:2])

    [tag] = await tags.all(tx)

    assert tag.count == 1


async def test_a_tag_is_changed(tx: Tx):
    tag = await tags.create(tx, "VIP")
    await tags.create(tx, "Other")

    changed = await tags.update(tx, tag.id, name="Gold", color="#ef4444")

    assert (changed.name, changed.color) == ("Gold", "#EF4444")
    with pytest.raises(Conflict):
        await tags.update(tx, tag.id, name="other")


async def test_contacts_survive_their_tag(tx: Tx):
    [one], tag = await contacts(tx, 1), await tags.create(tx, "VIP")
    await tags.add(tx, [one], [tag.id])

    await tags.delete(tx, tag.id)

    assert (await people.get(tx, one)).tags == []
    with pytest.raises(NotFound):
        await tags.get(tx, tag.id)


async def test_a_tag_of_conversations_is_not_for_contacts(tx: Tx):
    [one], tag = await contacts(tx, 1), await tags.create(tx, "VIP", kind="conversation")

    assert await tags.add(tx, [one], [tag.id]) == 0
    assert await tags.known(tx, [tag.id]) == set()


async def test_a_tag_of_another_account_does_not_exist(database: Database, account: int, other_account: int):
    async with database.tx(other_account) as tx:
        theirs = await tags.create(tx, "VIP")

    async with database.tx(account) as tx:
        [one] = await contacts(tx, 1)
        assert await tags.known(tx, [theirs.id]) == set()
        assert await tags.add(tx, [one], [theirs.id]) == 0
        assert await tags.find(tx, ["VIP"]) == {}
        for call in (tags.get(tx, theirs.id), tags.update(tx, theirs.id, name="x"), tags.delete(tx, theirs.id)):
            with pytest.raises(NotFound):
                await call
