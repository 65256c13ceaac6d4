"""One PostgreSQL server on one data folder: opened (found running, or started), watched, closed."""

import asyncio
import os
import shlex
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from trunkline.core import clock
from trunkline.core.errors import Refusal
from trunkline.storage.binaries import Binaries, find_binaries, for_owner
from trunkline.storage.cluster import DATABASE, ENVIRONMENT, ROLE, Cluster, door, last_words
from trunkline.storage.options import options
from trunkline.storage.owner import Owner, give, owner_for, privileges
from trunkline.storage.sockets import socket_folder, url_of

LOG_BYTES = 8 * 1024 * 1024


class Server:
    def __init__(self, data: Path, bin_setting: str | None = None):
        self.cluster = Cluster(data)
        self.log = self.cluster.data / "postgres.log"
        self._bin_setting = bin_setting
        self._pid: int | None = None
        self._child: subprocess.Popen[Any] | None = None

    @property
    def dsn(self) -> str:
        return url_of(socket_folder(self.cluster), ROLE, DATABASE)

    def alive(self) -> bool:
        if self._child is not None:
            return self._child.poll() is None
        return self._pid is not None and self.cluster.postmaster() == self._pid

    def ready(self) -> bool:
        """Whether anybody's server of this folder takes connections."""
        pid = self.cluster.postmaster()
        return pid is not None and self.cluster.is_ready(pid)

    async def open(self) -> None:
        """Make the database if there is none, then join its running server or start one, until ready."""
        with explained(self.cluster.data):
            major = self.cluster.major()
            owner = owner_for(self.cluster.folder)
            found = await asyncio.to_thread(find_binaries, self._bin_setting, major)
            binaries = await asyncio.to_thread(for_owner, found, owner, self.cluster.data)
            if major is None:
                await self.cluster.create(binaries, owner)
            give(self.cluster.folder, owner)
            if not await self._adopt(binaries):
                await self._launch(binaries, owner)

    async def close(self) -> None:
        """Fast shutdown; harder when that takes too long. No server is fine too."""
        pid = self._child.pid if self._child else self.cluster.postmaster()
        for sign, patience in ((signal.SIGINT, 20.0), (signal.SIGQUIT, 6.0), (signal.SIGKILL, 5.0)):
            if pid is None or await self._signalled(pid, sign, patience):
                break
        await self.cluster.end_strays()
        self._pid = self._child = None

    def tend(self) -> None:
        """Keep the log small and the socket reachable; to be called now and then."""
        with suppress(OSError):
            if self.log.stat().st_size > LOG_BYTES:
                # PostgreSQL appends to the open file, so it is emptied, not replaced.
                shutil.copyfile(self.log, self.log.with_suffix(".log.1"))
                os.truncate(self.log, 0)
        with suppress(OSError):
            socket_folder(self.cluster)

    async def _adopt(self, binaries: Binaries) -> bool:
        """Take over a server whose supervisor is gone, if it runs the way we would run it; else end it."""
        pid = self.cluster.postmaster()
        if pid is None:
            return False
        if pid == self._pid and self.alive():
            return True
        with suppress(OSError):
            command = shlex.split((self.cluster.folder / "postmaster.opts").read_text())
            # The third word names the folder, which may be another descriptor each time.
            if [command[0], *command[3:]] == [binaries.program("postgres"), *options(self.cluster, binaries)]:
                self._pid, self._child = pid, None
                await self._until_ready(pid, 0)
                return True
        self._child = None
        await self.close()
        return False

    async def _launch(self, binaries: Binaries, owner: Owner | None) -> None:
        await self.cluster.end_strays()
        self.tend()
        with door(self.cluster.folder, owner) as (place, passed), self.log.open("ab") as log:
            os.chmod(self.log, 0o600)
            start = log.tell()
            # Not asyncio's subprocess: that kills its child when the loop closes, and a command may leave the
            # server to another one. A session of its own: Ctrl-C is for us, and we stop it when we are done.
            child = subprocess.Popen(  # noqa: ASYNC220
                [binaries.program("postgres"), "-D", place, *options(self.cluster, binaries)],
                cwd="/",
                env=ENVIRONMENT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **passed,
                **privileges(owner),
            )
        self._child, self._pid = child, child.pid
        try:
            await self._until_ready(child.pid, start)
        except BaseException:
            await asyncio.shield(self.close())
            raise

    async def _until_ready(self, pid: int, log_start: int) -> None:
        """Recovery after a crash may take its time; only death ends the wait."""
        while not self.cluster.is_ready(pid):
            if not self.alive():
                raise Refusal(
                    f"The database in {self.cluster.folder} does not start. PostgreSQL says: "
                    f"{self._log_end(log_start)}. If its files are damaged, put them back from a backup. "
                    f"The whole log is {self.log}."
                )
            await asyncio.sleep(0.01)

    def _log_end(self, start: int) -> str:
        with self.log.open("rb") as log:
            log.seek(start)
            return last_words(log.read()[-8000:])

    async def _signalled(self, pid: int, sign: int, patience: float) -> bool:
        with suppress(ProcessLookupError):
            os.kill(pid, sign)
        deadline = clock.monotonic() + patience
        while self._exists(pid) and clock.monotonic() < deadline:
            await asyncio.sleep(0.01)
        return not self._exists(pid)

    def _exists(self, pid: int) -> bool:
        if self._child is not None and self._child.pid == pid:
            return self._child.poll() is None
        return self.cluster.postmaster() == pid


@contextmanager
def explained(data: Path) -> Iterator[None]:
    """What the operating system refuses in the data folder, said as a sentence with a next step."""
    try:
        yield
    except OSError as error:
        at = f" ({os.fsdecode(error.filename)})" if error.filename else ""
        raise Refusal(
            f"The data folder {data} cannot be used: {error.strerror or error}{at}. Make it readable and "
            "writable for the user that starts Trunkline, free some space if the disk is full, or choose "
            "another folder with --data."
        ) from error
