"""Imports that run in the background: the file waits in the media store, and how far it is stands in a row.

People choose what each column is, may have the file checked first, and watch. An import that a crash cut off begins
again: who was written already is found by address and not made twice.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any, BinaryIO

import msgspec
from msgspec import Struct

from trunkline.contacts import columns, fields, imports, sheets
from trunkline.contacts.imports import COLUMNS, ImportReport, Options
from trunkline.core.db import Tx, sql
from trunkline.core.errors import Invalid, NotFound, TrunklineError
from trunkline.core.jobs import Desk, job
from trunkline.core.media import Folder

SAMPLE = 5
"""Rows that people see before they choose."""
EVERY = 1.0
"""Seconds between two notes of how far it is."""
MOST_BYTES = sheets.MOST_BYTES


class Import(Struct, frozen=True):
    """`columns` are what each column is, guessed at first from the `header`. `report` is there when it ended."""

    id: int
    file_key: str
    file_name: str
    header: list[str]
    sample: list[list[str]]
    columns: list[str]
    options: dict[str, Any]
    status: str
    rows_done: int
    report: dict[str, Any] | None
    problem: str | None
    created_at: datetime
    ended_at: datetime | None

    @property
    def is_running(self) -> bool:
        return self.status in ("checking", "running")


class _CheckedOnly(Exception):
    """Rolls back what a check wrote; carries what it found."""


async def keep(media: Folder, account: int, file: BinaryIO, name: str) -> tuple[str, list[str], list[list[str]]]:
    """Put a spreadsheet into the store; returns its key, the headings and the first rows. Raises `Invalid`."""
    header, sample = await asyncio.to_thread(_look, file)
    file.seek(0)
    content = await asyncio.to_thread(file.read)
    try:
        stored = await media.put(account, content, name="", cap=MOST_BYTES)
    except TrunklineError as error:
        raise Invalid({"file": [error.message]}) from None
    return stored.key, header, sample


async def create(tx: Tx, key: str, name: str, header: Sequence[str], sample: Sequence[Sequence[str]]) -> Import:
    """An import that waits for somebody to choose. Columns with a known heading are chosen already."""
    own = {
        imports.guess(name): f"{columns.PREFIX}{field.key}"
        for field in await fields.all(tx)
        for name in (field.label, field.key)
    }
    known = own | {column: column for column in COLUMNS}
    guessed = [known.get(imports.guess(cell), "") for cell in header]
    rows = [list(row) for row in sample]
    return await tx.one(Import, INSERT, tx.account, key, name[-255:], list(header), rows, guessed)


async def get(tx: Tx, id: int) -> Import:
    found = await tx.maybe(Import, SELECT, tx.account, id) if 0 < id < 2**63 else None
    if found is None:
        raise NotFound("import", id)
    return found


async def start(tx: Tx, id: int, options: Options, *, check: bool) -> None:
    """Run it in the background; with `check` nothing is kept of it but the report."""
    found = await get(tx, id)
    if len(options.columns or ()) != len(found.header):
        raise Invalid({"columns": ["Say of each column what it is."]})
    if not set(options.columns or ()) & set(options.identify_by):
        named = " or ".join(options.identify_by)
        raise Invalid({"columns": [f"One column has to be {named}: contacts are known by it."]})
    kept = msgspec.to_builtins(options)
    status = "checking" if check else "running"
    if not await tx.run(START, tx.account, id, status, list(options.columns or ()), kept):
        raise Invalid({"": ["This import is running, or it is done."]})
    work.later(tx, id, key=f"import:{tx.account}")


@job("contact.import", apart=True)
async def work(desk: Desk, id: int) -> None:
    async with desk.tx() as tx:
        found = await get(tx, id)
    if not found.is_running:
        async with desk.tx() as tx:
            await desk.finish(tx)
        return
    report, problem = await _run(desk, found)
    status = "failed" if problem else "checked" if found.status == "checking" else "done"
    async with desk.tx() as tx:
        await tx.run(END, tx.account, id, status, msgspec.to_builtins(report), problem)
        await desk.finish(tx)


async def _run(desk: Desk, found: Import) -> tuple[ImportReport, str | None]:
    """What came of it, and what made it fail as a whole."""
    options = msgspec.convert({**found.options, "columns": found.columns}, Options)
    done = [0]
    noting = asyncio.create_task(_note(desk, found.id, done))
    report = ImportReport()
    try:
        with desk.database.tools.media.open(found.file_key) as file:
            async with desk.tx() as tx:
                report = await imports.run(tx, file, options, lambda rows: done.__setitem__(0, rows))
                if found.status == "checking":
                    raise _CheckedOnly
    except _CheckedOnly:
        return report, None
    except (Invalid, OSError) as error:
        return report, error.message if isinstance(error, Invalid) else "The file is gone. Choose it again."
    finally:
        noting.cancel()
    return report, None


async def _note(desk: Desk, id: int, done: list[int]) -> None:
    while True:
        await asyncio.sleep(EVERY)
        async with desk.tx() as tx:
            await tx.run(NOTE, tx.account, id, done[0])


def _look(file: BinaryIO) -> tuple[list[str], list[list[str]]]:
    header: list[str] = []
    sample: list[list[str]] = []
    for row in sheets.rows(file):
        if not isinstance(row, list) or not row:
            continue
        if not header:
            header = row
        elif len(sample) < SAMPLE:
            sample.append([cell[:200] for cell in row])
        else:
            break
    if not header:
        raise sheets.refused("The file is empty.")
    return header, sample


COLUMNS_OF_ROW = """id, file_key, file_name, header, sample, columns, options, status, rows_done, report, problem,
    created_at, ended_at"""

INSERT = sql(f"""
    insert into contact_imports (account_id, file_key, file_name, header, sample, columns)
    values ($1, $2, $3, $4, $5, $6) returning {COLUMNS_OF_ROW}
""")

SELECT = sql(f"select {COLUMNS_OF_ROW} from contact_imports where account_id = $1 and id = $2")

START = sql("""
    update contact_imports set status = $3, columns = $4, options = $5, rows_done = 0, report = null, problem = null
    where account_id = $1 and id = $2 and status in ('new', 'checked', 'failed')
""")

NOTE = sql("update contact_imports set rows_done = $3 where account_id = $1 and id = $2")

END = sql("""
    update contact_imports set status = $3, report = $4, problem = $5, ended_at = now(),
        rows_done = ($4::jsonb ->> 'imported')::int + ($4::jsonb ->> 'skipped')::int
    where account_id = $1 and id = $2
""")
