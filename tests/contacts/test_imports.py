"""Imports: what a spreadsheet makes of the contacts, row by row."""

import asyncio
import io
import zipfile

import asyncpg
import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trunkline.contacts import consents, exports, groups, imports, people, tags, urns
from trunkline.contacts.imports import ImportReport, Options
from trunkline.contacts.people import NewContact
from trunkline.core.db import Database, Tx
from trunkline.core.errors import Invalid
from trunkline.core.ids import token
from trunkline.core.urns import Urn

pytestmark = pytest.mark.anyio

HEADER = "first_name,last_name,email,phone,company,job_title,city,country,timezone,lead_score\n"
LOOSE = Options(loose_phones=True)


async def bring(tx: Tx, text: str | bytes, options: Options | None = None) -> ImportReport:
    return await imports.run(tx, io.BytesIO(text.encode() if isinstance(text, str) else text), options or LOOSE)


async def found(tx: Tx, email: str) -> people.Contact:
    contact = await people.find(tx, Urn("mailto", email))
    assert contact is not None
    return contact


async def test_every_column_arrives(tx: Tx):
    row = "Ana,Pop,Ana@Example.com,+40740111222,Acme,CEO,Cluj,RO,Europe/Bucharest,75\n"

    report = await bring(tx, HEADER + row)

    ana = await found(tx, "ana@example.com")
    assert (report.imported, report.skipped, report.created, report.updated) == (1, 0, 1, 0)
    assert (ana.name, ana.phone, ana.company, ana.title) == ("Ana Pop", "+40740111222", "Acme", "CEO")
    assert (ana.city, ana.country, ana.timezone, ana.lead_score) == ("Cluj", "RO", "Europe/Bucharest", 75)
    assert await people.find(tx, Urn("tel", "+40740111222")) == ana


async def test_bad_rows_are_skipped_and_named_by_their_number(tx: Tx):
    text = "email,first_name\na@example.com,A\nnot-an-email,B\n,C\nd@example.com\ne@example.com,E\n"

    report = await bring(tx, text)

    assert (report.imported, report.skipped) == (2, 3)
    assert report.errors == [
        "Row 3: invalid email 'not-an-email'",
        "Row 4: missing email",
        "Row 5: expected 2 columns, found 1",
    ]


async def test_fifty_errors_are_told(tx: Tx):
    report = await bring(tx, "email\n" + "bad\n" * 60)

    assert (len(report.errors), report.skipped) == (50, 60)


async def test_blank_cells_keep_what_is_there(tx: Tx):
    await bring(tx, HEADER + "Ana,Pop,ana@example.com,+40740111222,Acme,CEO,Cluj,RO,,75\n")

    report = await bring(tx, "email,city,phone,last_name\nana@example.com,Iasi,,Ionescu\n")

    ana = await found(tx, "ana@example.com")
    assert (report.created, report.updated) == (0, 1)
    assert (ana.city, ana.phone, ana.name, ana.lead_score) == ("Iasi", "+40740111222", "Ana Ionescu", 75)


@pytest.mark.parametrize(
    ("header", "row", "names"),
    [
        ("first_name", "Ann", ("Ann Pop", "Ann", "Pop")),
        ("last_name", "Lee", ("Ana Lee", "Ana", "Lee")),
        ("name", "Bo", ("Bo", "Bo", "")),
        ("name", "Bo van Dam", ("Bo van Dam", "Bo", "van Dam")),
    ],
)
async def test_parts_of_names_fit_together(tx: Tx, header: str, row: str, names: tuple[str, str, str]):
    await bring(tx, "email,name\na@example.com,Ana Pop\n")

    await bring(tx, f"email,{header}\na@example.com,{row}\n")

    ana = await found(tx, "a@example.com")
    assert (ana.name, ana.first_name, ana.last_name) == names


async def test_a_second_address_finds_the_contact_and_stays_second(tx: Tx):
    ana = await people.create(tx, NewContact(email="a@example.com", urns=[Urn("mailto", "b@example.com")]))

    await bring(tx, "email,city\nb@example.com,Oslo\n")

    assert await people.find(tx, Urn("mailto", "a@example.com")) == await people.get(tx, ana.id)
    assert ((await people.get(tx, ana.id)).email, (await people.get(tx, ana.id)).city) == ("a@example.com", "Oslo")


async def test_two_rows_of_one_person_make_one_contact(tx: Tx):
    report = await bring(tx, "email,city,country\na@example.com,Cluj,RO\nA@EXAMPLE.COM,Iasi,\n")

    assert (report.imported, report.created) == (2, 1)
    assert ((await found(tx, "a@example.com")).city, await people.total(tx)) == ("Iasi", (1, False))


