"""Every test of switch routers, case by case from files."""

import string
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.expressions import typed
from trunkline import expressions
from trunkline.expressions.environment import Collation
from trunkline.expressions.router_tests import has_passed
from trunkline.expressions.values import ErrorValue, Object


@pytest.mark.parametrize(("name", "arguments", "expected", "environment"), typed.cases("router_tests"))
def test_router_test(name: str, arguments: list[Any], expected: Any, environment: dict[str, Any]):
    result = typed.call(name, arguments, **environment)

    if expected == {"$error": "*"}:
        assert isinstance(result, ErrorValue)
    elif expected is False:
        assert typed.shown(result) == ("object", ("boolean", False), {"match": ("null", None)})
    else:
        _, default, values = typed.shown(result)
        assert default == ("boolean", True)
        assert values == typed.shown(typed.value(expected))[2]


def test_there_are_thirty_tests_and_an_alias():
    assert len(typed.names("router_tests")) == 31


def test_a_result_counts_as_true_or_false_in_expressions():
    scope = typed.scope()

    assert expressions.expression('if(has_number("I am 42"), "yes", "no")', Object(), scope) == "yes"
    assert expressions.expression('if(has_number("I am old"), "yes", "no")', Object(), scope) == "no"
    assert expressions.expression('has_number("I am 42").match', Object(), scope) == 42


def test_a_router_asks_whether_the_test_has_passed():
    assert has_passed(typed.call("has_text", ["x"]))
    assert not has_passed(typed.call("has_text", [""]))
    assert not has_passed(typed.call("has_pattern", ["x", "("]))


def test_places_are_an_error_where_there_are_none():
    scope = typed.scope()
    scope.locations = None

    for name in ("has_state", "has_district", "has_ward"):
        assert isinstance(expressions.call(name, ["Kigali"], scope), ErrorValue)


@given(st.text("ab", max_size=8).map(" ".join), st.text("ab", min_size=1, max_size=3).map(" ".join))
def test_a_phrase_is_found_only_where_it_stands(text: str, phrase: str):
    result = typed.call("has_phrase", [text, phrase])

    if has_passed(result):
        assert f" {phrase} " in f" {text} "
        assert result.get("match") == phrase


@given(st.text(max_size=30), st.text(max_size=10))
def test_all_words_imply_any_word(text: str, words: str):
    every, some = (typed.call(name, [text, words]) for name in ("has_all_words", "has_any_word"))

    if has_passed(every) and every.get("match"):
        assert some.get("match") == every.get("match")


@given(st.text(string.ascii_letters + string.digits + " ", max_size=30), st.sampled_from(get_args(Collation)))
def test_case_never_matters_to_a_phrase(text: str, collation: Collation):
    result = typed.call("has_only_phrase", [text.upper(), text.lower()], input_collation=collation)

    assert has_passed(result)
