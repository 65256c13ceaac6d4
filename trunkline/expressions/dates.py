"""Dates and times found in what people write, the way the environment writes them.

An ISO datetime or an ISO date at the beginning is always understood; then the environment's own order of day,
month and year, anywhere in the text; then a time in what is left.
"""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo

from trunkline.expressions.environment import DateFormat, Environment


def parse_datetime(environment: Environment, text: str, now: datetime, *, fill: bool = False) -> datetime | None:
    """The first date in `text` with the time beside it. Without a time: midnight, or with `fill` that of `now`.

    A text with its own offset keeps it; every other is a time in the environment's zone.
    """
    text = text.strip()
    if iso := ISO_DATETIME.fullmatch(text):
        return _with_offset(iso)
    day, rest = _find_date(environment.date_format, text, now.year)
    if not day:
        return None
    at = next((found for part in rest if (found := parse_time(part)) is not None), None)
    if at is None:
        at = now.astimezone(environment.zone).time() if fill else time()
    return combine(day, at, environment.zone)


def parse_date(environment: Environment, text: str, now: datetime) -> date | None:
    """The first date in `text`, as written there."""
    text = text.strip()
    if iso := ISO_DATETIME.fullmatch(text):
        found = _with_offset(iso)
        return found and found.date()
    return _find_date(environment.date_format, text, now.year)[0]


def parse_time(text: str) -> time | None:
    """The first time of day in `text`: `5`, `5pm`, `17:00`, `1700`, `17:00:30.5`; 24:00 is midnight."""
    text = text.strip()
    if iso := ISO_DATETIME.fullmatch(text):
        found = _with_offset(iso)
        return found and found.time()
    # The year of an ISO date would be read as twenty to nine or so.
    return next(_times(text[day.end() :].removeprefix("T") if (day := ISO_DATE.match(text)) else text), None)


def combine(day: date, at: time, zone: tzinfo) -> datetime:
    """That time of that day in `zone`; one that the clocks skip is moved on by what they skip."""
    local = datetime.combine(day, at.replace(tzinfo=None), zone)
    try:
        return local.astimezone(UTC).astimezone(zone)
    except OverflowError:
        return local


def full_year(two_digits: int, this_year: int) -> int:
    """Years beyond the present two digits are of the last century."""
    return two_digits + (1900 if two_digits > this_year % 100 else 2000)


def _with_offset(found: re.Match[str]) -> datetime | None:
    year, month, day, hour, minute, second, fraction, utc, sign, hours, minutes = found.groups()
    try:
        offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0)) * (-1 if sign == "-" else 1)
        zone = UTC if utc or not offset else timezone(offset)
        at = time(int(hour), int(minute), int(second or 0), _microseconds(fraction))
        return datetime.combine(date(int(year), int(month), int(day)), at, zone)
    except ValueError:
        return None


def _find_date(order: DateFormat, text: str, this_year: int) -> tuple[date | None, tuple[str, ...]]:
    """The day, and the parts of the text where its time may be, the likelier first."""
    iso = ISO_DATE.match(text)
    if iso and (day := _day(*map(int, iso.groups()))):
        return day, (text[iso.end() :].removeprefix("T"),)
    # Groups may overlap: in "on 31 12 05 2020" the believable one begins inside another.
    at = 0
    while found := SHAPES[order].search(text, at):
        year, month, day_of_month = (found[name] for name in ("year", "month", "day"))
        full = int(year) if len(year) == 4 else full_year(int(year), this_year)
        if day := _day(full, int(month), int(day_of_month)):
            return day, (text[found.end() :], text[: found.start()])
        at = found.start() + 1
    return None, ()


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _times(text: str) -> Iterator[time]:
    for found in TIME.finditer(text):
        hours, minutes, seconds, fraction, half = found.groups()
        hour, minute, second = int(hours), int(minutes or 0), int(seconds or 0)
        if half and hour == 12:
            hour = 0
        if half and half in "pP" and hour < 12:
            hour += 12
        if hour == 24 and not minute and not second and not (fraction or "0").strip("0"):
            hour = 0
        if hour < 24 and minute < 60 and second < 60:
            yield time(hour, minute, second, _microseconds(fraction))


def _microseconds(fraction: str | None) -> int:
    """Digits beyond the sixth are cut."""
    return int(fraction[:6].ljust(6, "0")) if fraction else 0


ISO_DATETIME = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]+))?)?"
    r"(?:(Z)|([+-])([0-9]{2}):?([0-9]{2})?)"
)
ISO_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})(?![0-9])")
# A word character on either side makes it part of something else, as a serial number.
TIME = re.compile(
    r"(?<![0-9A-Za-z_])([0-9]{1,2})(?::?([0-9]{2})(?::?([0-9]{2})(?:\.([0-9]+))?)?)?\s*(?:([aApP])[mM])?(?![0-9A-Za-z_])"
)


def _shape(order: DateFormat) -> re.Pattern[str]:
    parts = {
        "YYYY": r"(?P<year>[0-9]{4}|[0-9]{2})",
        "MM": r"(?P<month>[0-9]{1,2})",
        "DD": r"(?P<day>[0-9]{1,2})",
    }
    groups = r"[-.\\/_ ]".join(parts[code] for code in order.split("-"))
    return re.compile(rf"(?<![0-9A-Za-z_]){groups}(?![0-9A-Za-z_])")


SHAPES: dict[DateFormat, re.Pattern[str]] = {
    order: _shape(order) for order in ("YYYY-MM-DD", "MM-DD-YYYY", "DD-MM-YYYY")
}
