"""Metrics: what a process counts of its own doing. Others see it by `/metrics`, where workers' numbers are told too.

A series is looked up once and kept by whoever counts; from then on counting is an addition. A process has one thread
that counts, so nothing is locked. Labels come from closed sets (routes, kinds, outcomes), never from what people send.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any, Generic, Literal, TypeVar

from msgspec import Struct

S = TypeVar("S")

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""What an answer takes."""
LONG_SECONDS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 7200.0)
"""What waits in queues and at providers."""


class Family(Struct, frozen=True, omit_defaults=True):
    """One metric with all its series, as a process tells it: `samples` of numbers, `spreads` of histograms."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    labels: list[str]
    bounds: list[float] = []
    samples: list[tuple[list[str], float]] = []
    spreads: list[tuple[list[str], list[int], float]] = []


class Register:
    """The metrics of one process."""

    def __init__(self) -> None:
        self._metrics: dict[str, _Metric[Any]] = {}

    def add(self, metric: "_Metric[Any]") -> None:
        if metric.name in self._metrics:
            raise TypeError(f"the metric {metric.name} is there already")
        self._metrics[metric.name] = metric

    def __iter__(self) -> Iterator[str]:
        return iter(self._metrics)

    def told(self) -> list[Family]:
        """Everything that was counted up to now; JSON carries it to other processes."""
        return [metric.told() for metric in self._metrics.values() if metric.series]


REGISTER = Register()


class Number:
    """One series of a counter or a gauge."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0.0

    def add(self, more: float = 1) -> None:
        self.value += more

    def set(self, value: float) -> None:
        self.value = value


class Spread:
    """One series of a histogram. The last bucket holds what is above all bounds."""

    __slots__ = ("_bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        self.counts[bisect_left(self._bounds, value)] += 1
        self.total += value


class _Metric(Generic[S]):
    """A name, and a series for each combination of labels."""

    kind: Literal["counter", "gauge", "histogram"]

    def __init__(self, name: str, help: str, labels: Sequence[str] = (), register: Register = REGISTER) -> None:
        self.name, self.help, self.labels = name, help, list(labels)
        self.series: dict[tuple[str, ...], S] = {}
        register.add(self)

    def of(self, *labels: str) -> S:
        """The series of these labels, always the same one: keep it where counting is hot."""
        series = self.series.get(labels)
        if series is None:
            series = self.series[labels] = self._new()
        return series

    def told(self) -> Family:
        samples = [(list(labels), series.value) for labels, series in self.series.items()]  # type: ignore[attr-defined]
        return Family(self.name, self.kind, self.help, self.labels, samples=samples)

    def _new(self) -> S:
        raise NotImplementedError


class Counter(_Metric[Number]):
    kind = "counter"

    def _new(self) -> Number:
        return Number()


class Gauge(_Metric[Number]):
    kind = "gauge"

    def _new(self) -> Number:
        return Number()


class Histogram(_Metric[Spread]):
    kind = "histogram"

    def __init__(
        self,
        name: str,
        help: str,
        labels: Sequence[str] = (),
        register: Register = REGISTER,
        *,
        bounds: Sequence[float] = SECONDS,
    ) -> None:
        super().__init__(name, help, labels, register)
        self.bounds = tuple(bounds)

    def told(self) -> Family:
        spreads = [(list(labels), list(spread.counts), spread.total) for labels, spread in self.series.items()]
        return Family(self.name, self.kind, self.help, self.labels, bounds=list(self.bounds), spreads=spreads)

    def _new(self) -> Spread:
        return Spread(self.bounds)


def exposition(processes: Mapping[str, Sequence[Family]]) -> bytes:
    """The text format of Prometheus. What a process tells has a label with its name; what nobody alone tells has none.

    The library is loaded by the first scrape.
    """
    from prometheus_client import CollectorRegistry, generate_latest
    from prometheus_client.registry import Collector

    class Told(Collector):
        def collect(self) -> Iterator[Any]:
            return _collected(processes)

    registry = CollectorRegistry(auto_describe=False)
    registry.register(Told())
    return generate_latest(registry)


def _collected(processes: Mapping[str, Sequence[Family]]) -> Iterator[Any]:
    """What several processes tell of one metric stands together."""
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

    makers = {"counter": CounterMetricFamily, "gauge": GaugeMetricFamily, "histogram": HistogramMetricFamily}
    families: dict[str, Any] = {}
    for process, told in processes.items():
        own = {"process": process} if process else {}
        for one in told:
            if one.name not in families:
                families[one.name] = makers[one.kind](one.name, one.help, labels=[*one.labels, *own])
            family = families[one.name]
            for labels, value in one.samples:
                family.add_metric([*labels, *own.values()], value)
            for labels, counts, total in one.spreads:
                buckets = list(zip([*map(str, one.bounds), "+Inf"], accumulate(counts), strict=True))
                family.add_metric([*labels, *own.values()], buckets, sum_value=total)
    yield from families.values()
