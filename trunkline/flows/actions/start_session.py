"""Start a flow for other contacts."""

from typing import Annotated

from trunkline.flows import flow_types, summaries
from trunkline.flows.actions import recipients
from trunkline.flows.actions.base import Action
from trunkline.flows.actions.contents import Contacts, Exclusions, Groups, LegacyVariables
from trunkline.flows.events import SessionTriggered
from trunkline.flows.inputs import History
from trunkline.flows.marks import template
from trunkline.flows.references import FlowReference
from trunkline.flows.sessions import FlowRef
from trunkline.flows.step import Step


class StartSession(Action, frozen=True, kw_only=True):
    type = "start_session"
    allowed_in = flow_types.ONLINE

    flow: FlowReference
    groups: Groups = ()
    contacts: Contacts = ()
    contact_query: Annotated[str, template()] = ""
    urns: tuple[str, ...] = ()
    legacy_vars: LegacyVariables = ()
    exclusions: Exclusions = Exclusions()
    create_contact: bool = False

    def run(self, step: Step) -> None:
        since_input = _since_input(step)
        if since_input >= LONGEST_CHAIN:
            step.error(f"{LONGEST_CHAIN} sessions started one another without anybody's answer: this ends here.")
            return
        flow = step.assets.flows.by_uuid(self.flow.uuid)
        if flow is None:
            step.missing("flow", self.flow.uuid, self.flow.name)
            return
        found = recipients.read(step, self)
        if found is None or not (found or self.create_contact):
            return
        before = step.trigger.history
        step.log(
            SessionTriggered(
                flow=FlowRef(flow.uuid, flow.name),
                groups=found.groups,
                contacts=found.contacts,
                contact_query=found.contact_query,
                urns=found.urns,
                exclusions={"in_a_flow": True} if self.exclusions.in_a_flow else {},
                create_contact=self.create_contact,
                run_summary=summaries.write(step.run, step.contact),
                history=History(step.session.uuid, (before.ancestors if before else 0) + 1, since_input + 1),
            )
        )


LONGEST_CHAIN = 5


def _since_input(step: Step) -> int:
    """How many sessions led to this one since somebody said something; -1 when that was in this one."""
    if any(run.had_input for run in step.session.runs):
        return -1
    history = step.trigger.history
    return history.ancestors_since_input if history else 0
