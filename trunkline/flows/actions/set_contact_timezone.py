"""Change the contact's time zone; empty clears it."""

from collections.abc import Generator
from typing import Annotated, Any

from trunkline.flows import modifiers
from trunkline.flows.actions.base import Action
from trunkline.flows.marks import template
from trunkline.flows.requests import Answer, Request
from trunkline.flows.step import Step


class SetContactTimezone(Action, frozen=True, kw_only=True):
    type = "set_contact_timezone"

    timezone: Annotated[str, template()] = ""

    def run(self, step: Step) -> Generator[Request, Answer, Any]:
        timezone = step.evaluate(self.timezone)
        if timezone.ok:
            yield from step.change(modifiers.Timezone(timezone.text))
