"""Functions on dates, times and datetimes."""

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from zoneinfo import ZoneInfo

from trunkline.expressions import dates, environment, layouts, numbers
from trunkline.expressions.convert import to_date, to_datetime, to_integer, to_number, to_text, to_time
from trunkline.expressions.functions import function
from trunkline.expressions.numbers import Number
from trunkline.expressions.scope import Scope
from trunkline.expressions.values import ExpressionError, Value

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


@function("parse_datetime", 2, 3)
def parse_datetime(scope: Scope, text: Value, layout: Value, zone: Value = None) -> datetime:
    place = scope.environment.zone if zone is None else environment.zone(to_text(scope, zone))
    language, this_year = scope.environment.default_language, scope.now().year
    return layouts.read_datetime(to_text(scope, text), to_text(scope, layout), place, language, this_year)


@function("datetime_from_epoch", 1)
def datetime_from_epoch(scope: Scope, seconds: Value) -> datetime:
    micros = numbers.rounded_down(numbers.multiply(to_number(scope, seconds), 1_000_000))
    return (EPOCH + timedelta(microseconds=int(micros))).astimezone(scope.environment.zone)


@function("epoch", 1)
def epoch(scope: Scope, moment: Value) -> Number:
    """Seconds since 1970, with their fraction."""
    micros = (to_datetime(scope, moment) - EPOCH) // MICROSECOND
    return numbers.checked(Decimal(micros).scaleb(-6))


@function("datetime_diff", 3)
def datetime_diff(scope: Scope, first: Value, second: Value, unit: Value) -> int:
    """From `first` to `second`: exact for hours and less, by the calendar of the environment's zone for more."""
    zone = scope.environment.zone
    a, b = to_datetime(scope, first), to_datetime(scope, second)
    named = to_text(scope, unit)
    if named in SECONDS:
        # Of one zone, Python would subtract what the clocks show; in UTC it is what has passed.
        passed = (b.astimezone(UTC) - a.astimezone(UTC)) // MICROSECOND
        return _truncated(passed, SECONDS[named] * 1_000_000)
    a, b = a.astimezone(zone), b.astimezone(zone)
    days = (b.date() - a.date()).days
    match named:
        case "D":
            return days
        case "W":
            return _truncated(days, 7)
        case "M":
            return (b.year - a.year) * 12 + b.month - a.month
        case "Y":
            return b.year - a.year
    raise _bad_unit(named)


@function("datetime_add", 3)
def datetime_add(scope: Scope, moment: Value, amount: Value, unit: Value) -> datetime:
    """Days and more keep the time of day; a day that the new month has not goes on into the next."""
    start, count, named = to_datetime(scope, moment), to_integer(scope, amount), to_text(scope, unit)
    if named in SECONDS:
        later = start.astimezone(UTC) + timedelta(seconds=count * SECONDS[named])
        return later.astimezone(start.tzinfo)
    match named:
        case "D":
            day = start.date() + timedelta(days=count)
        case "W":
            day = start.date() + timedelta(weeks=count)
        case "M":
            day = _normal(start.year, start.month + count, start.day)
        case "Y":
            day = _normal(start.year + count, start.month, start.day)
        case _:
            raise _bad_unit(named)
    return dates.combine(day, start.time(), _zone(start))


@function("replace_time", 2)
def replace_time(scope: Scope, moment: Value, at: Value) -> datetime:
    day = to_datetime(scope, moment)
    return dates.combine(day.date(), to_time(scope, at), _zone(day))


@function("tz", 1)
def tz(scope: Scope, moment: Value) -> str:
    """The zone's name; an offset that was written in a text has none."""
    zone = to_datetime(scope, moment).tzinfo
    if isinstance(zone, ZoneInfo):
        return zone.key
    return "UTC" if zone is UTC else ""


@function("tz_offset", 1)
def tz_offset(scope: Scope, moment: Value) -> str:
    return to_datetime(scope, moment).strftime("%z")[:5]


@function("now", 0)
def now(scope: Scope) -> datetime:
    return scope.now()


@function("today", 0)
def today(scope: Scope) -> date:
    return scope.now().date()


@function("date_from_parts", 3)
def date_from_parts(scope: Scope, year: Value, month: Value, day: Value) -> date:
    """Days beyond the month's end, or before its beginning, count on into the next or the last."""
    of_year = to_integer(scope, month)
    if not 1 <= of_year <= 12:
        raise ExpressionError(f"month must be from 1 to 12, got {of_year}")
    return _normal(to_integer(scope, year), of_year, to_integer(scope, day))


@function("weekday", 1)
def weekday(scope: Scope, day: Value) -> int:
    """Sunday is 0."""
    return to_date(scope, day).isoweekday() % 7


@function("week_number", 1)
def week_number(scope: Scope, day: Value) -> int:
    """Weeks start on Sunday; the one with January 1 is the year's first."""
    when = to_date(scope, day)
    first = when.replace(month=1, day=1)
    return ((when - first).days + first.isoweekday() % 7) // 7 + 1


@function("parse_time", 2)
def parse_time(scope: Scope, text: Value, layout: Value) -> time:
    return layouts.read_time(to_text(scope, text), to_text(scope, layout), scope.environment.default_language)


@function("time_from_parts", 3)
def time_from_parts(scope: Scope, hour: Value, minute: Value, second: Value) -> time:
    parts = to_integer(scope, hour), to_integer(scope, minute), to_integer(scope, second)
    for part, name, limit in zip(parts, ("hour", "minute", "second"), (24, 60, 60), strict=True):
        if not 0 <= part < limit:
            raise ExpressionError(f"{name} must be from 0 to {limit - 1}, got {part}")
    return time(*parts)


def _normal(year: int, month: int, day: int) -> date:
    """The date of parts that may be too large or too small, as the 31st of February."""
    years, month_before = divmod(month - 1, 12)
    return date(year + years, month_before + 1, 1) + timedelta(days=day - 1)


def _truncated(amount: int, unit: int) -> int:
    """Whole units, towards zero."""
    return amount // unit if amount >= 0 else -(-amount // unit)


def _zone(moment: datetime) -> tzinfo:
    return moment.tzinfo or UTC


def _bad_unit(name: str) -> ExpressionError:
    return ExpressionError(f"unknown unit '{name[:20]}', must be one of s, m, h, D, W, M, Y")


SECONDS = {"s": 1, "m": 60, "h": 3600}
