"""Dates and times as people write them, and formats by code."""

from datetime import UTC, date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.expressions import calendars, dates, layouts
from trunkline.expressions.environment import DateFormat, Environment

NOW = datetime(2018, 4, 11, 18, 24, 30, 123456, UTC)
NEW_YORK = ZoneInfo("America/New_York")


@pytest.mark.parametrize(
    ("order", "text", "day"),
    [
        ("DD-MM-YYYY", "01-02-2003", date(2003, 2, 1)),
        ("MM-DD-YYYY", "01-02-2003", date(2003, 1, 2)),
        ("YYYY-MM-DD", "03-02-01", date(2003, 2, 1)),
        ("DD-MM-YYYY", r"1\2\2003", date(2003, 2, 1)),
        ("DD-MM-YYYY", "1 2 2003", date(2003, 2, 1)),
        ("DD-MM-YYYY", "1/2-2003", date(2003, 2, 1)),
        ("MM-DD-YYYY", "2003-02-01 is always understood", date(2003, 2, 1)),
        ("DD-MM-YYYY", "not 45/01/2003 but 4/1/2003", date(2003, 1, 4)),
        ("DD-MM-YYYY", "29/02/2016", date(2016, 2, 29)),
        ("DD-MM-YYYY", "29/02/2017", None),
        ("DD-MM-YYYY", "1/2/200", None),
        ("DD-MM-YYYY", "11/2/20034", None),
        ("DD-MM-YYYY", "2003-02-30", None),
        ("DD-MM-YYYY", "1,2,2003", None),
        ("DD-MM-YYYY", "", None),
    ],
)
def test_the_environment_orders_day_month_and_year(order: DateFormat, text: str, day: date | None):
    assert dates.parse_date(Environment(date_format=order), text, NOW) == day


@pytest.mark.parametrize(("two_digits", "year"), [("00", 2000), ("17", 2017), ("18", 2018), ("19", 1919), ("99", 1999)])
def test_two_digits_beyond_the_present_are_of_the_last_century(two_digits: str, year: int):
    found = dates.parse_date(Environment(date_format="DD-MM-YYYY"), f"1.1.{two_digits}", NOW)

    assert found == date(year, 1, 1)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("7", time(7)),
        ("07", time(7)),
        ("7pm", time(19)),
        ("7 Pm", time(19)),
        ("12am", time(0)),
        ("12 pm", time(12)),
        ("705", time(7, 5)),
        ("1905", time(19, 5)),
        ("19:05:06", time(19, 5, 6)),
        ("190506", time(19, 5, 6)),
        ("19:05:06.1234567", time(19, 5, 6, 123456)),
        ("24:00", time(0)),
        ("24:01", None),
        ("60:00 then 6:00", time(6)),
        ("room x12", None),
        ("7pmish", None),
    ],
)
def test_times_are_found(text: str, at: time | None):
    assert dates.parse_time(text) == at


def test_without_a_time_it_is_midnight_or_the_time_of_day_that_fills_it():
    env = Environment(timezone="America/New_York")

    assert dates.parse_datetime(env, "2018-01-05", NOW) == datetime(2018, 1, 5, tzinfo=NEW_YORK)
    filled = dates.parse_datetime(env, "2018-01-05", NOW, fill=True)
    assert filled == datetime(2018, 1, 5, 14, 24, 30, 123456, NEW_YORK)


def test_a_time_beside_the_date_is_not_filled():
    found = dates.parse_datetime(Environment(), "2018-01-05 00:00", NOW, fill=True)

    assert found == datetime(2018, 1, 5, tzinfo=UTC)


def test_an_offset_is_kept():
    found = dates.parse_datetime(Environment(), "2018-01-05T10:20:30.5+05:30", NOW)

    assert found is not None
    assert found.utcoffset() == timedelta(hours=5, minutes=30)
    assert found == datetime(2018, 1, 5, 10, 20, 30, 500000, timezone(timedelta(hours=5, minutes=30)))


def test_a_time_that_the_clocks_skip_moves_on():
    found = dates.parse_datetime(Environment(timezone="America/New_York"), "2018-03-11 02:30", NOW)

    assert found is not None
    assert found.isoformat() == "2018-03-11T03:30:00-04:00"


@given(st.dates(date(1919, 1, 1), date(2018, 12, 31)), st.sampled_from(["YYYY-MM-DD", "MM-DD-YYYY", "DD-MM-YYYY"]))
def test_dates_written_the_environments_way_are_read(day: date, order: DateFormat):
    env = Environment(date_format=order)

    for separator in "-./_ \\":
        text = f"on {layouts.write(day, order).replace('-', separator)}."
        assert dates.parse_date(env, text, NOW) == day


@given(st.datetimes(timezones=st.just(UTC)))
def test_iso_datetimes_are_read_exactly(moment: datetime):
    assert dates.parse_datetime(Environment(), moment.isoformat(), NOW) == moment


@given(st.times())
def test_every_code_of_a_time_is_read_back(at: time):
    for layout in ("tt:mm:ss.ffffff", "t:m:s.ffffff", "h:m:s.ffffff aa", "hh:mm:ss,fffffffff AA"):
        assert layouts.read_time(layouts.write(at, layout), layout, "eng") == at


@pytest.mark.parametrize("language", calendars.LANGUAGES)
def test_names_are_read_back_in_every_language(language: str):
    for month in range(1, 13):
        day = datetime(2018, month, 3, tzinfo=UTC)
        written = layouts.write(day, "EEEE D MMMM YYYY", language)
        assert layouts.read_datetime(written, "EEEE D MMMM YYYY", UTC, language, 2018) == day


@pytest.mark.parametrize("layout", ["YYY", "MMMMM", "ttt", "q", "d", "yyyy", "ff", "a", "ZZ", "(", "é"])
def test_unknown_codes_are_refused(layout: str):
    with pytest.raises(layouts.BadLayout):
        layouts.write(NOW, layout)
