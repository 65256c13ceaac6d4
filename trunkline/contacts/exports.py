"""Export of contacts: CSV as a stream, XLSX as a file; safe to open in a spreadsheet."""

import csv
import io
import re
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from pathlib import Path

from trunkline.accounts import accounts, settings
from trunkline.contacts import listing
from trunkline.contacts.listing import Filter
from trunkline.contacts.records import Contact
from trunkline.core import clock
from trunkline.core.db import Tx

HEADER = (
    "First Name",
    "Last Name",
    "Email",
    "Phone",
    "Company",
    "Job Title",
    "City",
    "Country",
    "Timezone",
    "Lead Score",
    "Status",
    "Tags",
    "Created At",
)
ROWS_AT_ONCE = 1000
MASK = "********"


async def stream(
    tx: Tx, filter: Filter | None = None, *, statuses: Mapping[str, str] | None = None
) -> AsyncIterator[bytes]:
    """CSV in pieces, the newest contact first. `statuses` renames the statuses for the reader."""
    hidden = settings.value(await accounts.current(tx), "anon")
    yield _csv([HEADER])
    async for contacts in _walk(tx, filter):
        yield _csv([_safe(row(contact, statuses or {}, hidden=hidden)) for contact in contacts])


async def write_xlsx(
    tx: Tx, path: Path, filter: Filter | None = None, *, statuses: Mapping[str, str] | None = None
) -> None:
    """The same as a workbook. Texts are written as texts, so there is nothing to escape."""
    import xlsxwriter

    hidden = settings.value(await accounts.current(tx), "anon")
    with xlsxwriter.Workbook(path, {"constant_memory": True}) as workbook:
        sheet = workbook.add_worksheet("Contacts")
        place = 0
        for column, title in enumerate(HEADER):
            sheet.write_string(place, column, title)
        async for contacts in _walk(tx, filter):
            for contact in contacts:
                place += 1
                for column, cell in enumerate(row(contact, statuses or {}, hidden=hidden)):
                    sheet.write_string(place, column, cell)


def filename(suffix: str = "csv") -> str:
    return f"contacts-export-{clock.now():%Y-%m-%d}.{suffix}"


def row(contact: Contact, statuses: Mapping[str, str], *, hidden: bool = False) -> tuple[str, ...]:
    """The cells of one contact, in the order of HEADER. Anonymous workspaces hide addresses here too."""
    return (
        contact.first_name,
        contact.last_name,
        (MASK if hidden else contact.email) if contact.email else "",
        (MASK if hidden else contact.phone) if contact.phone else "",
        contact.company or "",
        contact.title or "",
        contact.city or "",
        contact.country or "",
        contact.timezone or "",
        str(contact.lead_score),
        statuses.get(contact.status, contact.status),
        ", ".join(tag.name for tag in contact.tags),
        clock.iso(contact.created_at) or "",
    )


async def _walk(tx: Tx, filter: Filter | None) -> AsyncIterator[list[Contact]]:
    after: tuple[datetime, int] | None = None
    while contacts := await listing.page(tx, filter, limit=ROWS_AT_ONCE, after=after):
        yield contacts
        after = contacts[-1].created_at, contacts[-1].id


def _safe(cells: tuple[str, ...]) -> tuple[str, ...]:
    """Cells that a spreadsheet would take for formulas get a quote in front; a phone keeps its plus."""
    return tuple(
        f"'{cell}" if FORMULA.match(cell) and title != "Phone" else cell
        for title, cell in zip(HEADER, cells, strict=True)
    )


def _csv(rows: list[tuple[str, ...]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


# A quote before such a cell is doubled, so that an import can take one off again.
FORMULA = re.compile(r"'*\s*[=+\-@\t\r]")