async def test_a_new_phone_takes_the_place_of_the_old(tx: Tx):
    await bring(tx, "email,phone\na@example.com,+40740111222\n")

    await bring(tx, "email,phone\na@example.com,+40740111333\n")

    assert (await found(tx, "a@example.com")).phone == "+40740111333"
    assert await people.find(tx, Urn("tel", "+40740111222")) is None


async def test_a_phone_of_somebody_else_refuses_the_row(tx: Tx):
    await people.create(tx, NewContact(phone="+40740111222"))

    report = await bring(
        tx, "email,phone\na@example.com,+40740111222\nb@example.com,+40740111333\nc@example.com,+40740111333\n"
    )

    assert (report.imported, report.skipped) == (1, 2)
    assert report.errors == [
        "Row 2: phone '+40740111222' belongs to another contact",
        "Row 4: phone '+40740111333' belongs to another contact",
    ]


async def test_phones_that_cannot_be_dialled_are_kept_or_refused(tx: Tx):
    text = "email,phone\na@example.com,555-0123\n"

    strict = await bring(tx, text, Options())
    loose = await bring(tx, text, LOOSE)

    assert strict.errors == ["Row 2: invalid phone '555-0123'"]
    assert loose.imported == 1
    assert (await found(tx, "a@example.com")).phone == "555-0123"


async def test_a_country_completes_national_numbers(tx: Tx):
    await bring(tx, "email,phone\na@example.com,0740 111 222\n", Options(country="RO"))

    ana = await found(tx, "a@example.com")
    assert ana.phone == "+40740111222"
    assert (await urns.of(tx, [ana.id]))[ana.id][-1].raw == "0740 111 222"


async def test_rows_may_be_known_by_phone_alone(tx: Tx):
    options = Options(identify_by=("email", "phone"))
    await people.create(tx, NewContact(phone="+40740111222"))

    report = await bring(
        tx, "name,phone,email\nAna Pop,+40740111222,ana@example.com\nBo,+40740111333,\nCy,,\n", options
    )

    ana = await found(tx, "ana@example.com")
    assert (report.created, report.updated, report.errors) == (1, 1, ["Row 4: missing email and phone"])
    assert (ana.phone, ana.last_name) == ("+40740111222", "Pop")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
async def test_usual_encodings_and_separators_are_read(tx: Tx, encoding: str, delimiter: str):
    text = delimiter.join(["E-mail Address", "First Name"]).replace("E-mail Address", "Email")
    text += f"\r\n{delimiter.join(['a@example.com', 'Zoë'])}\r\n"

    await bring(tx, text.encode(encoding))

    assert (await found(tx, "a@example.com")).first_name == "Zoë"


@pytest.mark.parametrize("data", [b"", b"\n\n", b"\x89PNG\r\n\x1a\n\x00\x00", b"foo,bar\n1,2\n", b"PK\x03\x04junk"])
async def test_a_file_without_headers_is_refused(tx: Tx, data: bytes):
    with pytest.raises(Invalid) as refused:
        await bring(tx, data)

    assert list(refused.value.fields) == ["file"]


async def test_a_workbook_is_read_with_its_numbers(tx: Tx):
    file = io.BytesIO()
    with xlsxwriter.Workbook(file) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["Email", "Phone", "Lead Score", "First Name"])
        sheet.write_row(1, 0, ["a@example.com", "+40740111222", 12, "Ana"])
        sheet.write_row(3, 0, ["bad", "+40740111333", 12, "Bo"])

    report = await imports.run(tx, file, LOOSE)

    ana = await found(tx, "a@example.com")
    assert (ana.phone, ana.lead_score) == ("+40740111222", 12)
    assert report.errors == ["Row 4: invalid email 'bad'"]


async def test_an_archive_that_unpacks_to_too_much_is_refused(tx: Tx):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 20_000_000)

    with pytest.raises(Invalid, match="unpacks to too much"):
        await imports.run(tx, file, LOOSE)


async def test_an_archive_that_lies_about_its_size_is_refused(tx: Tx):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 20_000_000)
    lying = file.getvalue().replace((20_000_000).to_bytes(4, "little"), (100).to_bytes(4, "little"))

    with pytest.raises(Invalid):
        await imports.run(tx, io.BytesIO(lying), LOOSE)


async def test_an_archive_in_the_archive_is_refused(tx: Tx):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("xl/embeddings/inner.bin", b"PK\x03\x04....")

    with pytest.raises(Invalid, match="another archive"):
        await imports.run(tx, file, LOOSE)


