"""PostgreSQL: two pools, `tx` (one transaction bound to account, actor and cause), and the register of statements.

A transaction of the application role sees one account: `begin` and the account's setting travel in one round trip,
and row-level security stands behind the `account_id` that each statement names. What has no account yet (key lookup,
sign-in, claims) runs under the system role, with statements registered as `sql(..., system=True)`.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, TypeVar

import asyncpg
import msgspec

from trunkline.core import clock, pools
from trunkline.core.errors import TrunklineError, Unavailable
from trunkline.core.looks import Looks
from trunkline.core.pools import CONNECTION_ERRORS as CONNECTION_ERRORS
from trunkline.core.pools import Pool

T = TypeVar("T")


class Statement:
    """SQL text that the tests know about. `module` is where it stands; `system` says which role may run it."""

    __slots__ = ("module", "system", "text")

    def __init__(self, text: str, module: str, system: bool):
        self.text, self.module, self.system = text, module, system

    def __repr__(self) -> str:
        return f"{self.module}: {' '.join(self.text.split())[:60]}"


STATEMENTS: list[Statement] = []


def sql(text: str, *, system: bool = False) -> Statement:
    """Register a statement, so that one test prepares it and another checks that it names the account."""
    statement = Statement(text.strip(), sys._getframe(1).f_globals["__name__"], system)
    STATEMENTS.append(statement)
    return statement


def column(values: Iterable[T | None]) -> list[T | None]:
    """An array for `unnest` beside others. Nothing but nulls is sent as an empty one, which `unnest` fills up again:
    each element costs the driver as much as a row's own work."""
    values = list(values)
    return values if any(value is not None for value in values) else []


def json_text(value: object) -> str | None:
    """JSON for a `text[]` parameter that the statement casts; a list inside a `jsonb[]` would count as a dimension."""
    return None if value is None else msgspec.json.encode(value).decode()


class Tx:
    """One transaction. First argument of every domain function; knows account, actor and cause.

    `actor` is who ("user:7", "key:12", "system"), `cause` is why ("broadcast:9"), `depth` counts automations
    that led here. Events and jobs recorded here are written just before the commit.
    """

    __slots__ = (
        "_after",
        "_connection",
        "_events",
        "_jobs",
        "account",
        "actor",
        "cause",
        "database",
        "depth",
        "system",
    )

    def __init__(self, database: "Database", account: int, actor: str, cause: str, depth: int, system: bool):
        self.database = database
        self.account = account
        self.actor = actor
        self.cause = cause
        self.depth = depth
        self.system = system
        self._events: list[tuple[str, str]] = []
        self._jobs: list[tuple[str, str | None, str, str, datetime | None]] = []
        self._after: set[str] = set()
        self._connection: Any = None

    async def fetch(self, cls: type[T], statement: Statement, *args: object) -> list[T]:
        """All rows, each as a `cls` built from the columns in order."""
        rows = await self._run(self._connection.fetch, statement, args)
        if rows:
            _check_columns(statement, cls, rows[0])
        return [cls(*row) for row in rows]

    async def maybe(self, cls: type[T], statement: Statement, *args: object) -> T | None:
        """The first row, or None."""
        row = await self._run(self._connection.fetchrow, statement, args)
        if row is None:
            return None
        _check_columns(statement, cls, row)
        return cls(*row)

    async def one(self, cls: type[T], statement: Statement, *args: object) -> T:
        """The row that must be there."""
        row = await self.maybe(cls, statement, *args)
        if row is None:
            raise LookupError(f"no row: {statement.module}")
        return row

    async def column(self, kind: type[T], statement: Statement, *args: object) -> list[T]:
        """The first column of all rows; `kind` is for the reader and the type checker."""
        return [row[0] for row in await self._run(self._connection.fetch, statement, args)]

    async def value(self, kind: type[T], statement: Statement, *args: object) -> T | None:
        """The first column of the first row, or None."""
        return await self._run(self._connection.fetchval, statement, args)

    async def rows(self, statement: Statement, *args: object) -> list[tuple[Any, ...]]:
        """All rows as they come, for results that have no name of their own."""
        return await self._run(self._connection.fetch, statement, args)

    async def run(self, statement: Statement, *args: object) -> int:
        """Run it and return the number of rows that it touched."""
        tag = await self._run(self._connection.execute, statement, args)
        return int(tag.rsplit(" ", 1)[-1]) if tag[-1:].isdigit() else 0

    async def copy(self, table: str, columns: Sequence[str], records: Iterable[Sequence[object]]) -> None:
        """Bulk insert by COPY. Row-level security forbids COPY to the application role's tables, so it serves
        temporary staging tables only."""
        await self._connection.copy_records_to_table(table, columns=columns, records=records)

    async def stream(
        self, statement: Statement, *args: object, batch: int = 500
    ) -> AsyncIterator[list[tuple[Any, ...]]]:
        """Rows in batches from a server-side cursor: flat memory for whole tables."""
        self._permit(statement)
        cursor = await self._connection.cursor(statement.text, *args)
        while rows := await cursor.fetch(batch):
            yield rows

    def record(self, event: Any) -> None:
        """Note a fact; it is written with this transaction and handled after the commit (see core/events.py)."""
        self._events.append((event.type, msgspec.json.encode(event).decode()))

    def enqueue(self, queue: str, name: str, args: list[Any], key: str | None, at: datetime | None) -> None:
        """Put a call into a queue with this transaction. Use `job.later(tx, …)` instead (see core/jobs.py)."""
        self._jobs.append((queue, key, name, msgspec.json.encode(args).decode(), at))

    def wake(self, queue: str) -> None:
        """Tell the workers of a queue, after the commit, that there is something to do."""
        self._after.add(queue)

    async def flush(self) -> None:
        """Write what was recorded. Called before the commit."""
        if self._events:
            types, data = zip(*self._events, strict=True)
            await self._connection.execute(
                INSERT_EVENTS.text, self.account, self.actor, self.cause, self.depth, list(types), list(data)
            )
            self._after.add("events")
            self._events = []
        for queue, insert in INSERT_CALLS.items():
            calls = [call[1:] for call in self._jobs if call[0] == queue]
            if calls:
                keys, names, args, moments = (list(column) for column in zip(*calls, strict=True))
                await self._connection.execute(
                    insert.text, self.account, self.actor, self.cause, self.depth, keys, names, args, moments
                )
                self._after.add(queue)
        self._jobs = []

    async def _run(self, method: Any, statement: Statement, args: tuple[object, ...]) -> Any:
        self._permit(statement)
        return await method(statement.text, *args)

    def _permit(self, statement: Statement) -> None:
        if statement.system and not self.system:
            raise PermissionError(f"a system statement of {statement.module} in an account's transaction")


