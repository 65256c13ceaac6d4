"""The hub: reads live updates once for all browsers of this process and hands each what is its account's."""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator

import asyncpg

from trunkline.core import live
from trunkline.core.db import CONNECTION_ERRORS, Database
from trunkline.core.errors import LimitReached, Unavailable
from trunkline.core.live import Update

POLL_SECONDS = 2.0
BATCH = 1000
MOST_WAITING = 2000
STREAMS_PER_USER = 20


class Stream:
    """What one browser is about to hear; it hears all updates after `after`, in order, or is `ended`."""

    def __init__(self, account_id: int, user_id: int, after: int):
        self.account_id, self.user_id, self.after = account_id, user_id, after
        self.ended = False
        self._waiting: list[Update] = []
        self._woken = asyncio.Event()

    def offer(self, update: Update) -> None:
        """A browser that cannot keep up is let go: it comes back and resumes from the table."""
        if len(self._waiting) >= MOST_WAITING:
            self.end()
        if not self.ended:
            self._waiting.append(update)
            self._woken.set()

    def end(self) -> None:
        self.ended = True
        self._waiting.clear()
        self._woken.set()

    async def take(self, seconds: float) -> list[Update]:
        """What has come, waiting at most so long for the first."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        self._woken.clear()
        taken, self._waiting = self._waiting, []
        return taken


class Hub:
    def __init__(self, database: Database):
        self._database = database
        self._streams: dict[int, set[Stream]] = defaultdict(set)
        self._seq = 0
        self._wake = asyncio.Event()
        self._lock = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self._closing = False

    @contextlib.asynccontextmanager
    async def stream(self, account_id: int, user_id: int) -> AsyncIterator[Stream]:
        """A stream from now on. What came before is in the table (see `live.of_account`)."""
        async with self._lock:
            if not self._streams:
                self._seq = await live.latest(self._database)
            stream = Stream(account_id, user_id, self._seq)
            self._streams[account_id].add(stream)
        self._work()
        try:
            yield stream
        finally:
            self._forget(stream)

    def check_room(self, user_id: int) -> None:
        """One person's open streams are limited, since each costs memory and looks at the session."""
        open_streams = sum(stream.user_id == user_id for streams in self._streams.values() for stream in streams)
        if open_streams >= STREAMS_PER_USER:
            raise LimitReached(10, "Too many open streams. Close some windows.")

    async def close(self) -> None:
        self._closing = True
        self._end_all()
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def _work(self) -> None:
        self._wake.set()
        if self._closing:
            self._end_all()
        elif self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        """Listening only makes it quick: polling covers what a lost connection misses."""
        connection: asyncpg.Connection | None = None
        try:
            while True:
                await self._wait()
                try:
                    await self._read()
                    if connection is None or connection.is_closed():
                        connection = await self._database.listen(live.CHANNEL, lambda _: self._wake.set())
                        self._wake.set()
                except (Unavailable, *CONNECTION_ERRORS):
                    await asyncio.sleep(1)
        finally:
            self._end_all()
            if connection is not None:
                connection.terminate()

    async def _wait(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(POLL_SECONDS if self._streams else None):
                await self._wake.wait()
        self._wake.clear()

    async def _read(self) -> None:
        async with self._lock:
            more = bool(self._streams)
            while more:
                updates = await live.since(self._database, self._seq, BATCH)
                for update in updates:
                    self._seq = update.seq
                    for stream in self._streams.get(update.account_id, ()):
                        stream.offer(update)
                more = len(updates) == BATCH

    def _forget(self, stream: Stream) -> None:
        streams = self._streams[stream.account_id]
        streams.discard(stream)
        if not streams:
            del self._streams[stream.account_id]

    def _end_all(self) -> None:
        for streams in self._streams.values():
            for stream in streams:
                stream.end()
