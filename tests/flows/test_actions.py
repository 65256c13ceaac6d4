"""What each action does to the contact, the run and the world outside."""

from typing import Any

import pytest

from tests import flow_cases

CASES = flow_cases.read("actions")


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_case(case: dict[str, Any]) -> None:
    result = flow_cases.run(case)

    assert flow_cases.mismatches(case, result) == []
