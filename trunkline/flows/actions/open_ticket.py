"""Open a ticket for the contact, unless one is open."""

from collections.abc import Generator, Iterable
from typing import Annotated, Any

from trunkline.flows import contact_tickets, flow_types, modifiers
from trunkline.flows.actions import recipients
from trunkline.flows.actions.base import HTTP_CATEGORIES, Action, ResultMade, saved
from trunkline.flows.actions.contents import ResultName
from trunkline.flows.assets import Topic
from trunkline.flows.marks import template
from trunkline.flows.references import TopicReference, UserReference
from trunkline.flows.requests import Answer, Request
from trunkline.flows.step import Step

OUTPUT_LOCAL = "_new_ticket"


class OpenTicket(Action, frozen=True, kw_only=True):
    type = "open_ticket"
    allowed_in = flow_types.ONLINE

    topic: TopicReference | None = None
    assignee: UserReference | None = None
    note: Annotated[str, template()] = ""
    result_name: ResultName = ""

    def results(self) -> Iterable[ResultMade]:
        return saved(self.result_name, *HTTP_CATEGORIES)

    def locals(self) -> Iterable[str]:
        return (OUTPUT_LOCAL,)

    def run(self, step: Step) -> Generator[Request, Answer, Any]:
        opened = yield from self._open(step)
        step.set_local(OUTPUT_LOCAL, opened)
        if self.result_name:
            step.save(self.result_name, opened, "Success" if opened else "Failure")

    def _open(self, step: Step) -> Generator[Request, Answer, str]:
        """The uuid of the ticket, "" if none was opened."""
        if step.is_batch:
            step.error("Tickets are not opened while a flow starts for many contacts.")
            return ""
        topic = self._topic(step)
        assignee = recipients.user(step, self.assignee)
        note = step.evaluate(self.note).text.strip()
        if topic is None or not (yield from step.change(modifiers.OpenTicket(topic, assignee, note))):
            return ""
        ticket = contact_tickets.current(step.contact)
        return ticket.uuid if ticket else ""

    def _topic(self, step: Step) -> Topic | None:
        if self.topic is None:
            topic = step.assets.topic_names.get(GENERAL)
        else:
            topic = step.assets.topics.get(self.topic.uuid)
        if topic is None:
            wanted = (self.topic.uuid, self.topic.name) if self.topic else (GENERAL, "General")
            step.missing("topic", *wanted)
        return topic


GENERAL = "general"
