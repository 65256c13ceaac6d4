"""Save a result with the run."""

from collections.abc import Iterable
from typing import Annotated

from msgspec import Meta

from trunkline.flows.actions.base import Action, ResultMade, saved
from trunkline.flows.marks import localized, template
from trunkline.flows.step import Step


class SetRunResult(Action, frozen=True, kw_only=True):
    type = "set_run_result"

    name: Annotated[str, Meta(min_length=1, max_length=64)]
    value: Annotated[str, template()] = ""
    category: Annotated[str, localized(64)] = ""

    def results(self) -> Iterable[ResultMade]:
        return saved(self.name, *filter(None, (self.category,)))

    def run(self, step: Step) -> None:
        value = step.evaluate(self.value)
        if not value.ok:
            return
        localized = step.localized(self.uuid, "category", self.category)
        step.save(self.name, value.text, self.category, localized=localized)
