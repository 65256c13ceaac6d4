"""What requests at the APIs take, by route and class of answer."""

from trunkline.core.metrics import Histogram, Spread
from trunkline.dialects.operations import Operation

REQUESTS = Histogram(
    "trunkline_request_seconds",
    "Time from a request's arrival at an API to its whole answer. `gone`: nobody was left to answer.",
    ["dialect", "method", "route", "status"],
)
NO_ROUTE = "none"
CLASSES = ("gone", "1xx", "2xx", "3xx", "4xx", "5xx")


def note(dialect: str, operation: Operation | None, status: int, seconds: float) -> None:
    """Hot: one look-up, then an addition."""
    known = _known.get((dialect, operation, status // 100))
    (known or _learn(dialect, operation, status // 100)).observe(seconds)


def _learn(dialect: str, operation: Operation | None, kind: int) -> Spread:
    method, route = (operation.method, operation.path) if operation else (NO_ROUTE, NO_ROUTE)
    spread = _known[dialect, operation, kind] = REQUESTS.of(dialect, method, route, CLASSES[kind])
    return spread


_known: dict[tuple[str, Operation | None, int], Spread] = {}
