"""What a command works on: the installation's database, alone or beside a running server."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import asyncpg

from trunkline.accounts import accounts
from trunkline.accounts.accounts import Account
from trunkline.core.config import Settings
from trunkline.core.db import CONNECTION_ERRORS, Database, Tx
from trunkline.core.errors import NotFound, Refusal
from trunkline.storage import postgres, schema, state

CONNECTIONS = 3


@asynccontextmanager
async def installation(
    settings: Settings, *, make: bool = False, tools: bool = False, any_secret: bool = False
) -> AsyncIterator[Database]:
    """The open database. An empty one gets its tables; with `make` a missing data folder is made too.

    `tools` are for commands that seal, open or send something; they take long to load. Another secret than the one
    that sealed what is stored is refused, unless `any_secret`.
    """
    if not make:
        refuse_missing(settings)
    async with postgres.database(settings.data, settings.database_url or None, settings.postgres_bin or None) as dsn:
        await prepare(dsn)
        database = await open_database(dsn)
        if tools:
            from trunkline.core.tools import Tools

            database.tools = Tools(settings)
        try:
            if tools and not any_secret:
                await state.check_secret(database)
            yield database
        finally:
            if tools:
                await database.tools.close()
            await database.close()


@asynccontextmanager
async def workspace(
    settings: Settings, account: str, *, system: bool = False, tools: bool = False
) -> AsyncIterator[tuple[Tx, Account]]:
    """A transaction of the account with this public id, of the application's role or of the system's."""
    async with installation(settings, tools=tools) as database:
        async with database.system() as tx:
            found = await account_named(tx, account)
        async with database.system(found.id) if system else database.tx(found.id) as tx:
            yield tx, found


async def account_named(tx: Tx, account: str) -> Account:
    """By public id; what is unknown is refused with the way to find it."""
    try:
        return await accounts.by_uuid(tx, account)
    except NotFound:
        raise Refusal(
            f"There is no account {account}. `trunkline account list` shows the accounts and their UUIDs.",
            code="not_found",
        ) from None


def uuid(text: str, kind: str, hint: str) -> UUID:
    """The UUID that was typed; what is none names nothing."""
    try:
        return UUID(text)
    except ValueError:
        raise Refusal(f"There is no {kind} {text}. {hint}", code="not_found") from None


def refuse_missing(settings: Settings) -> None:
    if not settings.database_url and not (settings.data / "postgres").exists():
        raise Refusal(
            f"There is no Trunkline data in {settings.data.absolute()}. Name the right folder with --data or "
            "TRUNKLINE_DATA, or start here with `trunkline up`.",
            code="no_data",
        )


async def prepare(dsn: str) -> None:
    """Give an empty database its tables; refuse one of another version."""
    try:
        connection = await asyncpg.connect(dsn, timeout=10)
    except (*CONNECTION_ERRORS, asyncpg.PostgresError, ValueError) as error:
        raise unreachable(error) from error
    try:
        is_empty = await connection.fetchval(schema.FIND_TABLE) is None
        # A first migration that failed leaves its list of migrations behind, and nothing on it.
        is_empty = is_empty or not await connection.fetchval("select exists (select from schema_migrations)")
        if not is_empty:
            await schema.check(connection)
    finally:
        await connection.close()
    if is_empty:
        await schema.migrate(dsn)


async def open_database(dsn: str, connections: int = CONNECTIONS) -> Database:
    try:
        return await Database(dsn, connections=connections).open()
    except (*CONNECTION_ERRORS, asyncpg.PostgresError, ValueError) as error:
        raise unreachable(error) from error


def unreachable(error: BaseException) -> Refusal:
    return Refusal(
        f"The database cannot be reached: {str(error).splitlines()[0] if str(error) else type(error).__name__}. "
        "Check TRUNKLINE_DATABASE_URL and that the server runs.",
        code="unavailable",
    )
