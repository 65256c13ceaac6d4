"""Time limits behave like asyncio's own, but for a moment."""

import asyncio

import pytest

from trunkline.core.deadlines import Deadlines

pytestmark = pytest.mark.anyio


async def test_what_lasts_too_long_ends_in_a_timeout():
    deadlines = Deadlines()

    with pytest.raises(TimeoutError), deadlines.within(0.01):
        await asyncio.sleep(60)

    await asyncio.sleep(0)  # nothing of the cancel is left over


async def test_what_ends_in_time_goes_on():
    deadlines = Deadlines()

    with deadlines.within(0.01):
        pass
    await asyncio.sleep(0.2)


async def test_each_wait_has_its_own_limit():
    deadlines = Deadlines()

    async def wait(limit: float) -> str:
        try:
            with deadlines.within(limit):
                await asyncio.sleep(0.3)
        except TimeoutError:
            return "late"
        return "done"

    assert await asyncio.gather(wait(0.01), wait(60), wait(0.05)) == ["late", "done", "late"]


async def test_a_cancel_by_somebody_else_stays_one():
    deadlines, ended = Deadlines(), []

    async def wait() -> None:
        try:
            with deadlines.within(60):
                await asyncio.sleep(60)
        except asyncio.CancelledError:
            ended.append("canceled")
            raise

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])

    assert (ended, task.cancelled()) == (["canceled"], True)


async def test_an_error_of_the_wait_comes_through():
    deadlines = Deadlines()

    with pytest.raises(ValueError, match="its own"), deadlines.within(60):
        raise ValueError("its own")


async def test_the_clock_rests_when_nobody_waits():
    deadlines = Deadlines()
    with deadlines.within(60):
        pass
    await asyncio.sleep(0.2)

    assert deadlines._timer is None
