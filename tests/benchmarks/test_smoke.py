"""Each benchmark at a tiny size: what it measures today must still be there tomorrow. No figure is judged."""

import time
from functools import partial
from pathlib import Path

import pytest

import benchmarks
from benchmarks import load, measuring
from benchmarks.stage import Stage
from tests import world

pytestmark = pytest.mark.anyio

DEMANDED_BY = {
    "analytics": 1,
    "contacts": 8,
    "crowd": 3,
    "expansion": 2,
    "delivery": 1,
    "webhooks": 2,
    "batch": 2,
    "mail": 1,
    "signing": 2,
    "expressions": 1,
    "flows": 1,
    "flow_host": 4,
    "inbound": 2,
    "starting": 1,
    "idle": 1,
    "pages": 3,
    "proof": 3,
    "rapidpro": 9,
}
"""How many figures of each have something to reach."""


@pytest.fixture
def stage(tmp_path: Path, dsn: str) -> Stage:
    return Stage(tmp_path, partial(world.clone, dsn))


@pytest.mark.parametrize("name", [*benchmarks.NAMES, "proof"])
async def test_it_still_measures(name: str, stage: Stage) -> None:
    module = benchmarks.module(name)

    figures = await module.run(stage, module.SIZES["tiny"])

    assert sum(figure.met is not None for figure in figures) == DEMANDED_BY.get(name, 0)


async def test_rounds_go_forwards_and_backwards() -> None:
    order: list[str] = []

    async def run(name: str) -> int:
        order.append(name)
        return len(order)

    found = await measuring.interleaved(3, ours=lambda: run("ours"), raw=lambda: run("raw"))

    assert order == ["ours", "raw", "raw", "ours", "ours", "raw"]
    assert found == {"ours": [1, 4, 5], "raw": [2, 3, 6]}


def test_a_ratio_compares_within_each_round() -> None:
    figure = measuring.ratio("rate", [50, 80, 10], [100, 100, 10], least=0.75)

    assert (figure.value, figure.met) == (0.8, True)


@pytest.mark.parametrize(("percent", "value"), [(50, 5), (99, 10), (10, 1), (91, 10)])
def test_a_percentile_is_a_value_that_occurred(percent: float, value: int) -> None:
    assert measuring.percentile(range(10, 0, -1), percent) == value


async def test_open_load_counts_from_when_a_call_was_due() -> None:
    async def stand_still_once(number: int) -> None:
        if number == 0:
            time.sleep(0.05)  # noqa: ASYNC251

    waits = await load.open_loop(stand_still_once, rate=1000, seconds=0.01)

    assert min(waits) > 30


def test_the_report_of_wrk_is_read() -> None:
    found = load.of_wrk(WRK)

    assert found == load.Load(2753.02, 9.6, 66.1, 3)


WRK = """
Running 2s test @ http://127.0.0.1:8080/
  Latency Distribution
     50%    9.60ms
     75%   12.11ms
     90%   20.00ms
     99%   66.10ms
  5510 requests in 2.00s, 60.00MB read
  Non-2xx or 3xx responses: 3
Requests/sec:   2753.02
Transfer/sec:     30.00MB
"""