class Database:
    """The pools of one process. `tx` for an account's work, `system` for the installation's."""

    def __init__(self, dsn: str, *, connections: int = 10, timeout_seconds: float = 5.0):
        self.dsn = dsn
        self.tools: Any = None
        """What the process works with (core/tools.py); set by whoever opens the database."""
        self.looks = Looks()
        self._connections = connections
        self._timeout = timeout_seconds
        self._app: Pool | None = None
        self._system: Pool | None = None
        self._dirty: set[str] = set()
        self._waker: asyncio.Task[None] | None = None
        self._told = -WAKE_SECONDS

    async def open(self) -> "Database":
        self._app = await pools.open(self.dsn, "trunkline_app", self._connections, self._timeout)
        self._system = await pools.open(self.dsn, "trunkline_system", max(2, self._connections // 3), self._timeout)
        return self

    async def close(self) -> None:
        if self._waker is not None:
            await self._waker
        for pool in (self._app, self._system):
            if pool is not None:
                try:
                    async with asyncio.timeout(5):
                        await pool.connections.close()
                except TimeoutError:
                    pool.connections.terminate()

    def tx(
        self, account: int, actor: str = "system", cause: str = "", depth: int = 0, *, relaxed: bool = False
    ) -> "Transaction":
        """`async with database.tx(7) as tx`: a transaction that sees and writes this account only.

        `relaxed` does not wait for the disk: for what may be forgotten in a crash, never for what was promised.
        """
        begin = f"begin; set local trunkline.account = '{int(account)}'"
        if relaxed:
            begin += "; set local synchronous_commit = off"
        return Transaction(self._app, self._timeout, begin, Tx(self, account, actor, cause, depth, system=False))

    def system(
        self, account: int = 0, actor: str = "system", cause: str = "", depth: int = 0, *, relaxed: bool = False
    ) -> "Transaction":
        """A transaction of the system role; `account` is what its events and jobs belong to. `relaxed` as in `tx`."""
        begin = "begin; set local synchronous_commit = off" if relaxed else "begin"
        return Transaction(self._system, self._timeout, begin, Tx(self, account, actor, cause, depth, system=True))

    def wake(self, queues: set[str]) -> None:
        """One notification for many commits: NOTIFY serialises them."""
        if not queues:
            return
        self._dirty |= queues
        if self._waker is None or self._waker.done():
            self._waker = asyncio.get_running_loop().create_task(self._notify_soon())

    def connections(self) -> Iterator[tuple[str, str, int]]:
        """Role, state and number of the connections that are there."""
        for role, pool in (("app", self._app), ("system", self._system)):
            if pool is not None:
                idle = pool.connections.get_idle_size()
                yield role, "idle", idle
                yield role, "busy", pool.connections.get_size() - idle

    async def _notify_soon(self) -> None:
        await asyncio.sleep(max(0.005, self._told + WAKE_SECONDS - clock.monotonic()))
        self._told = clock.monotonic()
        queues, self._dirty = self._dirty, set()
        names = sorted(queues)
        assert self._system is not None
        try:
            connection = await self._system.acquire(self._timeout)
            try:  # a statement by itself is its own transaction, and one round trip
                for start in range(0, len(names), NAMES_AT_ONCE):
                    await connection.execute(NOTIFY.text, ",".join(names[start : start + NAMES_AT_ONCE]))
            finally:
                await self._system.release(connection)
        except CONNECTION_ERRORS:
            return  # workers poll as well

    async def listen(self, channel: str, heard: Any) -> asyncpg.Connection:
        """A connection of its own that calls `heard(payload)`; the caller closes it."""
        connection = await asyncpg.connect(
            self.dsn, server_settings={"role": "trunkline_system"}, timeout=int(self._timeout)
        )
        await connection.add_listener(channel, lambda *notice: heard(notice[3]))
        return connection


class Transaction:
    """One use of a pooled connection: begin, the work, what it recorded, commit; or rollback. Hot, hence a class."""

    __slots__ = ("_begin", "_connection", "_pool", "_timeout", "_tx")

    def __init__(self, pool: Pool | None, timeout_seconds: float, begin: str, tx: Tx):
        self._pool, self._timeout, self._begin, self._tx = pool, timeout_seconds, begin, tx
        self._connection: Any = None

    async def __aenter__(self) -> Tx:
        assert self._pool is not None, "open() the database first"
        stale = self._pool.size
        while True:
            try:
                await self._start()
                return self._tx
            except CONNECTION_ERRORS as error:
                # A connection that died while nobody used it makes room for another: nothing was done on it yet.
                if self._connection is None or not isinstance(error, pools.DEAD) or not stale:
                    raise Unavailable("The database") from error
                stale -= 1

    async def _start(self) -> None:
        assert self._pool is not None
        self._connection = None
        self._connection = self._tx._connection = await self._pool.acquire(self._timeout)
        try:
            await self._connection.execute(self._begin)
        except BaseException as error:
            if isinstance(error, CONNECTION_ERRORS):
                pools.give_up(self._connection)
            await self._leave()
            raise

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        try:
            if error is None:
                await self._tx.flush()
                await self._connection.execute("commit")
        except CONNECTION_ERRORS as failure:
            raise Unavailable("The database") from failure
        finally:
            await self._leave()
        if error is None:
            if self._tx._after:
                self._tx.database.wake(self._tx._after)
        elif isinstance(error, CONNECTION_ERRORS) and not isinstance(error, TrunklineError):
            # An adapter's or a file's OSError is not the database's; those are caught where they happen.
            raise Unavailable("The database") from error

    async def _leave(self) -> None:
        """Give the connection back, clean. `release` shields itself; a rollback must not be cancelled either."""
        assert self._pool is not None
        try:
            await pools.rollback(self._connection)
        finally:
            await self._pool.release(self._connection)


_checked: set[tuple[Statement, type]] = set()


def _check_columns(statement: Statement, cls: type, row: Any) -> None:
    """Structs are filled by position, so names and order must agree; looked at once per statement."""
    if (statement, cls) in _checked:
        return
    names = tuple(row.keys())
    fields = tuple(getattr(cls, "__struct_fields__", names))
    if names != fields[: len(names)]:
        raise TypeError(f"{cls.__name__} has {fields}, its statement in {statement.module} gives {names}")
    _checked.add((statement, cls))


WAKE_SECONDS = 0.03
"""How close notifications follow each other while there is much to tell."""
NAMES_AT_ONCE = 200
"""PostgreSQL tells at most 8,000 bytes at once."""

NOTIFY = sql("select pg_notify('trunkline_work', $1)", system=True)

INSERT_EVENTS = sql("""
    insert into events (account_id, actor, cause, depth, type, data)
    select $1::bigint, $2, $3, $4, type, data::jsonb from unnest($5::text[], $6::text[]) as recorded (type, data)
""")

_INSERT_CALLS = """
    insert into {queue} (account_id, actor, cause, depth, key, name, args, run_at)
    select $1::bigint, $2, $3, $4, key, name, args::jsonb, coalesce(at, now())
    from unnest($5::text[], $6::text[], $7::text[], $8::timestamptz[]) as called (key, name, args, at)
"""
INSERT_CALLS = {queue: sql(_INSERT_CALLS.format(queue=queue)) for queue in ("inbound", "jobs")}
