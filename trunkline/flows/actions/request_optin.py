"""A request to opt in: no longer done."""

from trunkline.flows import flow_types
from trunkline.flows.actions.base import Action
from trunkline.flows.references import OptinReference
from trunkline.flows.step import Step


class RequestOptin(Action, frozen=True, kw_only=True):
    type = "request_optin"
    allowed_in = flow_types.ONLINE

    optin: OptinReference | None = None

    def run(self, step: Step) -> None:
        step.error("Opt-ins are no longer requested.", "action:unsupported", type=self.type)
