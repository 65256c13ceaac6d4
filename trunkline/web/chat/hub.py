"""The hub of chat windows: one ear on the database for all open streams of visitors in this process."""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator

import asyncpg

from trunkline.core.db import CONNECTION_ERRORS, Database
from trunkline.core.errors import LimitReached
from trunkline.messaging.chat import stream

STREAMS_PER_VISITOR = 8
STREAMS_PER_ADDRESS = 200
POLL_SECONDS = 2.0
HEARTBEAT_SECONDS = 15.0


class Ear:
    """One open stream. It says when to look; what is there stands in the database."""

    def __init__(self, hub: "ChatHub", visitor_id: int, address: str):
        self.visitor_id, self.address = visitor_id, address
        self.ended = False
        self.woken = asyncio.Event()
        self._hub = hub

    async def wait(self, *, quick: bool) -> bool:
        """Until there may be something new, or it is time for a sign of life: which of the two, it says.

        `quick`: something is about to change that nobody will tell.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(POLL_SECONDS if quick or not self._hub.hears else HEARTBEAT_SECONDS):
                await self.woken.wait()
        woken = self.woken.is_set()
        self.woken.clear()
        return woken


class ChatHub:
    def __init__(self, database: Database):
        self._database = database
        self._ears: dict[int, set[Ear]] = defaultdict(set)
        self._from: dict[str, int] = defaultdict(int)
        self._connection: asyncpg.Connection | None = None
        self._task: asyncio.Task[None] | None = None
        self._closing = False

    @property
    def hears(self) -> bool:
        return self._connection is not None and not self._connection.is_closed()

    def check_room(self, visitor_id: int, address: str) -> None:
        """Each open stream costs memory, so nobody gets many."""
        if len(self._ears.get(visitor_id, ())) >= STREAMS_PER_VISITOR or self._from.get(address, 0) >= (
            STREAMS_PER_ADDRESS
        ):
            raise LimitReached(10, "Too many open chat windows. Close some.")

    @contextlib.asynccontextmanager
    async def ear(self, visitor_id: int, address: str) -> AsyncIterator[Ear]:
        ear = Ear(self, visitor_id, address)
        ear.ended = self._closing
        self._ears[visitor_id].add(ear)
        self._from[address] += 1
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._listen())
        try:
            yield ear
        finally:
            self._forget(ear)

    async def close(self) -> None:
        """End all streams; windows come back by themselves and resume."""
        self._closing = True
        self._wake_all(end=True)
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _listen(self) -> None:
        """Hear of what is new as long as anybody is there; polling covers what a lost connection misses."""
        try:
            while self._ears and not self._closing:
                if not self.hears:
                    with contextlib.suppress(*CONNECTION_ERRORS):
                        self._connection = await self._database.listen("trunkline_work", self._heard)
                        self._wake_all()
                await asyncio.sleep(1)
        finally:
            if self._connection is not None:
                self._connection.terminate()
                self._connection = None

    def _heard(self, payload: str) -> None:
        for name in payload.split(","):
            if name == stream.EVERYBODY:
                self._wake_all()
            elif name.startswith("chat:"):
                for ear in self._ears.get(int(name[5:]), ()):
                    ear.woken.set()

    def _wake_all(self, *, end: bool = False) -> None:
        for ears in self._ears.values():
            for ear in ears:
                ear.ended = ear.ended or end
                ear.woken.set()

    def _forget(self, ear: Ear) -> None:
        self._ears[ear.visitor_id].discard(ear)
        if not self._ears[ear.visitor_id]:
            del self._ears[ear.visitor_id]
        self._from[ear.address] -= 1
        if not self._from[ear.address]:
            del self._from[ear.address]
