"""Rate limits of one process: never more than the limit in any window, with an exact remainder."""

import math
import re
from collections import deque
from collections.abc import Hashable

import msgspec

from trunkline.core import clock


class Bucket(msgspec.Struct, frozen=True):
    """`limit` hits in any `per_seconds`."""

    name: str
    limit: int
    per_seconds: int = 60


class Verdict(msgspec.Struct, frozen=True):
    """The answer to one hit. `reset`: seconds until there is room for more than `remaining`."""

    allowed: bool
    limit: int
    remaining: int
    reset: float
    retry_after: int

    @property
    def reset_unix(self) -> int:
        return math.ceil(clock.now().timestamp() + self.reset)


def parse(name: str, text: str) -> Bucket | None:
    """The bucket of `60/minute`, `2500/hour`, `5/10s`; none for `off`."""
    if text.strip().lower() == "off":
        return None
    match = RATE.fullmatch(text.strip().lower())
    if not match or int(match["limit"]) < 1 or int(match["count"] or 1) < 1:
        raise ValueError(f"{text!r} is not a rate: write it like 60/minute, 5/10s or off.")
    return Bucket(name, int(match["limit"]), int(match["count"] or 1) * SECONDS[match["unit"][0]])


class Limiter:
    """Counts hits in 64 slices of each window, so that a key costs little however high its limit is.

    A slice is forgotten only when all of it has left the window: a hit may count up to 1/64 of the window
    too long, never too short. At `most_keys` the oldest keys are forgotten, which bounds memory.
    """

    def __init__(self, most_keys: int = 100_000) -> None:
        self._windows: dict[tuple[Hashable, str, int], _Window] = {}
        self._most_keys = most_keys
        self._sweep_at = min(1024, most_keys)

    def hit(self, key: Hashable, bucket: Bucket, cost: int = 1) -> Verdict:
        """Count one request against `bucket`; a refused one costs nothing, nor does a look with cost 0."""
        now = clock.monotonic()
        window = self._windows.get((key, bucket.name, bucket.per_seconds))
        if window is None:
            window = self._open(key, bucket, now)
        window.forget(now)
        over = window.used + cost - bucket.limit
        if over > 0:
            wait = window.until_left(over, now)
            return Verdict(False, bucket.limit, bucket.limit - window.used, wait, math.ceil(wait))
        window.add(now, cost)
        return Verdict(True, bucket.limit, -over, window.until_left(1, now), 0)

    def __len__(self) -> int:
        return len(self._windows)

    def _open(self, key: Hashable, bucket: Bucket, now: float) -> "_Window":
        if len(self._windows) >= self._sweep_at:
            self._sweep(now)
        window = self._windows[key, bucket.name, bucket.per_seconds] = _Window(bucket.per_seconds)
        return window

    def _sweep(self, now: float) -> None:
        for entry, window in list(self._windows.items()):
            window.forget(now)
            if not window.used:
                del self._windows[entry]
        for entry in list(self._windows)[: max(0, len(self._windows) - self._most_keys * 9 // 10)]:
            del self._windows[entry]
        self._sweep_at = min(self._most_keys, max(1024, 2 * len(self._windows)))


class _Window:
    __slots__ = ("seconds", "slices", "used")

    def __init__(self, per_seconds: int) -> None:
        self.seconds = per_seconds / SLICES
        self.used = 0
        self.slices: deque[list[int]] = deque()  # [number, hits], oldest first

    def forget(self, now: float) -> None:
        before = int(now / self.seconds) - SLICES
        while self.slices and self.slices[0][0] < before:
            self.used -= self.slices.popleft()[1]

    def add(self, now: float, cost: int) -> None:
        number = int(now / self.seconds)
        self.used += cost
        if self.slices and self.slices[-1][0] == number:
            self.slices[-1][1] += cost
        elif cost:
            self.slices.append([number, cost])

    def until_left(self, hits: int, now: float) -> float:
        """Seconds until at least `hits` of those counted have left the window."""
        for number, count in self.slices:
            hits -= count
            if hits <= 0:
                return (number + SLICES + 1) * self.seconds - now
        return SLICES * self.seconds


SLICES = 64
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
RATE = re.compile(
    r"(?P<limit>\d{1,9})\s*/\s*(?P<count>\d{1,6})?\s*(?P<unit>s|sec|seconds?|m|min|minutes?|h|hours?|d|days?)"
)
