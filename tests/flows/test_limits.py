"""Limits, and documents that cannot be read: each has its own answer, none is an accident."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import flow_cases
from trunkline.flows.cases import documents

CASES = flow_cases.read("limits")
FILES = ("engine", "actions", "routers", "limits", "traps")
WHOLE = [case for name in FILES for case in flow_cases.read(name).values()]
WRONG = (
    *(None, 0, -1, True, 1.5, 10**40, "", "x", "a" * 700, "\x00", [], {}, [None], [[]], {"a": None}),
    *("@", "@(1/0)", "@(char(55296))", '@(repeat("a", 9999))', "@contact", "@run", "@(json(run))", "@legacy_extra"),
    *("@trigger.params", '@(datetime("9999-12-31"))', "tel:", "tel:+1", "eng", "Asia/Kolkata"),
    *("9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z"),
)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_case(case: dict[str, Any]) -> None:
    result = flow_cases.run(case)

    assert flow_cases.mismatches(case, result) == []


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_wrong_value_anywhere_has_an_answer(data: Any) -> None:
    case = documents.plain(flow_cases.full(data.draw(st.sampled_from(WHOLE))))
    path = data.draw(st.sampled_from(list(places(case))))

    result = flow_cases.answer(changed(case, path, data.draw(st.sampled_from(WRONG))))

    assert result.keys() <= {"outputs", "error"}


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every value inside."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in pairs:
        yield (*path, key)
        yield from places(item, (*path, key))


def changed(case: Any, path: tuple[Any, ...], wrong: Any) -> Any:
    case = deepcopy(case)
    inner = case
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = wrong
    return case
