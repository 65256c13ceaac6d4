"""A crew: worker processes of our own that are killed and replaced."""

import asyncio
import contextlib
import os
import random
import sys
from pathlib import Path

from trunkline.core.errors import Refusal


class Crew:
    """`async with Crew(dsn, data, 2) as crew`: so many workers at a time, each without sending."""

    def __init__(self, dsn: str, data: Path, size: int):
        kept = {name: value for name, value in os.environ.items() if not name.startswith("TRUNKLINE_")}
        places = {"TRUNKLINE_DATABASE_URL": dsn, "TRUNKLINE_DATA": str(data), "TRUNKLINE_LOG_LEVEL": "error"}
        self.environment = kept | places
        self.size = size
        self.killed = 0
        self.workers: list[asyncio.subprocess.Process] = []

    async def __aenter__(self) -> "Crew":
        self.workers = [await self._worker() for _ in range(self.size)]
        return self

    async def __aexit__(self, *failure: object) -> None:
        for worker in self.workers:
            await _end(worker)

    async def kill(self) -> None:
        """SIGKILL one of them; another takes its place."""
        unlucky = self.workers.pop(random.randrange(len(self.workers)))
        if unlucky.returncode is not None:
            raise Refusal("A worker ended by itself; run `trunkline worker` by hand to see why.")
        await _end(unlucky)
        self.killed += 1
        self.workers.append(await self._worker())

    async def _worker(self) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "trunkline", "worker", "--queues", "inbound,jobs"),
            env=self.environment,
            stdout=asyncio.subprocess.DEVNULL,
        )


async def _end(worker: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        worker.kill()
    await worker.wait()
