"""The embedded PostgreSQL: a supervisor keeps it for `up`; commands use it beside that, or alone."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from trunkline.core import clock
from trunkline.core.errors import Refusal
from trunkline.storage.locks import PATIENCE, Lock, gate
from trunkline.storage.server import Server, explained

log = logging.getLogger(__name__)

# How often the supervisor looks whether the server lives, and how often it tends log and socket.
LOOK = 0.2
TEND = 60.0


class Embedded:
    """The supervisor's hold on a data folder; there is one at a time.

    server = Embedded(data)
    await server.start()
    watch = asyncio.create_task(server.supervise())
    …
    watch.cancel()
    await server.stop()
    """

    def __init__(self, data: Path, bin_setting: str | None = None):
        self.data = data.absolute()
        self._server = Server(self.data, bin_setting)
        self._lock = Lock(self.data / "lock")
        self._one_change = asyncio.Lock()

    @property
    def dsn(self) -> str:
        return self._server.dsn

    async def start(self) -> None:
        """Hold the folder and bring its server up: found running without a holder, started, or newly made."""
        with explained(self.data):
            self.data.mkdir(mode=0o700, parents=True, exist_ok=True)
            async with gate(self.data):
                if not self._lock.take():
                    raise Refusal(
                        f"Trunkline is already running on {self.data} (process {self._lock.signature()}). "
                        "Stop it first, or give this one another data folder with --data."
                    )
                self._lock.sign()
                try:
                    await self._server.open()
                except BaseException:
                    self._lock.release()
                    raise

    async def supervise(self) -> None:
        """Start the server again whenever it dies, until `stop` or cancellation."""
        next_tending = clock.monotonic() + TEND
        while self._lock.held:
            if not self._server.alive():
                log.warning("The database server died; starting it again.")
                await self._heal()
            if clock.monotonic() > next_tending:
                next_tending = clock.monotonic() + TEND
                self._server.tend()
            await asyncio.sleep(LOOK)

    async def stop(self) -> None:
        """Shut the server down and let the folder go; committed work is on disk."""
        async with self._one_change:
            if not self._lock.held:
                return
            with explained(self.data):
                async with gate(self.data):
                    try:
                        await self._server.close()
                    finally:
                        self._lock.release()

    async def _heal(self) -> None:
        pause = LOOK
        while True:
            async with self._one_change:
                if not self._lock.held:
                    return
                try:
                    await self._server.open()
                except Refusal as refusal:
                    log.error("%s Trying again in %.1f s.", refusal.message, pause)
                else:
                    log.info("The database server is back.")
                    return
            await asyncio.sleep(pause)
            pause = min(pause * 2, 5.0)


@asynccontextmanager
async def database(data: Path, url: str | None = None, bin_setting: str | None = None) -> AsyncIterator[str]:
    """The connection URL for one command: the operator's, or that of the embedded server of the data folder.

    A running server is used; otherwise one is started, and the last command to leave stops it.
    """
    if url:
        yield url
        return
    server = Server(data, bin_setting)
    users = Lock(server.cluster.data / "lock.users")
    with explained(data):
        server.cluster.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        await _join(server, users)
        dsn = server.dsn
    try:
        yield dsn
    finally:
        await _leave(server, users)


async def _join(server: Server, users: Lock) -> None:
    async with gate(server.cluster.data):
        users.take(shared=True)
        try:
            if not _supervised(server.cluster.data):
                await server.open()
                return
        except BaseException:
            users.release()
            raise
    deadline = clock.monotonic() + PATIENCE
    while not server.ready():
        if clock.monotonic() > deadline:
            users.release()
            raise Refusal(f"The database in {server.cluster.data} is not answering; look into {server.log}.")
        await asyncio.sleep(0.02)


async def _leave(server: Server, users: Lock) -> None:
    async with gate(server.cluster.data):
        users.release()
        if _supervised(server.cluster.data) or not users.take():
            return
        try:
            await server.close()
        finally:
            users.release()


def _supervised(data: Path) -> bool:
    lock = Lock(data / "lock")
    if not lock.take():
        return True
    lock.release()
    return False
