"""What is measured, and how: interleaved rounds, paired ratios, percentiles, the processor time of a process."""

import math
import os
import statistics
from collections.abc import Awaitable, Callable, Iterable, Sequence
from pathlib import Path
from typing import Literal, TypeVar

from msgspec import Struct

T = TypeVar("T")
Scale = Literal["full", "quick", "tiny"]
"""`full` is published, `quick` is a look within a minute, `tiny` only shows that a benchmark still runs."""


class Figure(Struct, kw_only=True, omit_defaults=True):
    """A measured value with what it has to reach, if anything: at least `least`, or at most `most`."""

    name: str
    value: float
    unit: str = ""
    least: float | None = None
    most: float | None = None
    rounds: list[float] = []

    @property
    def met(self) -> bool | None:
        """None when nothing was promised."""
        if self.least is None and self.most is None:
            return None
        return (self.least is None or self.value >= self.least) and (self.most is None or self.value <= self.most)


async def interleaved(rounds: int, **variants: Callable[[], Awaitable[T]]) -> dict[str, list[T]]:
    """Every variant once a round, forwards and backwards in turn, so that what the machine does hits all alike."""
    results: dict[str, list[T]] = {name: [] for name in variants}
    for number in range(rounds):
        for name in list(variants) if number % 2 == 0 else reversed(variants):
            results[name].append(await variants[name]())
    return results


def middle(name: str, values: Sequence[float], unit: str, **bounds: float) -> Figure:
    """The median of some rounds."""
    return Figure(name=name, value=statistics.median(values), unit=unit, rounds=[*values], **bounds)


def ratio(name: str, ours: Sequence[float], raw: Sequence[float], **bounds: float) -> Figure:
    """The median of the ratios of each round: both sides of it were measured within seconds of each other."""
    return middle(name, [one / other for one, other in zip(ours, raw, strict=True)], "", **bounds)


def percentile(values: Iterable[float], percent: float) -> float:
    """By nearest rank: a value that occurred."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def cpu_seconds(pid: int) -> float:
    """User and system time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mib() -> float:
    """Memory of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
