"""Run another flow as a child, or instead of this one."""

from trunkline.flows.actions.base import Action
from trunkline.flows.references import FlowReference
from trunkline.flows.step import Step


class EnterFlow(Action, frozen=True, kw_only=True):
    type = "enter_flow"

    flow: FlowReference
    terminal: bool = False

    def run(self, step: Step) -> None:
        flow = step.assets.flows.by_uuid(self.flow.uuid)
        if flow is None:
            step.fail(f"There is no flow {self.flow.name or self.flow.uuid} to enter.")
        elif flow.type not in (step.flow.type, "messaging_background"):
            step.fail(f"A flow of type {step.flow.type} cannot enter {flow.name}, which is of type {flow.type}.")
        else:
            step.enter(flow, terminal=self.terminal)
