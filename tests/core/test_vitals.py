"""What a process says of itself."""

import asyncio

import pytest

from trunkline.core import vitals

pytestmark = pytest.mark.anyio


async def test_the_loops_lag_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vitals, "LOOK_SECONDS", 0.001)
    before, stopping = sum(vitals.LAG.of().counts), asyncio.Event()

    watching = asyncio.create_task(vitals.watch_loop(stopping))
    async with asyncio.timeout(30):
        while sum(vitals.LAG.of().counts) == before:
            await asyncio.sleep(0.001)
    stopping.set()
    await watching

    assert sum(vitals.LAG.of().counts) > before
