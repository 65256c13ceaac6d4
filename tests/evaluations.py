"""Expressions to evaluate in tests, and the tables of cases in `tests/expressions/cases`."""

import tomllib
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from trunkline.expressions.environment import Environment, read
from trunkline.expressions.scope import Scope
from trunkline.flows.cases import documents, evaluating

CASES = Path(__file__).parent / "expressions" / "cases"
NOW = datetime(2025, 5, 4, 12, 30, 45, 123456, UTC)


def table(name: str) -> list[Any]:
    """The cases of a file, for `parametrize`; each is called by its `is`."""
    document = tomllib.loads((CASES / f"{name}.toml").read_text(), parse_float=Decimal)
    return [pytest.param(case, id=case["is"]) for case in document["case"]]


def outcome(case: dict[str, Any]) -> dict[str, Any]:
    """As much of the answer to a case as the case says about it."""
    answer = documents.plain(evaluating.answer(case, None))
    errors = answer.pop("errors")
    answer |= {"fails": [error["code"] for error in errors], "sources": [error["source"] for error in errors]}
    return {key: answer[key] for key in expected(case)}


def expected(case: dict[str, Any]) -> dict[str, Any]:
    """Unless it says otherwise, nothing in it fails and nothing is deprecated."""
    told = {key: case[key] for key in ("type", "text", "json", "fails", "sources", "warnings") if key in case}
    return {"fails": [], "warnings": []} | told


def scope(environment: Environment | dict[str, Any] | None = None, **options: Any) -> Scope:
    """At a fixed moment, without chance."""
    where = environment if isinstance(environment, Environment) else read(environment)
    return Scope(where, now=lambda: NOW, random=lambda: 0.5, **options)
