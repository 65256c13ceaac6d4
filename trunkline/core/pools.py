"""Pools of connections: first come, first served, and what is dead is replaced."""

import asyncio
import contextlib
from typing import Any

import asyncpg
import msgspec

CONNECTION_ERRORS = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # the backend's last words came while the connection was idle
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.QueryCanceledError,
    asyncpg.LockNotAvailableError,
)

DEAD = (
    ConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
)
"""How a connection says that its server's side is gone."""

IDLE_SECONDS = 20
"""A connection that nobody needed for so long is closed: its other side holds some 10 MiB."""


async def open(dsn: str, role: str, size: int, seconds: float) -> "Pool":
    """A pool of at most `size` connections under a role; each is made within `seconds`."""
    connections = await asyncpg.create_pool(
        dsn,
        min_size=0,
        max_size=size,
        connection_class=Connection,
        max_inactive_connection_lifetime=IDLE_SECONDS,
        statement_cache_size=500,
        command_timeout=120,
        timeout=seconds,
        init=_prepare,
        server_settings={
            "role": role,
            "application_name": "trunkline",
            "idle_in_transaction_session_timeout": "60000",
        },
    )
    return Pool(connections, size)


class Pool:
    """Connections behind a gate that lets in whoever waits longest; by themselves they let newcomers overtake."""

    __slots__ = ("connections", "gate", "size")

    def __init__(self, connections: asyncpg.Pool, size: int):
        self.connections, self.size = connections, size
        self.gate = asyncio.Semaphore(size)

    async def acquire(self, seconds: float) -> Any:
        if self.gate.locked():
            async with asyncio.timeout(seconds):
                await self.gate.acquire()
        else:
            await self.gate.acquire()
        try:
            return await self.connections.acquire()  # whom the gate lets in finds one, or makes one within its time
        except BaseException:
            self.gate.release()
            raise

    async def release(self, connection: Any) -> None:
        try:
            await self.connections.release(connection)
        finally:
            self.gate.release()


class Connection(asyncpg.Connection):
    """No reset query between uses: a transaction leaves nothing behind, and the round trip is saved."""

    def get_reset_query(self) -> str:
        return ""


async def _prepare(connection: asyncpg.Connection) -> None:
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        format="binary",
        encoder=lambda value: b"\x01" + msgspec.json.encode(value),
        decoder=lambda raw: msgspec.json.decode(raw[1:]),
    )


async def rollback(connection: Any) -> None:
    """End the transaction. Whoever is canceled even here leaves a connection that nobody may use again."""
    try:
        if connection.is_in_transaction() and not connection.is_closed():
            rolling = asyncio.ensure_future(connection.execute("rollback"))
            rolling.add_done_callback(lambda done: done.cancelled() or done.exception())
            await asyncio.shield(rolling)
    except CONNECTION_ERRORS:
        give_up(connection)
    except asyncio.CancelledError:
        give_up(connection)
        raise


def give_up(connection: Any) -> None:
    """Close at once what is not to be trusted any more; the pool took back by itself what it saw dying."""
    with contextlib.suppress(asyncpg.InterfaceError):
        connection.terminate()
