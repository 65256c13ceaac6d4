"""Import of contacts from a spreadsheet: each batch is copied to a staging table and written in two statements.

Nobody is subscribed again by an import: statuses and suppressions are never touched.
"""

import asyncio
import re
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing
from itertools import islice
from typing import BinaryIO

from msgspec import Struct

from trunkline.contacts import columns, companies, groups, names, sheets, staging, tags, urns
from trunkline.contacts.columns import BadRow, Own
from trunkline.contacts.events import BATCH, ContactsImported
from trunkline.contacts.staging import Draft
from trunkline.core import mailaddr, phones
from trunkline.core.db import Tx
from trunkline.core.urns import Urn

MOST_ROWS = 500_000
MOST_ERRORS = 50
ROWS_AT_ONCE = 5_000


class Options(Struct, frozen=True, kw_only=True):
    """`identify_by`: what a row must have one of, and is matched on. `loose_phones` keeps a phone that cannot be
    dialled as text instead of refusing its row. `groups` and `tags` (ids) are given to every contact. `columns` says
    what each column is (`fields.plan` is a custom field), '' for one that is left out; without it the first row does.
    """

    identify_by: tuple[str, ...] = ("email",)
    country: str | None = None
    loose_phones: bool = False
    groups: tuple[int, ...] = ()
    tags: tuple[int, ...] = ()
    columns: tuple[str, ...] | None = None
    source: str = "import"


class ImportReport(Struct):
    """`imported` and `skipped` count rows, `created` and `updated` contacts."""

    imported: int = 0
    skipped: int = 0
    errors: list[str] = []
    created: int = 0
    updated: int = 0

    def refuse(self, line: int, problem: str) -> None:
        self.skipped += 1
        if len(self.errors) < MOST_ERRORS:
            self.errors.append(f"Row {line}: {problem}")


async def run(
    tx: Tx, file: BinaryIO, options: Options | None = None, progress: Callable[[int], None] | None = None
) -> ImportReport:
    """Create and update contacts from a CSV, XLSX or XLS file, all in this transaction.

    A blank cell keeps the old value. `progress` is told how many rows are done.
    """
    options = options or Options()
    report = ImportReport()
    own = await columns.own(tx, options.columns or ())
    reader = await asyncio.to_thread(Reader, file, options, own)
    await staging.prepare(tx)
    async with aclosing(_batches(reader)) as batches:
        async for rows, batch in batches:
            await _write(tx, batch, options, report)
            if progress:
                progress(rows)
    report.skipped += reader.report.skipped
    errors = sorted([*report.errors, *reader.report.errors], key=lambda error: int(error[4 : error.index(":")]))
    report.errors = errors[:MOST_ERRORS]
    return report


async def _batches(reader: "Reader") -> AsyncGenerator[tuple[int, list[Draft]]]:
    """Batches with the number of rows read so far. The next is read and checked while this one is written."""
    ahead = asyncio.create_task(asyncio.to_thread(reader.take, ROWS_AT_ONCE))
    try:
        while True:
            batch, rows = await ahead, reader.lines
            if not batch:
                return
            ahead = asyncio.create_task(asyncio.to_thread(reader.take, ROWS_AT_ONCE))
            yield rows, batch
    finally:
        await asyncio.wait([ahead])  # the file must not be closed under the thread
        if not ahead.cancelled():
            ahead.exception()


