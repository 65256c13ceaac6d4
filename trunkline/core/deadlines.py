"""Time limits for many short waits.

`asyncio.timeout` sets a timer for each wait, which costs as much as a tenth of an HTTP call. Here one timer looks after
all of them, a few times a second, as long as there are any.
"""

import asyncio
from types import TracebackType

TICK = 0.05
"""Seconds by which a wait may end too late."""


class Deadlines:
    """`with deadlines.within(15): await …` raises TimeoutError like `asyncio.timeout(15)`."""

    __slots__ = ("_limits", "_timer", "loop")

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self._limits: set[Limit] = set()
        self._timer: asyncio.TimerHandle | None = None

    def within(self, seconds: float) -> "Limit":
        return Limit(self, self.loop.time() + seconds)

    def add(self, limit: "Limit") -> None:
        self._limits.add(limit)
        if self._timer is None:
            self._timer = self.loop.call_later(TICK, self._look)

    def drop(self, limit: "Limit") -> None:
        self._limits.discard(limit)

    def _look(self) -> None:
        now = self.loop.time()
        for limit in [each for each in self._limits if each.at <= now]:
            self._limits.discard(limit)
            limit.end()
        self._timer = self.loop.call_later(TICK, self._look) if self._limits else None


class Limit:
    """One wait of one task."""

    __slots__ = ("_canceled_before", "_deadlines", "_ended", "_task", "at")

    def __init__(self, deadlines: Deadlines, at: float) -> None:
        self._deadlines, self.at, self._ended = deadlines, at, False

    def __enter__(self) -> None:
        task = asyncio.current_task(self._deadlines.loop)
        assert task is not None
        self._task, self._canceled_before = task, task.cancelling()
        self._deadlines.add(self)

    def end(self) -> None:
        self._ended = True
        self._task.cancel()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Our own cancel becomes a TimeoutError; somebody else's goes on."""
        self._deadlines.drop(self)
        if self._ended and self._task.uncancel() <= self._canceled_before and kind is asyncio.CancelledError:
            raise TimeoutError from error
