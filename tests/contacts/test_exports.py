"""Exports: every contact once, nothing that a spreadsheet would run."""

import csv
import io
from pathlib import Path

import pytest
import python_calamine

from trunkline.accounts import settings
from trunkline.contacts import exports, people, tags
from trunkline.contacts.people import Filter, NewContact
from trunkline.core.db import Tx

pytestmark = pytest.mark.anyio


async def exported(tx: Tx, filter: Filter | None = None, **options: dict[str, str]) -> list[list[str]]:
    data = b"".join([part async for part in exports.stream(tx, filter, **options)])
    return list(csv.reader(io.StringIO(data.decode(), newline="")))


async def test_the_columns_are_in_their_order(tx: Tx):
    jane = await people.create(
        tx,
        NewContact(
            first_name="Jane",
            last_name="Doe",
            email="jane@example.com",
            phone="+15551234567",
            company="Acme",
            title="CEO",
            city="Oslo",
            country="NO",
            timezone="Europe/Oslo",
            lead_score=7,
        ),
    )
    await tags.add(tx, [jane.id], [tag.id for tag in await tags.get_or_create(tx, ["b", "A"])])

    header, row = await exported(tx, statuses={"active": "Living"})

    assert ",".join(header) == (
        "First Name,Last Name,Email,Phone,Company,Job Title,City,Country,Timezone,Lead Score,Status,Tags,Created At"
    )
    assert row[:-1] == [
        *("Jane", "Doe", "jane@example.com", "+15551234567", "Acme", "CEO", "Oslo", "NO", "Europe/Oslo", "7"),
        *("Living", "A, b"),
    ]
    assert row[-1].endswith("Z")


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "'=1"])
async def test_formulas_are_made_harmless(tx: Tx, cell: str):
    await people.create(tx, NewContact(title=cell))

    [_, row] = await exported(tx)

    assert row[5] == f"'{cell}"


async def test_all_contacts_leave_once(tx: Tx, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(exports, "ROWS_AT_ONCE", 2)
    for name in "abcde":
        await people.create(tx, NewContact(name=name))

    rows = await exported(tx)

    assert [row[0] for row in rows[1:]] == ["e", "d", "c", "b", "a"]


async def test_a_filter_narrows_the_export(tx: Tx):
    await people.create(tx, NewContact(name="Ana"))
    await people.create(tx, NewContact(name="Bo"))

    rows = await exported(tx, Filter(search="ana"))

    assert [row[0] for row in rows[1:]] == ["Ana"]


async def test_a_workbook_holds_texts(tx: Tx, tmp_path: Path):
    await people.create(tx, NewContact(name="=1+1", phone="+15551234567"))
    path = tmp_path / "contacts.xlsx"

    await exports.write_xlsx(tx, path)

    rows = python_calamine.load_workbook(path).get_sheet_by_index(0).to_python()
    assert rows[0][:4] == ["First Name", "Last Name", "Email", "Phone"]
    assert rows[1][:4] == ["=1+1", "", "", "+15551234567"]


def test_the_file_is_named_after_the_day(monkeypatch: pytest.MonkeyPatch):
    import time_machine

    with time_machine.travel("2026-03-01T10:00:00Z"):
        assert exports.filename() == "contacts-export-2026-03-01.csv"


async def test_an_anonymous_workspace_hides_addresses(tx: Tx):
    await people.create(tx, NewContact(first_name="Ann", email="ann@example.com"))
    await settings.put(tx, {"anon": True}, operator=True)

    [_, cells] = await exported(tx)

    assert cells[:4] == ["Ann", "", "********", ""]
