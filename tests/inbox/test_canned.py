"""Canned responses: clean, and found by one shortcut each."""

import pytest

from trunkline.core.errors import Invalid, NotFound
from trunkline.inbox import canned

pytestmark = pytest.mark.anyio


async def test_create_keeps_it(tx):
    made = await canned.create(tx, "Greeting", "<p>Hello! How can I help you today?</p>", "/greet")

    assert await canned.get(tx, made.id) == made
    assert (made.title, made.shortcut, made.body) == (
        "Greeting",
        "/greet",
        "<p>Hello! How can I help you today?</p>",
    )


async def test_body_is_cleaned(tx):
    made = await canned.create(tx, "Greeting", '<b onclick="x()">Hi</b><script>x()</script>')

    assert made.body == "<b>Hi</b>"


async def test_shortcut_is_taken_once(tx):
    await canned.create(tx, "Greeting", "Hello", "/greet")

    with pytest.raises(Invalid) as caught:
        await canned.create(tx, "Other", "Hi", "/greet")

    assert list(caught.value.fields) == ["shortcut"]


async def test_many_may_have_no_shortcut(tx):
    made = [await canned.create(tx, title, "Hello") for title in ("a", "b")]

    assert await canned.all_of(tx) == made


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ((" ", "Hello", None), "title"),
        (("x" * 256, "Hello", None), "title"),
        (("Greeting", "<script>x()</script>", None), "body"),
        (("Greeting", "Hello", "greet"), "shortcut"),
        (("Greeting", "Hello", "/"), "shortcut"),
        (("Greeting", "Hello", "/gr eet"), "shortcut"),
    ],
)
async def test_bad_input_names_its_field(tx, given, field):
    with pytest.raises(Invalid) as caught:
        await canned.create(tx, *given)

    assert list(caught.value.fields) == [field]


async def test_update_replaces_and_keeps_its_own_shortcut(tx):
    made = await canned.create(tx, "Greeting", "Hello", "/greet")

    changed = await canned.update(tx, made.id, "Greeting", "Hi", "/greet")

    assert (changed.id, changed.body, changed.shortcut) == (made.id, "Hi", "/greet")


async def test_update_to_a_taken_shortcut_is_invalid(tx):
    await canned.create(tx, "Greeting", "Hello", "/greet")
    other = await canned.create(tx, "Other", "Hi")

    with pytest.raises(Invalid) as caught:
        await canned.update(tx, other.id, "Other", "Hi", "/greet")

    assert list(caught.value.fields) == ["shortcut"]


async def test_search_looks_everywhere(tx):
    a = await canned.create(tx, "Greeting", "x", "/a")
    b = await canned.create(tx, "Bye", "y", "/greet")
    c = await canned.create(tx, "Close", "We GREET you")
    await canned.create(tx, "Delay", "Sorry")

    assert await canned.all_of(tx, "greet") == [b, c, a]


async def test_foreign_ones_are_unknown(tx, database, other_account):
    async with database.tx(other_account) as theirs:
        made = await canned.create(theirs, "Greeting", "Hello", "/greet")

    assert await canned.all_of(tx) == []
    for act in (canned.get(tx, made.id), canned.update(tx, made.id, "a", "b", None), canned.delete(tx, made.id)):
        with pytest.raises(NotFound):
            await act
    assert (await canned.create(tx, "Greeting", "Hello", "/greet")).shortcut == "/greet"


async def test_deleted_frees_its_shortcut(tx):
    made = await canned.create(tx, "Greeting", "Hello", "/greet")

    await canned.delete(tx, made.id)

    assert (await canned.create(tx, "Greeting", "Hello", "/greet")).id != made.id
