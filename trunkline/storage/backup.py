"""Backup of a whole installation in one file, which any server from PostgreSQL 15 on can take back.

A backup is a zip: `tables/*.copy` (the rows of one snapshot as COPY text), `media/…`, `secret`, and last of all
`manifest.json` with sizes and SHA-256 checksums. The schema itself is not in it: our migrations make it.
"""

import hashlib
import os
import zipfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

import asyncpg
import msgspec
from msgspec import Struct

from trunkline import __version__
from trunkline.core import clock
from trunkline.core.errors import Refusal
from trunkline.storage import schema

FORMAT = 1
CHUNK = 1 << 20
LEFT_OUT = {"schema_migrations", "workers", "import_rows"}
"""Made by the migrations, of the moment only, or never filled."""

Told = Callable[[int], None]


class Table(Struct, frozen=True):
    name: str
    columns: list[str]
    rows: int


class Entry(Struct, frozen=True):
    name: str
    size: int
    sha256: str


class Manifest(Struct, frozen=True):
    """What is in a backup. `schema` is the number of its last migration."""

    format: int
    version: str
    created_at: str
    schema: int
    fingerprint: str
    server: str
    tables: list[Table]
    sequences: dict[str, int]
    entries: list[Entry]

    @property
    def rows(self) -> int:
        return sum(table.rows for table in self.tables)

    @property
    def size(self) -> int:
        return sum(entry.size for entry in self.entries)


async def write(dsn: str, file: Path, media: Path, secret: str, told: Told = lambda size: None) -> Manifest:
    """Write a backup of the database of `dsn`, the media folder and the secret; `told` hears of each part's bytes.

    The file appears under its name when it is whole. Only its owner can read it.
    """
    _refuse_existing(file)
    draft = file.with_name(f"{file.name}.{os.getpid()}.partial")
    with _explained(file):
        try:
            manifest = await _write(dsn, draft, media, secret, told)
            draft.replace(file)
            _sync(file.parent)
        finally:
            draft.unlink(missing_ok=True)
    return manifest


def _refuse_existing(file: Path) -> None:
    if file.exists():
        raise Refusal(f"{file} exists already, and a backup is never overwritten. Name another file.")


async def _write(dsn: str, draft: Path, media: Path, secret: str, told: Told) -> Manifest:
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as raw:
        with zipfile.ZipFile(raw, "w", allowZip64=True) as archive:
            async with _snapshot(dsn) as connection:
                found = await _describe(connection)
                entries: list[Entry] = []
                tables: list[Table] = []
                for name, columns in found.items():
                    table, entry = await _put_table(archive, connection, name, columns, told)
                    tables.append(table)
                    entries.append(entry)
                # After the rows, so that no row has a number that its sequence would give again.
                sequences = await _sequences(connection)
                number = await connection.fetchval("select max(number) from schema_migrations") or 0
                server = connection.get_server_version()
            for path in _files(media):
                with suppress(FileNotFoundError):  # deleted meanwhile
                    entries.append(_put_file(archive, f"media/{path.relative_to(media)}", path, told))
            entries.append(_put_text(archive, "secret", secret.encode()))
            manifest = Manifest(
                FORMAT,
                __version__,
                clock.now().isoformat(),
                number,
                _fingerprint(number),
                f"{server.major}.{server.minor}",
                tables,
                sequences,
                entries,
            )
            archive.writestr("manifest.json", msgspec.json.format(msgspec.json.encode(manifest)))
        raw.flush()
        os.fsync(raw.fileno())
    return manifest


