"""Fine points that are easy to get wrong, and translations."""

from typing import Any

import pytest

from tests import flow_cases

CASES = flow_cases.read("traps")


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_case(case: dict[str, Any]) -> None:
    result = flow_cases.run(case)

    assert flow_cases.mismatches(case, result) == []
