"""Every function of the expression language, case by case from files."""

from datetime import UTC, date, datetime, time
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.expressions import typed
from trunkline import expressions
from trunkline.expressions import functions, rendering
from trunkline.expressions.values import Deprecated, ErrorValue, Object, type_name


@pytest.mark.parametrize(("name", "arguments", "expected", "environment"), typed.cases("functions"))
def test_function(name: str, arguments: list[Any], expected: Any, environment: dict[str, Any]):
    result = typed.call(name, arguments, **environment)

    if expected == {"$error": "*"}:
        assert isinstance(result, ErrorValue)
        assert result.text.startswith(f"error calling {name}(...): ")
    else:
        assert typed.shown(result) == typed.shown(typed.value(expected))


def test_every_function_has_cases():
    tried = typed.names("functions") | typed.names("router_tests")

    assert set(functions.names()) == tried
    assert len(typed.names("functions")) == 91


@pytest.mark.parametrize(
    ("name", "arguments", "told"),
    [
        ("upper", [], "need 1 argument(s), got 0"),
        ("word", ["a"], "need 2 to 3 argument(s), got 1"),
        ("max", [], "need at least 1 argument(s), got 0"),
        ("foreach", [[]], "need at least 2 argument(s), got 1"),
        ("if", [1, 2, 3, 4], "need 3 argument(s), got 4"),
    ],
)
def test_wrong_number_of_arguments_is_told(name: str, arguments: list[Any], told: str):
    result = typed.call(name, arguments)

    assert result == ErrorValue(f"error calling {name}(...): {told}")


def test_names_are_found_in_any_case():
    assert typed.call("UPPER", ["a"]) == "A"


def test_an_error_as_argument_comes_back_wrapped():
    result = typed.call("upper", [{"$error": "it broke"}])

    assert result == ErrorValue("error calling upper(...): it broke")


def test_more_than_ten_thousand_words_are_refused():
    assert isinstance(typed.call("split", ["a " * 10_001]), ErrorValue)
    assert len(typed.call("split", ["a " * 10_000])) == 10_000


def test_ten_thousand_repeated_characters_are_not_too_many():
    assert typed.call("repeat", ["ab", 5000]) == "ab" * 5000


def test_a_replacement_that_would_fill_the_memory_ends_the_expression():
    result = typed.call("replace", ["a" * 10_000, "a", "b" * 10_000])

    assert isinstance(result, ErrorValue)
    assert result.code == "expression:too_complex"


def test_a_join_that_would_fill_the_memory_ends_the_expression():
    result = typed.call("join", [["a" * 100_000] * 1000, ""])

    assert isinstance(result, ErrorValue)
    assert result.code == "expression:too_complex"


def test_deep_json_is_refused():
    result = typed.call("parse_json", ["[" * 100_000 + "]" * 100_000])

    assert isinstance(result, ErrorValue)


def test_a_number_too_long_for_us_is_an_error_only_where_it_stands():
    result = typed.call("parse_json", ['{"long": 1234567890123456789012345678901234567, "short": 1}'])

    assert isinstance(result.get("long"), ErrorValue)
    assert result.get("short") == 1


def test_extract_warns_of_a_deprecated_property():
    scope = typed.scope()
    contact = Object({"id": Deprecated("123", "contact.id is deprecated")})

    assert expressions.call("extract", [contact, "id"], scope) == "123"
    assert scope.warnings == ["contact.id is deprecated"]


@pytest.mark.parametrize(
    ("language", "written"),
    [
        ("fra", "samedi 3 février"),
        ("spa", "sábado 3 febrero"),
        ("por", "sábado 3 fevereiro"),
        ("ron", "sâmbătă 3 februarie"),
        ("deu", "Samstag 3 Februar"),
        ("swa", "Jumamosi 3 Februari"),
        ("kin", "Kuwa gatandatu 3 Gashyantare"),
        ("ara", "السبت 3 فبراير"),
        ("rus", "суббота 3 февраля"),
        ("xho", "Saturday 3 February"),
    ],
)
def test_names_of_days_and_months_are_those_of_the_first_language(language: str, written: str):
    assert typed.call("format_date", ["2018-02-03", "EEEE D MMMM"], allowed_languages=[language, "eng"]) == written


def test_json_that_would_fill_the_memory_ends_the_expression():
    result = typed.call("json", [["a" * 100_000] * 1000])

    assert isinstance(result, ErrorValue)
    assert result.code == "expression:too_complex"


