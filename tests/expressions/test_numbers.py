"""Exact decimals: what is read, kept, found and written."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.expressions import numbers

NUMBERS = st.decimals(-(10**20), 10**20, allow_nan=False, allow_infinity=False, places=8)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0),
        ("-0", 0),
        ("007", 7),
        ("1.0", 1),
        ("-.5", Decimal("-0.5")),
        ("\t3\n", 3),
        ("1" + "0" * 100, 10**100),
        ("1" + "0" * 101, None),
        ("0." + "0" * 99 + "1", Decimal("1e-100")),
        ("0." + "0" * 100 + "1", None),
        ("9" * 36, 10**36 - 1),
        ("9" * 37, None),
        ("--1", None),
        ("1 000", None),
        ("٣", None),
        ("NaN", None),
        ("Infinity", None),
        ("1_0", None),
    ],
)
def test_only_plain_numbers_are_read(text: str, number: int | Decimal | None):
    assert numbers.parse(text) == number


def test_whole_numbers_are_kept_as_such():
    assert type(numbers.parse("3.00")) is int
    assert type(numbers.checked(Decimal("1E+3"))) is int


@pytest.mark.parametrize(
    ("number", "text"),
    [(Decimal("1E-7"), "0.0000001"), (Decimal("-0.50"), "-0.5"), (10**30, "1" + "0" * 30), (Decimal("100"), "100")],
)
def test_numbers_are_written_without_exponent_or_needless_zeros(number: numbers.Number, text: str):
    assert numbers.plain(number) == text


def test_quotients_have_sixteen_places_and_halves_go_away_from_zero():
    assert numbers.divide(1, 3) == Decimal("0.3333333333333333")
    assert numbers.divide(-2, 3) == Decimal("-0.6666666666666667")
    assert numbers.divide(1, 2**17) == Decimal("0.0000076293945313")
    assert numbers.divide(-1, 2**17) == Decimal("-0.0000076293945313")


def test_results_out_of_range_are_refused():
    for make in (
        lambda: numbers.add(10**36, Decimal("0.1")),
        lambda: numbers.multiply(10**60, 10**60),
        lambda: numbers.multiply(Decimal("1e-60"), Decimal("1e-60")),
        lambda: numbers.rounded_up(Decimal("1"), -101),
    ):
        with pytest.raises(numbers.OutOfRange):
            make()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1,000 or 2", [1000, 2]),
        ("1.2.3", [Decimal("1.2"), 3]),
        ("a.5 b .5", [5, Decimal("0.5")]),
        ("5-3", [5, -3]),
        ("+4.0-", [4]),
        (",,", []),
        ("٤٢٫٥", [42, 5]),
        ("v2", [2]),
        ("", []),
    ],
)
def test_numbers_are_found_in_texts(text: str, found: list[numbers.Number]):
    assert list(numbers.find(text)) == found


def test_an_environment_without_grouping_finds_each_part():
    assert list(numbers.find("1,000.5", ".", "")) == [1, Decimal("000.5")]


@given(NUMBERS)
def test_what_is_written_plainly_is_read(number: Decimal):
    kept = numbers.checked(number)

    assert numbers.parse(numbers.plain(kept)) == kept


@given(NUMBERS, NUMBERS)
def test_remainders_are_what_division_leaves(a: Decimal, b: Decimal):
    if not b:
        return
    rest = numbers.remainder(a, b)

    assert abs(rest) < abs(b)
    assert rest == 0 or (rest > 0) == (a > 0)


@given(NUMBERS, st.integers(0, 9), st.sampled_from([(".", ","), (",", "."), (",", " ")]))
def test_grouped_numbers_are_found_again(number: Decimal, places: int, symbols: tuple[str, str]):
    written = numbers.grouped(number, places, *symbols)

    assert list(numbers.find(written, *symbols)) == [numbers.rounded(number, places)]
