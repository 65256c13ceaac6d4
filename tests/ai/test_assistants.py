"""Assistants: who they are, which one is asked, and that no other account's is."""

import asyncio

import pytest

from trunkline.ai import assistants
from trunkline.ai.assistants import Assistant, Changes
from trunkline.core.errors import Invalid, NotFound

pytestmark = pytest.mark.anyio


async def test_an_assistant_is_kept_with_its_settings(tx):
    changes = Changes(instructions="Be kind.", keywords=["Ofertă", "price  list"], categories=["Shop"], wait_seconds=2)
    made = await assistants.create(tx, "  Ana   Bot ", changes)

    assert await assistants.get(tx, made.id) == made
    assert (made.name, made.keywords, made.categories) == ("Ana Bot", ["oferta", "price list"], ["Shop"])
    assert (made.tone, made.is_default, made.is_active, made.wait_seconds) == ("professional", False, True, 2)


async def test_a_new_default_takes_the_place_of_the_one_before(tx):
    first = await assistants.create(tx, "First", Changes(is_default=True))
    second = await assistants.create(tx, "Second", Changes(is_default=True))
    await assistants.update(tx, first.id, Changes(is_default=True))

    assert {one.id: one.is_default for one in await assistants.all_of(tx)} == {first.id: True, second.id: False}


async def test_of_defaults_made_at_once_one_is_the_default(database, account):
    async def make(name: str) -> Assistant:
        async with database.tx(account) as tx:
            return await assistants.create(tx, name, Changes(is_default=True))

    await asyncio.gather(*(make(f"Ana {number}") for number in range(6)))

    async with database.tx(account) as tx:
        found = await assistants.all_of(tx)
    assert sorted(one.is_default for one in found) == [False] * 5 + [True]


async def test_assistants_that_are_renamed_at_once_do_not_share_a_name(database, account):
    async with database.tx(account) as tx:
        made = [await assistants.create(tx, f"Ana {number}") for number in range(4)]

    async def rename(one: Assistant) -> bool:
        async with database.tx(account) as tx:
            return (await assistants.update(tx, one.id, Changes(name="Bot"))).name == "Bot"

    done = await asyncio.gather(*(rename(one) for one in made), return_exceptions=True)

    assert done.count(True) == 1
    assert [type(one) for one in done if one is not True] == [Invalid] * 3


async def test_a_name_is_taken_once(tx):
    await assistants.create(tx, "Ana")
    other = await assistants.create(tx, "Dan")

    for taken in (assistants.create(tx, " ana "), assistants.update(tx, other.id, Changes(name="ANA"))):
        with pytest.raises(Invalid) as caught:
            await taken
        assert "name" in caught.value.fields


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("name", Changes(name=" ")),
        ("name", Changes(name="n" * 256)),
        ("instructions", Changes(instructions="i" * 10_001)),
        ("tone", Changes(tone="rude")),
        ("keywords", Changes(keywords=["!!"])),
        ("keywords", Changes(keywords=[f"word{n}" for n in range(51)])),
        ("categories", Changes(categories=[f"c{n}" for n in range(21)])),
        ("wait_seconds", Changes(wait_seconds=-1)),
        ("wait_seconds", Changes(wait_seconds=301)),
        ("most_seconds", Changes(wait_seconds=30, most_seconds=10)),
    ],
)
async def test_what_makes_no_sense_is_refused(tx, field, changes):
    made = await assistants.create(tx, "Ana")

    with pytest.raises(Invalid) as caught:
        await assistants.update(tx, made.id, changes)

    assert field in caught.value.fields


async def test_a_removed_assistant_is_unknown_and_its_name_free(tx):
    made = await assistants.create(tx, "Ana", Changes(is_default=True))
    await assistants.delete(tx, made.id)

    again = await assistants.create(tx, "Ana", Changes(is_default=True))

    assert [one.id for one in await assistants.all_of(tx)] == [again.id]
    with pytest.raises(NotFound) as caught:
        await assistants.get(tx, made.id)
    assert caught.value.kind == "campaign"


async def test_another_accounts_assistant_is_as_unknown_as_none(database, tx, other_account):
    async with database.tx(other_account) as theirs:
        made = await assistants.create(theirs, "Ana")

    for id in (made.id, 2**62, 2**70, 0, -1, None):
        with pytest.raises(NotFound) as caught:
            await assistants.get(tx, id)
        assert caught.value.kind == "campaign"
    with pytest.raises(NotFound):
        await assistants.delete(tx, made.id)


async def test_who_is_named_comes_before_keyword_before_present_before_default(tx):
    default = await assistants.create(tx, "Default", Changes(is_default=True))
    present = await assistants.create(tx, "Present")
    called = await assistants.create(tx, "Called", Changes(keywords=["Preț"]))
    named = await assistants.create(tx, "Named")
    found = await assistants.all_of(tx)

    def chosen(text, *, named=None, present=None):
        one = assistants.choose(found, text, named=named, present=present)
        return one.id if one else None

    assert chosen("care e PRETUL? pret!", named=named.id, present=present.id) == named.id
    assert chosen("ce PRET are?", present=present.id) == called.id
    assert chosen("care e pretul?", present=present.id) == present.id
    assert chosen("hello") == default.id
    assert chosen("hello", named=2**40, present=2**41) == default.id


async def test_the_longest_keyword_counts(tx):
    await assistants.create(tx, "Orders", Changes(keywords=["order"]))
    returns = await assistants.create(tx, "Returns", Changes(keywords=["return order"]))

    chosen = assistants.choose(await assistants.all_of(tx), "I want to RETURN, order 5", named=None, present=None)

    assert chosen == returns


async def test_who_is_switched_off_is_not_chosen(tx):
    one = await assistants.create(tx, "Ana", Changes(is_default=True, is_active=False, keywords=["hi"]))

    assert assistants.choose(await assistants.all_of(tx), "hi", named=one.id, present=one.id) is None