PLAIN = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**12), 10**12),
    st.decimals(-(10**6), 10**6, allow_nan=False, allow_infinity=False, places=3),
    st.text(max_size=12),
    st.sampled_from(
        ["D", "M", "Y", "h", "YYYY-MM-DD", "2017-01-15", "tel:+12025550143", "(a)|b", "UTC", "10:30", "-1"]
    ),
    st.dates(),
    st.times(),
    st.datetimes(timezones=st.just(UTC)),
    st.builds(ErrorValue, st.text(max_size=5)),
    st.sampled_from(["upper", "has_number", "datetime_add", "array"]).map(functions.find),
)
ANYTHING = st.recursive(
    PLAIN,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["a", "A", "uuid", "category"]), inner, max_size=3).map(Object),
        inner.map(lambda value: Object({"a": 1}, default=value)),
    ),
    max_leaves=5,
)


@pytest.mark.parametrize("name", functions.names())
@settings(max_examples=25)
@given(arguments=st.lists(ANYTHING, max_size=4))
def test_no_function_fails_but_by_an_error_value(name: str, arguments: list[Any]):
    scope = typed.scope()

    result = expressions.call(name, arguments, scope)

    assert type_name(result) != "error" or result.text
    assert rendering.to_json(scope, result) is not ...


WORDS = st.lists(st.text("abcXYZ09_'é", min_size=1, max_size=6), max_size=8)
NUMBERS = st.decimals(-(10**15), 10**15, allow_nan=False, allow_infinity=False, places=6)
ITEMS = st.lists(st.one_of(st.integers(-5, 5), st.sampled_from(["1", "a", "A", ""]), st.booleans(), st.none()))


@given(WORDS, st.sampled_from([" ", ", ", " - ", "\n", "... "]))
def test_words_are_those_that_were_written(words: list[str], between: str):
    text = between.join(words)

    assert typed.call("split", [text]) == words
    assert typed.call("word_count", [text]) == len(words)
    assert typed.call("word_slice", [text, 0]) == " ".join(words)
    assert [typed.call("word", [text, at]) for at in range(len(words))] == words


@given(WORDS, st.integers(0, 9), st.integers(1, 9))
def test_slices_of_words_meet(words: list[str], start: int, more: int):
    text, end = " ".join(words), start + more
    parts = [
        typed.call("word_slice", [text, 0, start]) if start else "",
        typed.call("word_slice", [text, start, end]),
        typed.call("word_slice", [text, end]),
    ]

    assert " ".join(filter(None, parts)) == text


@given(st.text(max_size=20), st.integers(-25, 25))
def test_slices_of_text_meet(text: str, at: int):
    assert typed.call("text_slice", [text, 0, at]) + typed.call("text_slice", [text, at]) == text


@given(ITEMS)
def test_unique_values_are_unique_and_none_is_lost(items: list[Any]):
    unique = typed.call("unique", [items])

    assert typed.call("unique", [unique]) == unique
    assert all(typed.call("contains", [unique, each]) for each in items)
    assert len(unique) == len({(type(each), each) for each in items})


@given(st.lists(NUMBERS))
def test_sorting_numbers_orders_them_and_keeps_them(numbers: list[Decimal]):
    ordered = typed.call("sort", [numbers])

    assert all(a <= b for a, b in pairwise(ordered))
    assert sorted(ordered) == sorted(numbers)
    assert typed.call("reverse", [typed.call("reverse", [ordered])]) == ordered


@given(NUMBERS)
def test_rounding_lies_between_down_and_up(number: Decimal):
    down, nearest, up = (typed.call(name, [number, 2]) for name in ("round_down", "round", "round_up"))

    assert down <= number <= up
    assert nearest in (down, up)
    assert abs(nearest - number) * 2 <= Decimal("0.01")


@given(NUMBERS)
def test_a_number_written_for_people_is_found_again(number: Decimal):
    written = typed.call("format_number", [number])

    assert typed.call("has_number", [written]).get("match") == number


@given(st.dates(), st.times(), st.sampled_from(["YYYY-MM-DD tt:mm:ss.ffffff", "D MMMM YYYY, hh:mm:ss.ffffff AA"]))
def test_what_a_format_writes_it_reads(day: date, at: time, layout: str):
    moment = datetime.combine(day, at, UTC)
    written = typed.call("format_datetime", [moment, layout], timezone="UTC")

    assert typed.call("parse_datetime", [written, layout], timezone="UTC") == moment
