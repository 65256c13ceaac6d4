"""Change the contact's name."""

from collections.abc import Generator
from typing import Annotated, Any

from trunkline.flows import modifiers
from trunkline.flows.actions.base import Action
from trunkline.flows.marks import template
from trunkline.flows.requests import Answer, Request
from trunkline.flows.step import Step


class SetContactName(Action, frozen=True, kw_only=True):
    type = "set_contact_name"

    name: Annotated[str, template()] = ""

    def run(self, step: Step) -> Generator[Request, Answer, Any]:
        name = step.evaluate(self.name)
        if name.ok:
            yield from step.change(modifiers.Name(name.text.strip()))
