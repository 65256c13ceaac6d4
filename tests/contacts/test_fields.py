"""Custom fields: declared or met, typed, read back."""

import asyncio
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from trunkline.contacts import fields
from trunkline.contacts.fields import Type
from trunkline.core.db import Database, Tx
from trunkline.core.errors import Conflict, Invalid, NotFound

pytestmark = pytest.mark.anyio


async def test_the_key_is_made_from_the_label(tx: Tx):
    field = await fields.create(tx, "Home Town", "text")

    assert (field.key, field.label, field.type, field.agent_access) == ("home_town", "Home Town", "text", "view")


async def test_a_key_is_taken_once(tx: Tx):
    await fields.create(tx, "Home Town")

    with pytest.raises(Conflict):
        await fields.create(tx, "home-town")


async def test_an_unknown_type_is_refused(tx: Tx):
    with pytest.raises(Invalid):
        await fields.create(tx, "Age", "int")  # type: ignore[arg-type]


async def test_a_field_keeps_its_key_for_life(tx: Tx):
    await fields.create(tx, "Age", "text")

    changed = await fields.update(tx, "age", label="Years", type="number")

    assert (changed.key, changed.label, changed.type) == ("age", "Years", "number")


async def test_undeclared_keys_become_text_fields_once(database: Database, account: int):
    async def call() -> dict[str, fields.Field]:
        async with database.tx(account) as tx:
            return await fields.get_or_create(tx, ["plan", "Company Size"])

    answers = await asyncio.gather(*(call() for _ in range(8)))

    assert all(answer == answers[0] for answer in answers)
    assert {(field.key, field.label, field.type) for field in answers[0].values()} == {
        ("plan", "Plan", "text"),
        ("Company Size", "Company Size", "text"),
    }


@pytest.mark.parametrize(
    ("type", "value", "stored"),
    [
        ("text", " as it is ", " as it is "),
        ("text", 3, 3),
        ("number", "40.00", "40"),
        ("number", 40, "40"),
        ("number", "forty", "forty"),
        ("number", "1e999", "1e999"),
        ("datetime", "2017-11-11T13:12:13+02:00", "2017-11-11T11:12:13+00:00"),
        ("datetime", "2017-11-11", "2017-11-11"),
        ("datetime", "0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00+14:00"),
        ("state", "Cluj", "Cluj"),
    ],
)
def test_typed_values_have_one_spelling(type: Type, value: object, stored: object):
    assert fields.stored(type, value) == stored


@pytest.mark.parametrize(
    ("type", "value", "reading"),
    [
        ("number", "0.50", Decimal("0.5")),
        ("number", "x", None),
        ("number", None, None),
        ("datetime", "2017-11-11T11:12:13Z", datetime(2017, 11, 11, 11, 12, 13, tzinfo=UTC)),
        ("datetime", "garbage", None),
        ("text", True, "true"),
    ],
)
def test_values_are_read_by_their_type(type: Type, value: object, reading: object):
    assert fields.read(type, value) == reading


async def test_a_field_of_another_account_does_not_exist(database: Database, account: int, other_account: int):
    async with database.tx(other_account) as tx:
        await fields.create(tx, "Age")

    async with database.tx(account) as tx:
        assert await fields.all(tx) == []
        with pytest.raises(NotFound):
            await fields.update(tx, "age", label="x")


@pytest.mark.parametrize("key", ["", " ", "\t"])
async def test_a_value_without_a_key_is_refused(tx: Tx, key: str) -> None:
    with pytest.raises(Invalid) as refused:
        await fields.readied(tx, {key: "gold"})

    assert "custom_fields" in refused.value.fields
