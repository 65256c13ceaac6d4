"""A classifier's call: no longer done, only its result is saved as a failure."""

from collections.abc import Iterable
from typing import Annotated

from trunkline.flows import flow_types
from trunkline.flows.actions.base import HTTP_CATEGORIES, Action, ResultMade, saved
from trunkline.flows.actions.contents import ResultName
from trunkline.flows.marks import template
from trunkline.flows.references import ClassifierReference
from trunkline.flows.step import Step


class CallClassifier(Action, frozen=True, kw_only=True):
    type = "call_classifier"
    allowed_in = flow_types.ONLINE

    classifier: ClassifierReference | None = None
    input: Annotated[str, template()] = ""
    result_name: ResultName = ""

    def results(self) -> Iterable[ResultMade]:
        return saved(self.result_name, *HTTP_CATEGORIES)

    def run(self, step: Step) -> None:
        step.warn("Classifiers are no longer called.")
        if self.result_name:
            step.save(self.result_name, "0", "Failure")
