"""The processes that do the work: one serves the web, one runs what waits in the queues. Both drain when told to end.

Below `trunkline up` a process is a child: it hears one line of orders and answers with lines of reports.
"""

import asyncio
import ctypes
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from msgspec import Struct

from trunkline.core import clock, memory
from trunkline.core.config import Settings
from trunkline.core.errors import Refusal, TrunklineError

PARENT = "TRUNKLINE_PARENT"
"""In the environment of a child: the process id of its parent, which ends with the supervisor."""

PATIENCE_SECONDS = 30.0
WORKER_CONNECTIONS = 10
PR_SET_PDEATHSIG = 1


class Orders(Struct, frozen=True):
    """What a supervisor tells its child: on which database, and for the web where and whether to prepare it."""

    dsn: str
    host: str = "127.0.0.1"
    port: int = 8080
    first: bool = False


class Report(Struct, frozen=True, omit_defaults=True):
    """What a child tells: its database is prepared, it listens, or it refuses to go on."""

    prepared: bool = False
    url: str | None = None
    demo: Any = None
    empty: bool = False
    code: str | None = None
    message: str | None = None


def is_child() -> bool:
    return PARENT in os.environ


def follow_parent() -> None:
    """Die when our parent does, however it dies: nobody else knows of us, and our database may be gone too."""
    parent = int(os.environ[PARENT])
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def hear() -> Orders:
    """Wait for the orders; a supervisor that ends before it gives any wants nothing of us."""
    line = sys.stdin.buffer.readline()
    if not line:
        os._exit(0)
    return msgspec.json.decode(line, type=Orders)


def tell(report: Report) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(report) + b"\n")
    sys.stdout.buffer.flush()


def run(work: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    """Run until it is done; SIGTERM and SIGINT ask it to end."""
    import uvloop

    memory.settle()

    async def main() -> None:
        stop = asyncio.Event()
        for sign in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(sign, stop.set)
        await work(stop)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            runner.run(main())
        except TrunklineError as error:
            if not is_child():
                raise
            tell(Report(code=error.code, message=error.message))
            raise SystemExit(1) from None


async def web(
    settings: Settings,
    orders: Orders,
    stop: asyncio.Event,
    listening: Callable[[str], Awaitable[None]],
) -> None:
    """Serve until `stop`, then let the requests in flight finish. `listening` hears the address."""
    from trunkline.app import App
    from trunkline.server import Edge, serve

    loop = asyncio.get_running_loop()
    tls = (settings.tls_cert, settings.tls_key) if settings.tls_cert else None
    async with _database(settings, orders.dsn, settings.web_connections) as database:
        app = App(database)
        await app.open()
        notes: list[asyncio.Task[None]] = []

        def on_listen(host: str, port: int) -> None:
            url = address(orders.host, port, tls=tls is not None)
            notes.append(loop.create_task(_said(database, settings, url, listening)))

        try:
            await serve(
                Edge(app),
                host=orders.host,
                port=orders.port,
                stop=stop,
                on_listen=on_listen,
                trusted_proxies=settings.trusted_proxies,
                tls=tls,
                body_cap=app.body_cap,
                wording=app.wording,
            )
        finally:
            for note in notes:
                note.cancel()
            await app.close()


async def worker(settings: Settings, dsn: str, queues: Sequence[str], stop: asyncio.Event) -> None:
    """Work until `stop`, then finish what is running."""
    from trunkline.worker import Worker

    async with _database(settings, dsn, WORKER_CONNECTIONS) as database:
        work = Worker(database, queues)
        running = asyncio.create_task(work.run())
        ending = asyncio.create_task(stop.wait())
        await asyncio.wait((running, ending), return_when=asyncio.FIRST_COMPLETED)
        ending.cancel()
        work.stop()
        await running


def address(host: str, port: int, *, tls: bool) -> str:
    """Where a browser on this machine reaches us."""
    here = "127.0.0.1" if host in ("0.0.0.0", "::", "") else host  # noqa: S104
    here = f"[{here}]" if ":" in here else here
    return f"http{'s' if tls else ''}://{here}:{port}"


@asynccontextmanager
async def _database(settings: Settings, dsn: str, connections: int):
    from trunkline.core.tools import Tools
    from trunkline.storage import state

    database = await _opened(dsn, connections)
    database.tools = Tools(settings)
    if settings.ai_embedding_model:
        from trunkline.ai import models

        database.tools.embedder = models.embedder(database.tools)
    try:
        await state.check_secret(database)
        yield database
    finally:
        await database.tools.close()
        await database.close()


async def _opened(dsn: str, connections: int) -> Any:
    """The open database; while it is away (it may be starting again) we wait a little."""
    import asyncpg

    from trunkline.core.db import CONNECTION_ERRORS, Database

    deadline = clock.monotonic() + PATIENCE_SECONDS
    while True:
        database = Database(dsn, connections=connections)
        try:
            return await database.open()
        except (*CONNECTION_ERRORS, asyncpg.PostgresError, ValueError) as error:
            await database.close()
            if clock.monotonic() > deadline or not isinstance(error, CONNECTION_ERRORS):
                raise Refusal(
                    f"The database cannot be reached: {error}. Check TRUNKLINE_DATABASE_URL and that the server runs.",
                    code="unavailable",
                ) from error
            await asyncio.sleep(0.25)


async def _said(database: Any, settings: Settings, url: str, listening: Callable[[str], Awaitable[None]]) -> None:
    """Note where we are reached. One more process beside `trunkline up` leaves its address alone: it outlives us."""
    from trunkline.storage import state

    ours = is_child() or bool(settings.database_url)
    async with database.system() as tx:
        noted = await state.read(tx, state.URL)
        if noted is None or (ours and noted != url):
            await state.note(tx, state.URL, url)
    await listening(url)
