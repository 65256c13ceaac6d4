"""Brings a database to this version's schema: numbered SQL files, forward only, each recorded."""

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
from msgspec import Struct

from trunkline.core.errors import Refusal

MIGRATIONS = Path(__file__).parent / "migrations"
OLDEST_SERVER = 15

# How often a migration that could not get its locks is tried, and the first pause; each is longer.
ATTEMPTS = 8
PAUSE = 0.5

NAME = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")


class Migration(Struct, frozen=True):
    number: int
    name: str
    script: str
    checksum: str

    @property
    def in_transaction(self) -> bool:
        return self.script.partition("\n")[0].strip() != "-- no-transaction"

    def statements(self) -> list[str]:
        """For files outside a transaction, where a statement ends at a semicolon that ends a line."""
        return [part for part in re.split(r"(?<=;)[ \t]*\n", self.script) if _has_code(part)]


async def migrate(dsn: str, folder: Path = MIGRATIONS) -> list[str]:
    """Apply what is missing and return the names, in order. Of two at once the second finds nothing to do."""
    migrations = read(folder)
    async with _connected(dsn) as connection:
        await connection.fetch(TAKE_TURN)
        await connection.execute(CREATE_TABLE)
        pending = _pending(migrations, await _applied(connection))
        for migration in pending:
            await _apply(connection, migration)
    return [migration.name for migration in pending]


async def check(database: Any, folder: Path = MIGRATIONS) -> None:
    """Refuse a database whose schema is not exactly ours. Takes a connection URL, a connection or a pool."""
    if isinstance(database, str):
        async with _connected(database) as connection:
            await check(connection, folder)
        return
    if await database.fetchval(FIND_TABLE) is None:
        raise Refusal("The database has no tables yet. Run `trunkline migrate`.")
    if pending := _pending(read(folder), await _applied(database)):
        raise Refusal(
            f"The database is older than this program: {len(pending)} migration(s) from {pending[0].name} on "
            "are missing. Run `trunkline migrate`."
        )


def fingerprint(folder: Path = MIGRATIONS) -> str:
    """Names the schema as a whole: equal for equal migrations."""
    checksums = "".join(migration.checksum for migration in read(folder))
    return hashlib.sha256(checksums.encode()).hexdigest()[:16]


def read(folder: Path = MIGRATIONS) -> list[Migration]:
    """The migrations of a folder, numbered 0001, 0002, … without a gap."""
    migrations = [_read_one(path) for path in sorted(folder.glob("*.sql"))]
    for expected, migration in enumerate(migrations, start=1):
        if migration.number != expected:
            raise Refusal(f"Migration {expected:04} is missing or doubled, near {migration.name}. Reinstall Trunkline.")
    return migrations


def _read_one(path: Path) -> Migration:
    match = NAME.fullmatch(path.name)
    if not match:
        raise Refusal(f"{path.name} is no name for a migration; expected 0001_some_words.sql.")
    # Line ends do not count, so a checkout on another system has the same checksum.
    script = path.read_text(encoding="utf-8").replace("\r\n", "\n")
    return Migration(int(match[1]), path.stem, script, hashlib.sha256(script.encode()).hexdigest())


def _pending(migrations: list[Migration], applied: dict[int, Any]) -> list[Migration]:
    """What is still to be applied, after making sure that what was applied is what we know."""
    newest = max(applied, default=0)
    if newest > len(migrations):
        raise Refusal(
            f"This database was made by a newer Trunkline (migration {newest:04}, this program knows "
            f"{len(migrations):04}); upgrade the program."
        )
    for migration in migrations[:newest]:
        row = applied.get(migration.number)
        if row is None:
            raise Refusal(
                f"Migration {migration.name} was never applied to this database, but later ones were. Restore "
                "it from a backup, or ask for help with the content of the table schema_migrations."
            )
        if row["checksum"] != migration.checksum:
            raise Refusal(
                f"Migration {migration.name} is not the one applied to this database. Reinstall the "
                "released program; applied migrations never change."
            )
    return migrations[newest:]


async def _apply(connection: asyncpg.Connection, migration: Migration) -> None:
    """Readers and writers go first: a migration waits two seconds for a lock, steps back and tries again."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            await (_inside if migration.in_transaction else _outside)(connection, migration)
            return
        except asyncpg.LockNotAvailableError as error:
            if attempt == ATTEMPTS:
                raise Refusal(
                    f"Migration {migration.name} could not get its locks: the database is too busy. Nothing "
                    "of it was kept; run `trunkline migrate` again at a quieter time."
                ) from error
            await asyncio.sleep(PAUSE * attempt)
        except asyncpg.PostgresError as error:
            raise Refusal(f"Migration {migration.name} failed: {error}. {_next_step(error)}") from error


async def _inside(connection: asyncpg.Connection, migration: Migration) -> None:
    async with connection.transaction():
        await connection.execute(LIMIT_LOCKS)
        if _has_code(migration.script):
            await connection.execute(migration.script)
        await connection.execute(RECORD, migration.number, migration.name, migration.checksum)


async def _outside(connection: asyncpg.Connection, migration: Migration) -> None:
    # `create index concurrently` waits for long transactions without blocking anybody: no lock limit here.
    # A file of this kind is written so that it can run twice.
    for statement in migration.statements():
        await connection.execute(statement)
    await connection.execute(RECORD, migration.number, migration.name, migration.checksum)


def _next_step(error: asyncpg.PostgresError) -> str:
    match error:
        case asyncpg.InsufficientPrivilegeError():
            return "Let TRUNKLINE_DATABASE_URL name a role that owns the database and may create roles."
        case asyncpg.UndefinedFileError() | asyncpg.FeatureNotSupportedError():
            return "Install the missing part on the database server (usually its contrib package); run it again."
        case asyncpg.DiskFullError():
            return "Free some disk space and run `trunkline migrate` again."
    return "Nothing of it was kept. Run `trunkline migrate` again; if it fails again, please report it."


async def _applied(database: Any) -> dict[int, Any]:
    return {row["number"]: row for row in await database.fetch(READ_TABLE)}


@asynccontextmanager
async def _connected(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await _connect(dsn)
    try:
        if connection.get_server_version().major < OLDEST_SERVER:
            raise Refusal(
                f"The database server is PostgreSQL {connection.get_server_version().major}; "
                f"Trunkline needs {OLDEST_SERVER} or newer."
            )
        yield connection
    finally:
        await connection.close()


async def _connect(dsn: str) -> asyncpg.Connection:
    try:
        return await asyncpg.connect(dsn)
    except (OSError, TimeoutError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise Refusal(f"The database cannot be reached: {error}. Check TRUNKLINE_DATABASE_URL.") from error


def _has_code(part: str) -> bool:
    return any(line.strip() and not line.lstrip().startswith("--") for line in part.splitlines())


TAKE_TURN = "select pg_advisory_lock(hashtext('trunkline.schema_migrations'))"

CREATE_TABLE = """
    create table if not exists schema_migrations (
        number int primary key,
        name text not null,
        checksum text not null,
        applied_at timestamptz not null default now()
    );
    grant select on schema_migrations to public
"""

FIND_TABLE = "select to_regclass('schema_migrations')"

READ_TABLE = "select number, name, checksum from schema_migrations order by number"

LIMIT_LOCKS = "set local lock_timeout = '2s'"

RECORD = "insert into schema_migrations (number, name, checksum) values ($1, $2, $3)"
