"""What evaluation may use from outside, and what it may spend."""

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from msgspec import Struct

from trunkline.expressions.environment import Environment
from trunkline.expressions.values import EXPRESSION, Object, TooComplex, Value

BUDGET = 10_000_000
WORK = 100_000_000
DEPTH = 50
ITEM = 10
"""A value in an array or object weighs as much as so many characters of a text."""


class Problem(Struct, frozen=True):
    """One piece that failed: `source` is the piece as it was written."""

    text: str
    source: str
    code: str = EXPRESSION


class Scope:
    """First argument of every function. One serves any number of evaluations, one after the other.

    `problems` and `warnings` gather what evaluations had to say; whoever reads them clears them.
    Every expression starts with the whole budget. Time and chance come from outside.
    """

    __slots__ = (
        "_now",
        "_since",
        "budget",
        "cost",
        "depth",
        "environment",
        "locations",
        "problems",
        "prompts",
        "random",
        "warnings",
        "work",
    )

    def __init__(
        self,
        environment: Environment,
        *,
        now: Callable[[], datetime],
        random: Callable[[], float | Decimal],
        locations: Any = None,
        prompts: Mapping[str, str] | None = None,
        budget: int = BUDGET,
    ) -> None:
        """`now` is aware, of any zone; `random` lies in [0, 1); `locations` a `locations.Hierarchy` or None."""
        self.environment = environment
        self.random = random
        self.locations = locations
        self.prompts = prompts or {}
        self.budget = budget
        self.problems: list[Problem] = []
        self.warnings: list[str] = []
        self._now = now
        self.begin()

    def now(self) -> datetime:
        """The time, in the environment's zone."""
        return self._now().astimezone(self.environment.zone)

    def begin(self) -> None:
        """Start an expression: the budget is whole again, warnings may repeat those of earlier pieces."""
        self.cost = 0
        self.work = 0
        self.depth = 0
        self._since = len(self.warnings)

    def warn(self, reason: str) -> None:
        """Once for each expression."""
        if reason not in self.warnings[self._since :]:
            self.warnings.append(reason)

    def charge(self, result: Value) -> None:
        """Take a function's or operator's result from the budget: text costs its bytes, all else one."""
        if type(result) is str:
            self.cost += len(result) if result.isascii() else len(result.encode("utf-8", "surrogatepass"))
        else:
            self.cost += 1
            if type(result) is list or type(result) is Object:
                self.toil(len(result) * ITEM)
        if self.cost > self.budget or self.work > WORK:
            raise TooComplex

    def toil(self, steps: int) -> None:
        """Count work that results do not show: texts and arrays read, arrays made, values compared."""
        self.work += steps
        if self.work > WORK:
            raise TooComplex