class Reader:
    """Checked drafts from the file; refused rows go to its own report, for it works in a thread."""

    def __init__(self, file: BinaryIO, options: Options, own: Own):
        self._options, self._own, self.report = options, own, ImportReport()
        self._known = COLUMNS | own.types.keys()
        self._rows = sheets.numbered(sheets.rows(file))
        self.lines = 0
        header = next(self._rows, (1, []))[1]
        named = [guess(cell) for cell in header] if isinstance(header, list) else []
        self._columns = named if options.columns is None else list(options.columns)
        if len(self._columns) != len(named):
            raise sheets.refused("The file does not have the columns that were chosen.")
        if not set(self._columns) & COLUMNS:
            raise sheets.refused("Could not read CSV headers.")

    def take(self, count: int) -> list[Draft]:
        """The next drafts; empty when the file is at its end."""
        return list(islice(self._drafts(), count))

    def _drafts(self) -> Iterator[Draft]:
        for line, row in self._rows:
            self.lines += 1
            if self.lines > MOST_ROWS:
                raise sheets.refused(f"The file has more than {MOST_ROWS:,} rows.")
            try:
                yield self._draft(line, row)
            except BadRow as problem:
                self.report.refuse(line, str(problem))

    def _draft(self, line: int, row: sheets.Row) -> Draft:
        if isinstance(row, str):
            raise BadRow(row)
        if len(row) != len(self._columns):
            raise BadRow(f"expected {len(self._columns)} columns, found {len(row)}")
        cells: dict[str, str] = {}
        for column, cell in zip(self._columns, row, strict=True):
            if cell and column in self._known:
                cells.setdefault(column, cell[1:] if ESCAPED.match(cell) else cell)
        draft = _draft(line, cells, self._options)
        draft.fields = self._own.read(cells)
        return draft


def guess(cell: str) -> str:
    """What a column is by its heading."""
    return ALIASES.get(column := re.sub(r"[\s-]+", "_", cell.strip().lower()), column)


def _draft(line: int, cells: dict[str, str], options: Options) -> Draft:
    if not any(cells.get(name) for name in options.identify_by):
        raise BadRow(f"missing {' and '.join(options.identify_by)}")
    draft = Draft(line=line)
    if "email" in cells:
        try:
            draft.email = mailaddr.parse(cells["email"])
            draft.mail = Urn("mailto", draft.email)
        except mailaddr.BadEmail:
            raise BadRow(f"invalid email '{cells['email'][:100]}'") from None
    if "phone" in cells:
        _read_phone(draft, cells["phone"], options)
    for name in TEXTS:
        if name in cells:
            setattr(draft, name, _text(name, cells[name]))
    if draft.name:
        draft.first_name, draft.last_name = names.split(draft.name)
    if "lead_score" in cells:
        draft.lead_score = _score(cells["lead_score"])
    return draft


def _read_phone(draft: Draft, typed: str, options: Options) -> None:
    draft.phone = _text("phone", typed)
    try:
        dialled = phones.parse(typed, options.country)
    except phones.BadPhone:
        if not options.loose_phones or (draft.email is None and "phone" in options.identify_by):
            raise BadRow(f"invalid phone '{typed[:100]}'") from None
    else:
        draft.raw = draft.phone if draft.phone != dialled else None
        draft.phone, draft.tel = dialled, Urn("tel", dialled)


def _text(name: str, cell: str) -> str | None:
    most = names.MOST.get(name, names.MOST_OTHERWISE)
    if "\0" in cell or len(cell) > most:
        raise BadRow(f"{name} is longer than {most} characters" if len(cell) > most else f"{name} cannot be stored")
    return names.tidy(cell, name)


def _score(cell: str) -> int:
    if not re.fullmatch(r"\d{1,3}(\.0+)?", cell, re.ASCII) or float(cell) > 100:
        raise BadRow("lead_score must be a whole number from 0 to 100")
    return int(float(cell))


