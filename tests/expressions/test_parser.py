"""How expressions are read and what they give."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import evaluations
from trunkline import expressions
from trunkline.expressions import parser
from trunkline.expressions import scope as scopes
from trunkline.expressions.tokens import SyntaxFault
from trunkline.expressions.values import ErrorValue, Object, type_name


@pytest.mark.parametrize("case", [*evaluations.table("parser"), *evaluations.table("evaluation")])
def test_an_expression(case: dict[str, Any]) -> None:
    assert evaluations.outcome(case) == evaluations.expected(case)


@pytest.mark.parametrize("case", evaluations.table("hostile"))
def test_an_expression_without_end(case: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scopes, "WORK", scopes.WORK // 100)

    assert evaluations.outcome(case) == evaluations.expected(case)


LEVELS = {"&": 1, "=": 2, "!=": 2, "<": 3, "<=": 3, ">": 3, ">=": 3, "+": 4, "-": 4, "*": 5, "/": 5, "^": 6}
ATOM, MINUS = 8, 7
leaves = st.one_of(
    st.integers(0, 20).map(str),
    st.sampled_from(["1.5", '"2"', '"b"', "true", "null", "n", "o.k", "o[1]", 'upper("a")']),
)
trees: st.SearchStrategy[Any] = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(sorted(LEVELS)), inner),
        st.tuples(st.just("-"), inner),
    ),
    max_leaves=12,
)
CONTEXT = Object({"n": 3, "o": Object({"k": Decimal("0.5"), "1": 7})})


@given(trees)
def test_brackets_are_needed_only_against_the_precedence(tree: Any) -> None:
    scope = evaluations.scope()

    sparing = expressions.expression(sparingly(tree), CONTEXT, scope)
    full = expressions.expression(fully(tree), CONTEXT, scope)

    assert (type_name(sparing), sparing) == (type_name(full), full)


def fully(tree: Any) -> str:
    """With brackets around everything."""
    match tree:
        case (left, operator, right):
            return f"({fully(left)}) {operator} ({fully(right)})"
        case ("-", inner):
            return f"-({fully(inner)})"
    return tree


def sparingly(tree: Any, least: int = 0) -> str:
    """With no brackets but those that the precedence demands where an operand of level `least` is wanted."""
    match tree:
        case (left, operator, right):
            level = LEVELS[operator]
            written = f"{sparingly(left, level)} {operator} {sparingly(right, level + 1)}"
        case ("-", inner):
            level, written = MINUS, f"-{sparingly(inner, MINUS)}"
        case _:
            return tree
    return f"({written})" if level < least else written


@given(st.text(alphabet='ab"\\()[].,&=<>+-*/^1 \n\0@é', max_size=60))
def test_whatever_is_written_there_is_a_value(source: str) -> None:
    scope = evaluations.scope()

    value = expressions.expression(source, CONTEXT, scope)

    assert bool(scope.problems) == isinstance(value, ErrorValue)


def test_a_hundred_brackets_are_read_and_one_more_is_not() -> None:
    hundred = "(" * 100 + "1" + ")" * 100

    assert expressions.expression(hundred, CONTEXT, evaluations.scope()) == 1
    with pytest.raises(SyntaxFault, match="100 brackets"):
        parser.parse(f"({hundred})")


@pytest.mark.parametrize(
    "source",
    [
        "f(" * 101 + ")" * 101,
        "x[" * 101 + "1" + "]" * 101,
        "(a) => " * 101 + "1",
        "(" * 100_000,
        "1 ^ (" * 5_000,
        "f(" * 50 + "x[" * 51,
    ],
)
def test_deep_nesting_is_refused(source: str) -> None:
    with pytest.raises(SyntaxFault):
        parser.parse(source)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("1" + " + 1" * 20_000, 20_001),
        ("-" * 20_001 + "1", -1),
        ("0" + " * 2 ^ 2 + 1" * 5_000, 4 * 4_999 + 1),
        ("1" + " = 1" * 1_001, False),
    ],
    ids=["sum", "minuses", "levels", "equality"],
)
def test_long_expressions_are_not_deep(source: str, expected: object) -> None:
    value = expressions.expression(source, CONTEXT, evaluations.scope())

    assert value == expected


def test_a_chain_of_look_ups_without_end_is_an_error() -> None:
    value = expressions.expression("o" + "[1]" * 20_000, CONTEXT, evaluations.scope())

    assert isinstance(value, ErrorValue)


@pytest.mark.parametrize(("source", "at"), [("1 + )", 4), ("x.0.2", 2), ("1 $ 2", 2), ('"ab', 0), ("(1", 2), ("", 0)])
def test_a_fault_tells_where_it_is(source: str, at: int) -> None:
    with pytest.raises(SyntaxFault) as caught:
        parser.parse(source)

    assert caught.value.at == at
