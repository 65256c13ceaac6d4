"""Analytics: what went on, read from counters; plots for the eye and the same numbers as tables."""

from datetime import date

from msgspec import Struct
from starlette.responses import Response

from trunkline.analytics import reports
from trunkline.web.sections import Section
from trunkline.web.visits import Visit

pages = Section("analytics")

PERIODS = (7, 30, 90)


class Bar(Struct, frozen=True):
    """A day in a plot that the server draws: lengths are of a hundred."""

    day: date
    number: int
    x: float
    width: float
    height: float


@pages.get("/analytics")
async def overview(visit: Visit) -> Response:
    days = visit.query.number("days") or 30
    days = days if days in PERIODS else 30
    async with visit.tx() as tx:
        seen = await reports.overview(tx, days)
        asked = await reports.ai(tx, days)
        work = await reports.team(tx, days) if visit.may("admin") else []
    return visit.page(
        "analytics/overview.html",
        days=days,
        periods=PERIODS,
        seen=seen,
        asked=asked,
        work=work,
        messages=bars(seen.messages_by_day),
        requests=bars(asked.requests_by_day),
        span=_span,
    )


def bars(counted: dict[date, int]) -> list[Bar]:
    """The days side by side; the highest fills the plot."""
    most = max(counted.values(), default=0) or 1
    width = 100 / max(1, len(counted))
    return [
        Bar(day, number, round(at * width, 3), round(width * 0.8, 3), round(100 * number / most, 2))
        for at, (day, number) in enumerate(sorted(counted.items()))
    ]


def _span(seconds: float) -> str:
    """`2 h 05 min`; a dash when there is nothing to average."""
    if seconds <= 0:
        return "–"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min" if minutes else f"{round(seconds)} s"
    return f"{minutes // 60} h {minutes % 60:02} min"
