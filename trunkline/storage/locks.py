"""File locks that the kernel takes back when a process dies, however it dies."""

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from trunkline.core import clock
from trunkline.core.errors import Refusal

PATIENCE = 60.0


class Lock:
    """One holder's view of a lock file; the file itself stays."""

    def __init__(self, path: Path):
        self.path = path
        self._file: int | None = None

    @property
    def held(self) -> bool:
        return self._file is not None

    def take(self, *, shared: bool = False) -> bool:
        """Take it, if nobody else has it. Never waits."""
        file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            return False
        self._file = file
        return True

    def release(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def sign(self) -> None:
        """Leave our process id in the file, for whoever is refused."""
        if self._file is not None:
            os.truncate(self._file, 0)
            os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)

    def signature(self) -> str:
        return self.path.read_text(encoding="utf-8", errors="replace").strip() or "unknown"


@asynccontextmanager
async def gate(data: Path) -> AsyncIterator[None]:
    """One at a time starts, joins, leaves or stops the server of a data folder; the others wait a while."""
    lock = Lock(data / "lock.gate")
    deadline = clock.monotonic() + PATIENCE
    while not lock.take():
        if clock.monotonic() > deadline:
            raise Refusal(f"The database in {data} is still being started or stopped by another process. Try again.")
        await asyncio.sleep(0.02)
    try:
        yield
    finally:
        lock.release()
