"""Spreadsheets as people send them: CSV in any usual encoding and with any usual separator, XLSX and XLS."""

import codecs
import contextlib
import csv
import io
import re
import zipfile
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import BinaryIO

from trunkline.core.errors import Invalid

MOST_BYTES = 50 * 1024 * 1024
MOST_COLUMNS = 200
MOST_CELL = 32 * 1024
MOST_ENTRIES = 1_000
MOST_UNPACKED = 300 * 1024 * 1024
MOST_RATIO = 100
MOST_CELLS = 20_000_000
CHUNK = 256 * 1024

Row = list[str] | str  # the cells, or what is wrong with them


def rows(file: BinaryIO) -> Iterator[Row]:
    """The rows from the first, blank ones as `[]`. Raises `Invalid` for a file that is too large or not a sheet."""
    file.seek(0, io.SEEK_END)
    if file.tell() > MOST_BYTES:
        raise refused("The file is too large.")
    file.seek(0)
    head = file.read(4)
    file.seek(0)
    if head == b"PK\x03\x04":
        _check_archive(file)
        return _workbook(file)
    return _workbook(file) if head == b"\xd0\xcf\x11\xe0" else _csv(file)


def refused(problem: str) -> Invalid:
    return Invalid({"file": [problem]})


def _csv(file: BinaryIO) -> Iterator[Row]:
    text = io.TextIOWrapper(file, encoding=_encoding(file), errors="replace", newline="")
    try:
        sample = text.read(64 * 1024)
        text.seek(0)
        reader = csv.reader(text, delimiter=_delimiter(sample))
        while True:
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error:
                yield "a cell is too long or not closed"
                continue
            yield _checked([cell.strip() for cell in cells])
    finally:
        with contextlib.suppress(ValueError):  # the caller has closed the file already
            text.detach()


def _encoding(file: BinaryIO) -> str:
    """By its mark, else UTF-8 if it is valid throughout, else what Windows writes."""
    head = file.read(3)
    file.seek(0)
    if head[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return "utf-16"
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        while chunk := file.read(CHUNK):
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return "cp1252"
    finally:
        file.seek(0)
    return "utf-8-sig"


def _delimiter(sample: str) -> str:
    """The separator that the header uses most."""
    header = QUOTED.sub("", sample).lstrip("\r\n").splitlines()[:1]
    return max(",;\t", key=header[0].count) if header else ","


def _workbook(file: BinaryIO) -> Iterator[Row]:
    import python_calamine

    try:
        sheet = python_calamine.load_workbook(file).get_sheet_by_index(0)
    except (python_calamine.CalamineError, OSError, ValueError, IndexError):
        raise refused("Could not read the spreadsheet.") from None
    start = sheet.start[0] if sheet.start else 0
    yield from ([] for _ in range(min(start, 1000)))  # so that rows keep their numbers
    for cells in sheet.to_python(skip_empty_area=True) if start else sheet.iter_rows():
        texts = [_text(cell).strip() for cell in cells]
        yield _checked(texts) if any(texts) else []


def _text(cell: object) -> str:
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))  # a phone that the sheet took for a number
    if isinstance(cell, datetime | date):
        return cell.isoformat()
    return str(cell)


def _checked(cells: list[str]) -> Row:
    if len(cells) > MOST_COLUMNS:
        return "too many columns"
    if cells and max(map(len, cells)) > MOST_CELL:
        return "a cell is too long or not closed"
    return cells if any(cells) else []


def _check_archive(file: BinaryIO) -> None:
    """Refuse what would unpack to more than it is worth; sizes are counted, not believed."""
    unpacked = 0
    try:
        with zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
            if len(entries) > MOST_ENTRIES:
                raise refused("The spreadsheet has too many parts.")
            for entry in entries:
                unpacked += _check_entry(archive, entry, MOST_UNPACKED - unpacked)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, RuntimeError, EOFError, OSError):
        raise refused("Could not read the spreadsheet.") from None
    finally:
        file.seek(0)


def _check_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, allowed: int) -> int:
    """Unpack one entry without keeping it; returns its true size."""
    entry.file_size = allowed + 1  # else reading stops at the size that the file claims
    rows, columns, size, tail = 0, 0, 0, b""
    with archive.open(entry) as packed:
        while chunk := packed.read(CHUNK):
            if not size and chunk.startswith(b"PK\x03\x04"):
                raise refused("The spreadsheet holds another archive.")
            size += len(chunk)
            if size > allowed or (size > CHUNK and size > MOST_RATIO * max(entry.compress_size, 1)):
                raise refused("The spreadsheet unpacks to too much data.")
            if entry.filename.startswith("xl/worksheets/"):
                rows, columns = _extent(tail + chunk, rows, columns)
                tail = chunk[-16:]
                # The sheet is laid out as a full rectangle in memory, however few cells it has.
                if rows * columns > MOST_CELLS:
                    raise refused("The spreadsheet has too many cells.")
    return size


def _extent(xml: bytes, rows: int, columns: int) -> tuple[int, int]:
    for letters, number in CELL.findall(xml):
        column = 0
        for letter in letters:
            column = column * 26 + letter - 64
        rows, columns = max(rows, int(number)), max(columns, column)
    return rows, columns


def numbered(rows: Iterable[Row]) -> Iterator[tuple[int, Row]]:
    """Rows with the number that a spreadsheet shows beside them, blank ones left out."""
    return ((number, row) for number, row in enumerate(rows, start=1) if row)


QUOTED = re.compile(r'"[^"]*"?')
CELL = re.compile(rb'\sr="([A-Z]{1,3})([0-9]{1,7})"')
