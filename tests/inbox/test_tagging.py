"""Tagging: only tags for conversations, only on our own."""

import pytest

from trunkline.contacts import tags
from trunkline.core.errors import Invalid
from trunkline.inbox import conversations, filing, tagging

pytestmark = pytest.mark.anyio


@pytest.fixture
def opened(new_contact, new_channel, new_message):
    async def open(tx):
        [id] = await filing.file(tx, [await new_message(await new_contact(), await new_channel())])
        return id

    return open


async def named(tx, id):
    return [tag.name for tag in (await conversations.get(tx, id)).tags]


async def test_tags_go_on_and_come_off(tx, opened):
    id = await opened(tx)
    vip, angry = await tags.get_or_create(tx, ["VIP", "angry"], "conversation")

    assert await tagging.add(tx, [id], [vip.id, angry.id]) == [id]
    assert await named(tx, id) == ["angry", "VIP"]
    assert await tagging.add(tx, [id], [vip.id]) == []
    assert await tagging.remove(tx, [id], [angry.id]) == [id]
    assert await named(tx, id) == ["VIP"]


async def test_replace_makes_them_the_only_ones(tx, opened):
    id = await opened(tx)
    a, b, c = await tags.get_or_create(tx, ["a", "b", "c"], "conversation")
    await tagging.add(tx, [id], [a.id, b.id])

    await tagging.replace(tx, id, [b.id, c.id])

    assert await named(tx, id) == ["b", "c"]


async def test_contacts_tags_and_foreign_tags_are_unknown(tx, database, other_account, opened):
    id = await opened(tx)
    [mine] = await tags.get_or_create(tx, ["VIP"], "contact")
    async with database.tx(other_account) as theirs:
        [foreign] = await tags.get_or_create(theirs, ["VIP"], "conversation")

    for tag in (mine, foreign):
        with pytest.raises(Invalid) as caught:
            await tagging.add(tx, [id], [tag.id])
        assert list(caught.value.fields) == ["tag_ids.0"]


async def test_foreign_conversations_are_unknown(database, account, other_account, opened):
    async with database.tx(account) as mine:
        id = await opened(mine)

    async with database.tx(other_account) as theirs:
        [tag] = await tags.get_or_create(theirs, ["VIP"], "conversation")
        assert await tagging.add(theirs, [id], [tag.id]) == []
