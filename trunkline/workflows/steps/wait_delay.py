"""Wait before the steps that follow."""

from datetime import timedelta
from typing import Annotated, Literal

from msgspec import Meta, Struct

from trunkline.core.db import Tx
from trunkline.workflows.definition import Problems
from trunkline.workflows.steps.base import Outcome, Scene, Step

Unit = Literal["second", "seconds", "minute", "minutes", "hour", "hours", "day", "days", "week", "weeks"]
MOST = timedelta(days=366)


class Config(Struct, frozen=True):
    duration: Annotated[float, Meta(gt=0)]
    unit: Unit = "minutes"

    @property
    def wait(self) -> timedelta:
        return timedelta(**{self.unit.removesuffix("s") + "s": self.duration})


async def check(tx: Tx, config: Config) -> Problems:
    try:
        fits = config.wait <= MOST
    except OverflowError:
        fits = False
    return {} if fits else {"duration": ["A workflow waits at most a year."]}


async def run(tx: Tx, scene: Scene, config: Config) -> Outcome:
    return Outcome(wait=config.wait)


STEP = Step(config=Config, run=run, check=check)
