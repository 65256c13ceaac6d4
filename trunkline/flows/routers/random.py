"""The random router: every category is as likely as any other."""

from decimal import Decimal

from trunkline.expressions import numbers
from trunkline.flows.routers.base import Router
from trunkline.flows.step import Step


class Random(Router, frozen=True, kw_only=True):
    type = "random"

    def route(self, step: Step) -> str | None:
        drawn = Decimal(str(step.random()))
        index = int(drawn * len(self.categories))
        return self.leave(step, self.categories[index], str(index), operand=numbers.plain(drawn))
