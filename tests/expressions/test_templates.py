"""Templates as text and as typed values."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import evaluations
from trunkline import expressions
from trunkline.expressions.scope import Problem
from trunkline.expressions.values import Deprecated, Lazy, Object


@pytest.mark.parametrize("case", evaluations.table("templates"))
def test_a_template(case: dict[str, Any]) -> None:
    assert evaluations.outcome(case) == evaluations.expected(case)


def test_a_failed_piece_is_told_with_its_source() -> None:
    scope = evaluations.scope()

    found = expressions.template("Hi @contact.nmae!", Object({"contact": Object({"name": "Ann"})}), scope)

    assert (found.text, found.ok) == ("Hi !", False)
    assert found.errors == scope.problems == [Problem("object has no property 'nmae'", "@contact.nmae")]


def test_only_the_sixteen_roots_are_names() -> None:
    context = Object({"contact": Object({"name": "Ann"}), "twitter": "x", "example": Object({"com": "y"})})

    found = expressions.template("@twitter bob@example.com @CONTACT.Name @(twitter)", context, evaluations.scope())

    assert found.text == "@twitter bob@example.com Ann x"


@pytest.mark.parametrize(
    ("length", "limit", "expected"),
    [(10_000, 10_000, "x" * 10_000), (10_001, 10_000, "x" * 9_997 + "..."), (10_001, None, "x" * 10_001)],
)
def test_the_text_is_cut_with_an_ellipsis(length: int, limit: int | None, expected: str) -> None:
    found = expressions.template("@results", Object({"results": "x" * length}), evaluations.scope(), limit=limit)

    assert found.text == expected


def test_a_cut_text_is_no_failure() -> None:
    found = expressions.template("x" * 10_001, Object(), evaluations.scope())

    assert found.ok


def test_warnings_are_told_once_for_each_piece() -> None:
    scope = evaluations.scope()
    context = Object({"contact": Object({"id": Deprecated("7", "use uuid")})})

    expressions.template("@contact.id @(contact.id & contact.id)", context, scope)

    assert scope.warnings == ["use uuid", "use uuid"]


def test_what_a_template_does_not_name_is_not_made() -> None:
    made: list[str] = []

    def make(name: str) -> Lazy:
        return Lazy(lambda: made.append(name) or name)

    context = Object({"contact": Object({"name": make("name"), "urns": make("urns")}), "run": make("run")})

    for _ in range(2):
        expressions.template("@contact.name", context, evaluations.scope())

    assert made == ["name"]


@given(st.text(max_size=200))
def test_a_text_without_at_signs_survives(text: str) -> None:
    plain = text.replace("@", "")

    assert expressions.template(plain, Object(), evaluations.scope()).text == plain


@given(st.text(max_size=200))
def test_doubled_at_signs_keep_a_text_as_it_is(text: str) -> None:
    found = expressions.template(text.replace("@", "@@"), Object(), evaluations.scope())

    assert (found.text, found.ok) == (text, True)


@given(st.lists(st.sampled_from(["@", "@@", "@(", ")", "(", '"', "\\", "contact", ".name", "x", " ", "1", "é"])))
def test_no_template_is_refused(parts: list[str]) -> None:
    context = Object({"contact": Object({"name": "Ann"})})

    found = expressions.template("".join(parts), context, evaluations.scope())

    assert found.ok == (not found.errors)
