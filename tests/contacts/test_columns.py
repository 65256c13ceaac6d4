"""Columns of an import that are custom fields."""

import io
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests import world
from trunkline.contacts import fields, groups, importing, imports, people
from trunkline.contacts.imports import ImportReport, Options
from trunkline.contacts.people import NewContact
from trunkline.core.db import Database, Tx
from trunkline.core.errors import Invalid
from trunkline.core.urns import Urn

pytestmark = pytest.mark.anyio


async def bring(tx: Tx, text: str, *columns: str) -> ImportReport:
    return await imports.run(tx, io.BytesIO(text.encode()), Options(columns=columns))


async def values(tx: Tx, email: str) -> dict[str, Any]:
    contact = await people.find(tx, Urn("mailto", email))
    assert contact is not None
    return contact.fields


@pytest.fixture
async def own(dsn: str, tmp_path: Any) -> AsyncIterator[Database]:
    async with world.own_database(dsn, tmp_path) as database:
        yield database


async def test_cells_become_values_of_the_fields_types(tx: Tx):
    await fields.create(tx, "Plan")
    await fields.create(tx, "Age", "number")
    await fields.create(tx, "Born", "datetime")

    text = "email,p,a,b\nann@example.com,gold,40.50,1990-05-17T00:00:00\n"
    report = await bring(tx, text, "email", "fields.plan", "fields.age", "fields.born")

    found = await values(tx, "ann@example.com")
    assert (report.created, report.skipped) == (1, 0)
    assert (found["plan"], found["age"]) == ("gold", "40.5")
    assert fields.read("datetime", found["born"]) is not None


async def test_what_a_type_cannot_be_refuses_its_row(tx: Tx):
    await fields.create(tx, "Age", "number")
    await fields.create(tx, "Born", "datetime")

    text = "email,a,b\nann@example.com,old,\nbob@example.com,,someday\ncat@example.com,7,\n"
    report = await bring(tx, text, "email", "fields.age", "fields.born")

    assert report.errors == ["Row 2: age must be a number, not 'old'", "Row 3: born must be a date, not 'someday'"]
    assert (report.created, report.skipped) == (1, 2)


async def test_a_known_contact_keeps_what_the_rows_leave_blank(tx: Tx):
    await fields.get_or_create(tx, ["plan", "town", "size"])
    await people.create(tx, NewContact(email="ann@example.com", fields={"plan": "gold", "town": "Cluj", "other": "x"}))

    text = "email,p,t,s\nann@example.com,,Iasi,\nann@example.com,,,9\n"
    report = await bring(tx, text, "email", "fields.plan", "fields.town", "fields.size")

    assert (report.updated, report.imported) == (1, 2)
    found = await values(tx, "ann@example.com")
    assert found == {"plan": "gold", "town": "Iasi", "size": "9", "other": "x"}


async def test_a_field_that_is_not_there_refuses_the_file(tx: Tx):
    with pytest.raises(Invalid, match="no custom field 'plan'"):
        await bring(tx, "email,p\nann@example.com,gold\n", "email", "fields.plan")


async def test_a_heading_chooses_nothing_by_itself(tx: Tx):
    await fields.create(tx, "Plan")

    await imports.run(tx, io.BytesIO(b"email,fields.plan\nann@example.com,gold\n"))

    assert await values(tx, "ann@example.com") == {}


async def test_headings_are_guessed_by_key_and_label(tx: Tx):
    await fields.create(tx, "Home Town", key="town")

    made = await importing.create(tx, "key", "people.csv", ["Email", "home town", "Town", "other"], [])

    assert made.columns == ["email", "fields.town", "fields.town", ""]


async def test_groups_by_query_follow_what_was_imported(own: Database):
    home = await world.workspace(own)
    async with own.tx(home) as tx:
        await fields.create(tx, "Age", "number")
        known = await people.create(tx, NewContact(email="ann@example.com", fields={"age": "7"}))
        group = await groups.create(tx, "Adults", query="age >= 18")
    await world.react(own)
    async with own.tx(home) as tx:
        await bring(tx, "email,a\nann@example.com,40\n", "email", "fields.age")

    await world.react(own)

    async with own.tx(home) as tx:
        assert await groups.members(tx, group.id) == [known.id]