async def test_a_sheet_with_one_cell_far_away_is_refused(tx: Tx):
    file = io.BytesIO()
    with xlsxwriter.Workbook(file) as book:
        book.add_worksheet().write_string("XFD1048576", "far away")

    with pytest.raises(Invalid, match="too many cells"):
        await imports.run(tx, file, LOOSE)


async def test_a_cell_that_is_too_long_is_refused_alone(tx: Tx):
    report = await bring(tx, f"email,city\na@example.com,{'x' * 40_000}\nb@example.com,Oslo\n")

    assert (report.imported, report.errors) == (1, ["Row 2: a cell is too long or not closed"])


@pytest.mark.parametrize("score", ["101", "-1", "many", "1.5"])
async def test_a_score_out_of_range_is_refused(tx: Tx, score: str):
    report = await bring(tx, f"email,lead_score\na@example.com,{score}\n")

    assert report.errors == ["Row 2: lead_score must be a whole number from 0 to 100"]


async def test_groups_and_tags_are_given_to_everybody(tx: Tx):
    group, [tag] = await groups.create(tx, "Fair"), await tags.get_or_create(tx, ["fair"])

    await bring(tx, "email\na@example.com\nb@example.com\n", Options(groups=(group.id,), tags=(tag.id,)))

    assert (await groups.get(tx, group.id)).size == 2
    assert (await tags.get(tx, tag.id)).count == 2


async def test_an_import_does_not_bring_back_who_said_stop(tx: Tx):
    await bring(tx, "email,phone\na@example.com,+40740111222\n")
    await consents.opt_out(tx, "sms", "+40740111222", "keyword")

    await bring(tx, "email,phone,city\na@example.com,+40740111222,Oslo\n")

    assert (await found(tx, "a@example.com")).status == "stopped"
    assert await consents.suppressed(tx, "sms", ["+40740111222"]) == {"+40740111222"}


async def test_two_imports_at_once_make_each_contact_once(database: Database, account: int):
    text = "email,phone\n" + "".join(f"u{n}@example.com,+1555{1000000 + n}\n" for n in range(300))

    async def call() -> ImportReport:
        async with database.tx(account) as tx:
            return await bring(tx, text)

    reports = await asyncio.gather(call(), call(), call())

    assert [report.imported for report in reports] == [300, 300, 300]
    assert sum(report.created for report in reports) == 300


async def test_progress_counts_the_rows(tx: Tx):
    seen: list[int] = []

    await imports.run(tx, io.BytesIO(b"email\na@example.com\nbad\nb@example.com\n"), LOOSE, seen.append)

    assert seen == [3]


async def test_an_import_is_told_as_one_event(database: Database, account: int, connection: asyncpg.Connection):
    async with database.tx(account) as tx:
        await bring(tx, "email\na@example.com\nb@example.com\n")

    types = await connection.fetch("select type from events where account_id = $1", account)
    assert [row["type"] for row in types] == ["contacts.imported"]


async def test_an_import_stays_in_its_account(database: Database, account: int, other_account: int):
    text = "email,phone,city\na@example.com,+40740111222,Oslo\n"
    async with database.tx(other_account) as tx:
        theirs = await people.create(tx, NewContact(email="a@example.com", phone="+40740111222"))

    async with database.tx(account) as tx:
        report = await bring(tx, text)

    async with database.tx(other_account) as tx:
        assert report.created == 1
        assert await people.get(tx, theirs.id) == theirs


cell = st.one_of(
    st.text(st.characters(blacklist_categories=["Cs", "Cc"]), max_size=12),
    st.text("=+-@'\"\t, ;a1", max_size=8),
)
person = st.fixed_dictionaries(
    {"first_name": cell, "last_name": cell, "company": cell, "title": cell, "city": cell, "country": cell}
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(persons=st.lists(person, min_size=1, max_size=4))
async def test_what_was_exported_and_imported_exports_the_same(
    database: Database, account: int, other_account: int, persons: list[dict[str, str]]
):
    run = token(8).lower()
    async with database.tx(account) as tx:
        for n, texts in enumerate(persons):
            await people.create(tx, NewContact(**texts, email=f"{run}-{n}@example.com"))
        first = b"".join([part async for part in exports.stream(tx, people.Filter(search=run))])

    async with database.tx(other_account) as tx:
        report = await bring(tx, first)
        second = b"".join([part async for part in exports.stream(tx, people.Filter(search=run))])

    assert report.errors == []
    assert kept(second) == kept(first)


def kept(exported: bytes) -> list[list[str]]:
    """The rows but for tags, status and time, in the order of their addresses."""
    import csv

    return sorted(row[:10] for row in csv.reader(io.StringIO(exported.decode(), newline="")))
