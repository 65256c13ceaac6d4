"""Dates and times written by format codes (`DD/MM/YYYY tt:mm`), and read back by them."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Literal, NamedTuple

from trunkline.expressions import calendars, dates

Kind = Literal["date", "time", "datetime"]


class BadLayout(ValueError):
    """The format has a code that does not exist, or not for this kind of value."""


class NotWritten(ValueError):
    """The text is not written in the format."""


class Part(NamedTuple):
    text: str
    is_code: bool


def write(moment: date | time | datetime, layout: str, language: str = "eng") -> str:
    """`moment` in the codes of `layout`; names of months and days are those of `language`."""
    kind: Kind = "datetime" if isinstance(moment, datetime) else "date" if isinstance(moment, date) else "time"
    names = calendars.names(language)
    return "".join(WRITERS[part.text](moment, names) if part.is_code else part.text for part in parts(layout, kind))


def read_datetime(text: str, layout: str, zone: tzinfo, language: str, this_year: int) -> datetime:
    """The whole text by the layout. What the layout leaves out is the start of its year, month, day."""
    found = _read(text, layout, "datetime", language)
    day = _day(found, this_year)
    return datetime.combine(day, _time(found), _offset(found) or zone)


def read_time(text: str, layout: str, language: str) -> time:
    return _time(_read(text, layout, "time", language))


@lru_cache(maxsize=512)
def parts(layout: str, kind: Kind = "datetime") -> tuple[Part, ...]:
    """The codes and literal characters of a layout; `BadLayout` for any other."""
    if len(layout) > LONGEST:
        raise BadLayout("the format is too long")
    listed = []
    for found in RUN.finditer(layout):
        run = found.group()
        if run in WRITERS:
            if kind not in KINDS[run[0]]:
                raise BadLayout(f"'{run}' is not valid in the format of a {kind}")
            listed.append(Part(run, True))
        elif run[0] in LITERALS:
            listed.append(Part(run, False))
        else:
            raise BadLayout(f"'{run}' is not a valid format code")
    return tuple(listed)


def _read(text: str, layout: str, kind: Kind, language: str) -> dict[str, str]:
    pattern, codes = _pattern(layout, kind, language)
    found = pattern.fullmatch(text.strip())
    if not found:
        raise NotWritten(f"'{text[:50]}' is not written as '{layout}'")
    read: dict[str, str] = {}
    for code, written in zip(codes, found.groups(), strict=True):
        # A year written twice is believed once.
        read.setdefault(ALIKE.get(code, code), written)
    names = calendars.names(language)
    for listing in ("months", "months_short"):
        if listing in read:
            folded = [name.lower() for name in getattr(names, listing)]
            read.setdefault("M", str(folded.index(read[listing].lower()) + 1))
    return read


@lru_cache(maxsize=256)
def _pattern(layout: str, kind: Kind, language: str) -> tuple[re.Pattern[str], tuple[str, ...]]:
    names = calendars.names(language)
    shape, codes = "", []
    for part in parts(layout, kind):
        if not part.is_code:
            shape += re.escape(part.text)
            continue
        listing = NAMED.get(part.text)
        if listing:
            options: tuple[str, ...] = getattr(names, listing)
            written = "|".join(re.escape(name) for name in sorted(options, key=len, reverse=True))
        else:
            written = READERS[part.text]
        shape += f"({written})"
        codes.append(listing or part.text)
    return re.compile(shape, re.IGNORECASE), tuple(codes)


def _day(read: dict[str, str], this_year: int) -> date:
    if "YYYY" in read:
        year = int(read["YYYY"])
    elif "YY" in read:
        year = dates.full_year(int(read["YY"]), this_year)
    else:
        raise NotWritten("the format has no year")
    return date(year, int(read.get("M", 1)), int(read.get("D", 1)))


def _time(read: dict[str, str]) -> time:
    hour = int(read.get("t", read.get("h", 0)))
    if "t" not in read and "h" in read:
        if not 1 <= hour <= 12:
            raise NotWritten(f"there is no hour {hour} before or after noon")
        half = read.get("aa", "").lower()
        # Twelve is the hour that begins each half of the day.
        hour = hour % 12 + (12 if half == "pm" else 0) if half else hour
    fraction = next((read[code] for code in ("fffffffff", "ffffff", "fff") if code in read), "")
    return time(hour, int(read.get("m", 0)), int(read.get("s", 0)), int(fraction[:6].ljust(6, "0")) if fraction else 0)


def _offset(read: dict[str, str]) -> tzinfo | None:
    written = read.get("Z")
    if not written:
        return None
    if written in "zZ":
        return UTC
    ahead = timedelta(hours=int(written[1:3]), minutes=int(written[-2:]))
    return timezone(-ahead if written[0] == "-" else ahead) if ahead else UTC


def _clock(hour: int) -> int:
    return hour % 12 or 12


def _zone(moment: datetime) -> str:
    offset = moment.strftime("%z")
    return f"{offset[:3]}:{offset[3:5]}"


def _zone_or_z(moment: datetime) -> str:
    return "Z" if not moment.utcoffset() else _zone(moment)


# A run of one letter, or one character of any other kind; T is a literal and never a run.
RUN = re.compile(r"([A-SU-Za-z])\1*|.", re.DOTALL)
LITERALS = " :,T-_/."
LONGEST = 200
WRITERS: dict[str, Callable[..., str]] = {
    "YY": lambda at, names: f"{at.year % 100:02}",
    "YYYY": lambda at, names: f"{at.year:04}",
    "M": lambda at, names: str(at.month),
    "MM": lambda at, names: f"{at.month:02}",
    "MMM": lambda at, names: names.months_short[at.month - 1],
    "MMMM": lambda at, names: names.months[at.month - 1],
    "D": lambda at, names: str(at.day),
    "DD": lambda at, names: f"{at.day:02}",
    "EEE": lambda at, names: names.days_short[at.isoweekday() % 7],
    "EEEE": lambda at, names: names.days[at.isoweekday() % 7],
    "h": lambda at, names: str(_clock(at.hour)),
    "hh": lambda at, names: f"{_clock(at.hour):02}",
    "t": lambda at, names: str(at.hour),
    "tt": lambda at, names: f"{at.hour:02}",
    "m": lambda at, names: str(at.minute),
    "mm": lambda at, names: f"{at.minute:02}",
    "s": lambda at, names: str(at.second),
    "ss": lambda at, names: f"{at.second:02}",
    "fff": lambda at, names: f"{at.microsecond // 1000:03}",
    "ffffff": lambda at, names: f"{at.microsecond:06}",
    "fffffffff": lambda at, names: f"{at.microsecond:06}000",
    "aa": lambda at, names: "pm" if at.hour >= 12 else "am",
    "AA": lambda at, names: "PM" if at.hour >= 12 else "AM",
    "Z": lambda at, names: _zone_or_z(at),
    "ZZZ": lambda at, names: _zone(at),
}
KINDS: dict[str, tuple[Kind, ...]] = {
    **dict.fromkeys("YMDE", ("date", "datetime")),
    **dict.fromkeys("htmsfaA", ("time", "datetime")),
    "Z": ("datetime",),
}
READERS = {
    "YY": r"[0-9]{2}",
    "YYYY": r"[0-9]{4}",
    **dict.fromkeys(("M", "D", "h", "t", "m", "s"), r"[0-9]{1,2}"),
    **dict.fromkeys(("MM", "DD", "hh", "tt", "mm", "ss"), r"[0-9]{2}"),
    "fff": r"[0-9]{3}",
    "ffffff": r"[0-9]{6}",
    "fffffffff": r"[0-9]{9}",
    **dict.fromkeys(("aa", "AA"), r"[ap]m"),
    "Z": r"Z|[+-][0-9]{2}:?[0-9]{2}",
    "ZZZ": r"[+-][0-9]{2}:?[0-9]{2}",
}
NAMED = {"MMM": "months_short", "MMMM": "months", "EEE": "days_short", "EEEE": "days"}
ALIKE = {"MM": "M", "DD": "D", "hh": "h", "tt": "t", "mm": "m", "ss": "s", "AA": "aa", "ZZZ": "Z"}
