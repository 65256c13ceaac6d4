"""Restore: a backup put into an empty installation, all of it or nothing, and held until somebody releases it."""

import hashlib
import os
import shutil
import tempfile
import zipfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg

from trunkline.core.errors import Refusal
from trunkline.storage import schema
from trunkline.storage.backup import CHUNK, Manifest, Table, Told, quoted


def verify(file: Path, manifest: Manifest, told: Told = lambda size: None) -> None:
    """Read the backup through and compare every checksum."""
    with _whole(file) as archive:
        for entry in manifest.entries:
            digest = hashlib.sha256()
            with archive.open(entry.name) as source:
                while chunk := source.read(CHUNK):
                    digest.update(chunk)
                    told(len(chunk))
            if digest.hexdigest() != entry.sha256:
                raise Refusal(f"{file} is damaged: {entry.name} is not what was written. Take another backup file.")


async def refuse_inhabited(dsn: str) -> None:
    """A restore never mixes two installations; a database without accounts is empty."""
    connection = await asyncpg.connect(dsn)
    try:
        if await connection.fetchval("select to_regclass('accounts')") and await _inhabited(connection):
            raise Refusal(
                "The database is not empty, and a restore never mixes two installations. Name an empty data folder "
                "with --data, or an empty database with TRUNKLINE_DATABASE_URL."
            )
    finally:
        await connection.close()


async def load(dsn: str, file: Path, manifest: Manifest, told: Told = lambda size: None) -> None:
    """Put the rows into an empty database and hold it: nothing is sent until it is released. All or nothing."""
    await _migrate_to(dsn, manifest.schema)
    connection = await asyncpg.connect(dsn)
    try:
        with _whole(file) as archive:
            async with connection.transaction():
                for table in await _in_order(connection, manifest.tables):
                    await _load_table(connection, archive, table, told)
                for name, value in manifest.sequences.items():
                    await connection.execute("select setval($1::text::regclass, $2, true)", name, value)
                await connection.execute(HOLD)
        await connection.execute("analyze")
    except asyncpg.PostgresError as error:
        raise Refusal(
            f"The backup could not be loaded: {error}. Nothing of it was kept; try an empty database."
        ) from error
    finally:
        await connection.close()
    await schema.migrate(dsn)


def unpack(file: Path, manifest: Manifest, data: Path, told: Told = lambda size: None) -> None:
    """Put media and the secret into the data folder."""
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _whole(file) as archive:
        for entry in manifest.entries:
            target = data / entry.name
            if entry.name == "secret":
                _keep_secret(target, archive.read(entry.name))
            elif entry.name.startswith("media/") and target.resolve().is_relative_to((data / "media").resolve()):
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(entry.name) as source, target.open("wb") as copy:
                    shutil.copyfileobj(source, copy, CHUNK)
                told(entry.size)


def secret_in(file: Path) -> str:
    with _whole(file) as archive:
        return archive.read("secret").decode()


async def _migrate_to(dsn: str, number: int) -> None:
    """An older backup is loaded under its own schema and then brought forward like any older database."""
    with tempfile.TemporaryDirectory() as folder:
        for migration in schema.read()[:number]:
            shutil.copy(schema.MIGRATIONS / f"{migration.name}.sql", folder)
        await schema.migrate(dsn, Path(folder))


async def _inhabited(connection: asyncpg.Connection) -> bool:
    async with connection.transaction():
        await connection.execute("set local role trunkline_system")
        return bool(await connection.fetchval("select exists (select from accounts where id > 0)"))


async def _in_order(connection: asyncpg.Connection, tables: list[Table]) -> list[Table]:
    """Those that others refer to come first."""
    needs: dict[str, set[str]] = {table.name: set() for table in tables}
    for child, parent in await connection.fetch(REFERENCES):
        if child in needs and parent in needs:
            needs[child].add(parent)
    ordered: list[str] = []
    while len(ordered) < len(tables):
        ordered += [name for name in needs if name not in ordered and needs[name] <= set(ordered)]
    return sorted(tables, key=lambda table: ordered.index(table.name))


async def _load_table(connection: asyncpg.Connection, archive: zipfile.ZipFile, table: Table, told: Told) -> None:
    """COPY knows no row-level security, and the counts that triggers keep are in the backup already."""
    name = quoted([table.name])
    guarded = await connection.fetchval(GUARDED, table.name)
    await connection.execute(f"alter table {name} disable trigger user")
    if guarded:
        await connection.execute(f"alter table {name} no force row level security")
    await connection.execute(f"delete from {name}")

    async def chunks() -> AsyncIterator[bytes]:
        with archive.open(f"tables/{table.name}.copy") as source:
            while chunk := source.read(CHUNK):
                told(len(chunk))
                yield chunk

    tag = await connection.copy_to_table(table.name, source=chunks(), columns=table.columns)
    if int(tag.split()[-1]) != table.rows:
        raise Refusal(f"The table {table.name} came back with other rows than were backed up. Nothing was kept.")
    if guarded:
        await connection.execute(f"alter table {name} force row level security")
    await connection.execute(f"alter table {name} enable trigger user")


def _keep_secret(path: Path, secret: bytes) -> None:
    draft = path.with_name(f"secret.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(secret)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


@contextmanager
def _whole(file: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(file) as archive:
            yield archive
    except (zipfile.BadZipFile, KeyError, EOFError) as error:
        raise Refusal(f"{file} is damaged: {error}. Take another backup file.") from None


REFERENCES = """
    select conrelid::regclass::text, confrelid::regclass::text from pg_constraint
    where contype = 'f' and conrelid <> confrelid
"""

GUARDED = "select relforcerowsecurity from pg_class where oid = $1::text::regclass"

HOLD = """
    insert into installation (name, value) values ('held', 'true')
    on conflict (name) do update set value = excluded.value
"""
