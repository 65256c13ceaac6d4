"""An action of a type we do not know: kept as it came, named when a run reaches it, otherwise without effect."""

from typing import Any

from trunkline.flows.actions.base import Action
from trunkline.flows.step import Step


class Unknown(Action, frozen=True, kw_only=True):
    type = "unknown"

    raw: dict[str, Any]

    @property
    def named(self) -> str:
        """The type that the definition writes."""
        return self.raw["type"]

    def run(self, step: Step) -> None:
        step.error(f"This version cannot run actions of type {self.named}.", "action:unsupported", type=self.named)
