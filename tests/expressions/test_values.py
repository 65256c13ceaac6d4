"""Types, conversions and the texts of values."""

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import evaluations
from trunkline.expressions import convert, numbers, rendering
from trunkline.expressions.values import (
    MISSING,
    Deprecated,
    ErrorValue,
    ExpressionError,
    Function,
    Lazy,
    Object,
    type_name,
)


@pytest.mark.parametrize("case", evaluations.table("conversions"))
def test_a_conversion(case: dict[str, Any]) -> None:
    assert evaluations.outcome(case) == evaluations.expected(case)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "null"),
        ("", "text"),
        (True, "boolean"),
        (1, "number"),
        (Decimal("1.5"), "number"),
        (date(2025, 5, 4), "date"),
        (datetime(2025, 5, 4, tzinfo=UTC), "datetime"),
        (time(1), "time"),
        ([], "array"),
        ((), "array"),
        (Object(), "object"),
        (Function("f", lambda scope: None, 0, 0), "function"),
        (ErrorValue("x"), "error"),
    ],
)
def test_every_value_has_one_type(value: object, expected: str) -> None:
    assert type_name(value) == expected


def test_keys_are_found_in_any_case_and_keep_their_spelling() -> None:
    found = Object({"First Name": "Ann", "AGE": 7})

    assert found.get("first name") == "Ann"
    assert found.keys() == ["First Name", "AGE"]
    assert ("age" in found, "size" in found) == (True, False)


def test_of_keys_that_differ_in_case_alone_the_exact_one_is_found() -> None:
    found = Object({"A": 1, "a": 2})

    assert [found.get("A"), found.get("a")] == [1, 2]


def test_putting_a_value_replaces_the_one_of_that_key_in_any_case() -> None:
    found = Object({"Name": "Ann"})

    found.put("NAME", "Bob")
    found.put("Age", 5)

    assert (found.keys(), found.get("name"), found.get("age")) == (["Name", "Age"], "Bob", 5)


def test_lazy_values_are_made_once() -> None:
    made: list[int] = []
    found = Object({"x": Lazy(lambda: made.append(1) or "made")}, default=Lazy(lambda: made.append(2) or "default"))

    seen = [found.get("x"), found.get("X"), found.default, found.default]

    assert seen == ["made", "made", "default", "default"]
    assert made == [1, 2]


def test_a_lazy_value_may_turn_out_deprecated() -> None:
    found = Object({"x": Lazy(lambda: Deprecated(Lazy(lambda: 5), "old"))})

    assert found.find("x").reason == "old"
    assert found.get("x") == 5


def test_what_is_not_there_is_missing_or_null() -> None:
    found = Object({"x": None})

    assert found.find("x") is None
    assert found.find("y") is MISSING
    assert found.get("y") is None


def test_an_error_inside_a_value_is_raised_when_it_is_written() -> None:
    with pytest.raises(ExpressionError, match="gone"):
        rendering.to_text(evaluations.scope(), [1, Object({"a": ErrorValue("gone")})])


def test_json_has_null_for_errors_and_functions() -> None:
    value = Object({"b": ErrorValue("x"), "a": Function("f", lambda scope: None, 0, 0), "c": None})

    assert rendering.to_json_text(evaluations.scope(), value) == '{"a":null,"b":null,"c":null}'


def test_values_without_bottom_are_refused() -> None:
    endless: list[object] = []
    endless.append(endless)

    for write in (rendering.to_text, rendering.to_json, rendering.to_json_text):
        with pytest.raises(ExpressionError, match="nested"):
            write(evaluations.scope(), endless)


def test_a_default_that_is_its_own_default_is_no_number() -> None:
    endless = Object(default=Lazy(lambda: endless))

    with pytest.raises(ExpressionError):
        convert.to_number(evaluations.scope(), endless)


def test_filling_takes_the_time_of_day_it_is() -> None:
    filled = convert.to_datetime(evaluations.scope(), "2018-04-11", fill=True)

    assert filled == datetime(2018, 4, 11, 12, 30, 45, 123456, UTC)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=16, min_value=-(10**19), max_value=10**19))
def test_a_number_is_read_back_from_its_text(number: Decimal) -> None:
    scope = evaluations.scope()

    assert convert.to_number(scope, rendering.to_text(scope, numbers.checked(number))) == number
