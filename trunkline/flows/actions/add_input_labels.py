"""Put labels on the message that the run is answering."""

from typing import Annotated

from msgspec import Meta

from trunkline.flows import flow_types
from trunkline.flows.actions import recipients
from trunkline.flows.actions.base import Action
from trunkline.flows.events import InputLabelsAdded
from trunkline.flows.references import LabelReference
from trunkline.flows.step import Step


class AddInputLabels(Action, frozen=True, kw_only=True):
    type = "add_input_labels"
    allowed_in = flow_types.INTERACTIVE

    labels: Annotated[tuple[LabelReference, ...], Meta(max_length=100)]

    def run(self, step: Step) -> None:
        if step.session.input is None:
            step.error("There is no message to put labels on.")
        elif labels := recipients.labels(step, self.labels):
            step.log(InputLabelsAdded(input_uuid=step.session.input.uuid, labels=[label.ref for label in labels]))
