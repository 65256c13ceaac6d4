"""What time it is. The only place that asks, so that tests can turn the hands."""

import time
from datetime import UTC, datetime


def now() -> datetime:
    """The current moment, aware, in UTC."""
    return datetime.now(UTC)


def monotonic() -> float:
    """Seconds that never go back, for waits and deadlines."""
    return time.monotonic()


def iso(moment: datetime | None) -> str | None:
    """`2026-03-01T10:00:00Z`: the wire form of platform, developer, connector and portal."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None