async def _write(tx: Tx, batch: Sequence[Draft], options: Options, report: ImportReport) -> None:
    named = sorted({draft.company for draft in batch if draft.company})
    ids = dict(zip(named, await companies.find_or_create(tx, named), strict=True))
    for draft in batch:
        draft.company_id = ids.get(draft.company or "")
    created: list[int] = []
    updated: list[int] = []
    waiting = list(batch)
    while waiting:  # once, unless somebody else creates the same contacts meanwhile
        placed, refused = await _place(tx, waiting, options)
        for draft, problem in refused:
            report.refuse(draft.line, problem)
        kept, waiting = await _take_addresses(tx, placed)
        report.imported += sum(draft.rows for draft in kept)
        await staging.write(tx, kept, options.source)
        await columns.write(tx, kept)
        created += [draft.contact_id for draft in kept if draft.is_new]
        updated += [draft.contact_id for draft in kept if not draft.is_new]
    report.created += len(created)
    report.updated += len(updated)
    for group in options.groups:
        await groups.add(tx, group, [*created, *updated])
    await tags.add(tx, [*created, *updated], options.tags)
    brought = [column for column in options.columns or () if column.startswith(columns.PREFIX)]
    for start in range(0, max(len(created), len(updated)), BATCH):
        end = start + BATCH
        tx.record(ContactsImported(options.source, created[start:end], updated[start:end], brought))


async def _place(tx: Tx, drafts: Sequence[Draft], options: Options) -> tuple[list[Draft], list[tuple[Draft, str]]]:
    """Give each draft its contact, known or new; rows of one contact become one draft, the later row wins."""
    owned = await urns.owners(tx, (urn for draft in drafts for urn in draft.urns()))
    by_phone = "phone" in options.identify_by
    placed: dict[int | Urn, Draft] = {}
    claimed: dict[Urn, int | Urn] = {}
    refused: list[tuple[Draft, str]] = []
    for draft in drafts:
        mail, phone = draft.mail, draft.tel
        own = owned.get(mail) if mail else None
        if own is None and phone and (by_phone or mail is None):
            own = owned.get(phone)
        identity = own or _claimed(claimed, mail, phone if by_phone else None) or mail or phone
        assert identity is not None
        rival = next((urn for urn in draft.urns() if claimed.get(urn, owned.get(urn, identity)) != identity), None)
        if rival:
            typed = draft.raw or draft.phone if rival == phone else draft.email
            refused.append((draft, f"{'phone' if rival == phone else 'email'} '{typed}' belongs to another contact"))
            continue
        claimed |= dict.fromkeys(draft.urns(), identity)
        if earlier := placed.get(identity):
            earlier.absorb(draft)
        else:
            placed[identity] = draft
            draft.contact_id, draft.is_new = own or 0, own is None
        placed[identity].needs |= {urn for urn in draft.urns() if urn not in owned}
    return list(placed.values()), refused


def _claimed(claimed: dict[Urn, int | Urn], *found: Urn | None) -> int | Urn | None:
    return next((claimed[urn] for urn in found if urn in claimed), None)


async def _take_addresses(tx: Tx, placed: Sequence[Draft]) -> tuple[list[Draft], list[Draft]]:
    """Take the addresses that the drafts need; returns who has got them and who lost one at this very moment."""
    new = [draft for draft in placed if draft.is_new]
    for draft, id in zip(new, await staging.new_ids(tx, len(new)), strict=True):
        draft.contact_id = id
    won = await urns.take(tx, [address for draft in placed for address in draft.addresses()])
    kept = [draft for draft in placed if draft.needs <= won]
    lost = [draft for draft in placed if not draft.needs <= won]
    for draft in lost:
        for scheme in ("tel", "mailto"):
            paths = [urn.path for urn in draft.needs & won if urn.scheme == scheme]
            await urns.drop(tx, [draft.contact_id], scheme, paths)
        draft.needs = set()
    return kept, lost


TEXTS = ("name", "first_name", "last_name", "company", "job_title", "city", "country", "timezone")
COLUMNS = frozenset({"email", "phone", "lead_score", *TEXTS})
ALIASES = {"full_name": "name", "email_address": "email", "e_mail": "email", "phone_number": "phone"}
# An export marks what a spreadsheet would take for a formula; the mark comes off again.
ESCAPED = re.compile(r"''*\s*[=+\-@\t\r]")