def read(file: Path) -> Manifest:
    """What a backup says of itself; refuses what is no backup of ours, or of a later version."""
    try:
        with zipfile.ZipFile(file) as archive:
            manifest = msgspec.json.decode(archive.read("manifest.json"), type=Manifest)
    except OSError as error:
        raise Refusal(f"{file} cannot be read: {error.strerror}. Name a file that `trunkline backup` wrote.") from None
    except (zipfile.BadZipFile, KeyError, msgspec.DecodeError, NotImplementedError):
        raise Refusal(f"{file} is no whole backup. Take another file that `trunkline backup` wrote.") from None
    newest = len(schema.read())
    if manifest.format > FORMAT or manifest.schema > newest:
        raise Refusal(f"{file} was made by Trunkline {manifest.version}, which is newer. Upgrade this program first.")
    if manifest.fingerprint != _fingerprint(manifest.schema):
        raise Refusal(
            f"{file} has another schema than this program's. Use the release {manifest.version} to restore it."
        )
    return manifest


@asynccontextmanager
async def _snapshot(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection that sees one moment, and all accounts."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("set idle_in_transaction_session_timeout = 0")
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            yield connection
    finally:
        await connection.close()


async def _describe(connection: asyncpg.Connection) -> dict[str, list[str]]:
    """Our tables with the columns that are stored as given."""
    found: dict[str, list[str]] = {}
    for table, column in await connection.fetch(COLUMNS):
        if table not in LEFT_OUT:
            found.setdefault(table, []).append(column)
    return found


async def _put_table(
    archive: zipfile.ZipFile, connection: asyncpg.Connection, name: str, columns: list[str], told: Told
) -> tuple[Table, Entry]:
    member = zipfile.ZipInfo(f"tables/{name}.copy", _dos_time())
    member.compress_type = zipfile.ZIP_DEFLATED
    digest, size = hashlib.sha256(), 0
    with archive.open(member, "w", force_zip64=True) as target:

        async def put(chunk: bytes) -> None:
            nonlocal size
            size += len(chunk)
            digest.update(chunk)
            target.write(chunk)
            told(len(chunk))

        # The system role passes row-level security, which is forced on the owner too.
        await connection.execute("set local role trunkline_system")
        query = f"select {quoted(columns)} from {quoted([name])}"
        tag = await connection.copy_from_query(query, output=put)
        await connection.execute("set local role none")
    return Table(name, columns, int(tag.split()[-1])), Entry(member.filename, size, digest.hexdigest())


def _put_file(archive: zipfile.ZipFile, name: str, path: Path, told: Told) -> Entry:
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as source, archive.open(zipfile.ZipInfo(name, _dos_time()), "w", force_zip64=True) as target:
        while chunk := source.read(CHUNK):
            digest.update(chunk)
            size += len(chunk)
            target.write(chunk)
            told(len(chunk))
    return Entry(name, size, digest.hexdigest())


def _put_text(archive: zipfile.ZipFile, name: str, text: bytes) -> Entry:
    archive.writestr(zipfile.ZipInfo(name, _dos_time()), text)
    return Entry(name, len(text), hashlib.sha256(text).hexdigest())


async def _sequences(connection: asyncpg.Connection) -> dict[str, int]:
    """Where the numbering stands; sequences that were never used are left out."""
    return dict(await connection.fetch(SEQUENCES))


def _files(folder: Path) -> Iterator[Path]:
    if folder.exists():
        yield from sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def _fingerprint(number: int) -> str:
    checksums = "".join(migration.checksum for migration in schema.read()[:number])
    return hashlib.sha256(checksums.encode()).hexdigest()[:16]


def quoted(names: list[str]) -> str:
    """Names as SQL writes them, with commas between."""
    return ", ".join('"' + name.replace('"', '""') + '"' for name in names)


def _dos_time() -> tuple[int, int, int, int, int, int]:
    return clock.now().timetuple()[:6]


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    with suppress(OSError):
        os.fsync(descriptor)
    os.close(descriptor)


@contextmanager
def _explained(file: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Refusal(
            f"{file} cannot be written: {error.strerror or error}. Name a file in a folder that exists, that you may "
            "write to, and that has room."
        ) from error


COLUMNS = """
    select c.relname, a.attname from pg_class c join pg_attribute a on a.attrelid = c.oid
    where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace
        and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
    order by c.relname, a.attnum
"""

SEQUENCES = """
    select quote_ident(sequencename), last_value from pg_sequences
    where schemaname = 'public' and last_value is not null order by 1
"""
