"""Change the value of one of the contact's fields; empty clears it."""

from collections.abc import Generator
from typing import Annotated, Any

from trunkline.flows import modifiers
from trunkline.flows.actions.base import Action
from trunkline.flows.marks import template
from trunkline.flows.references import FieldReference
from trunkline.flows.requests import Answer, Request
from trunkline.flows.step import Step


class SetContactField(Action, frozen=True, kw_only=True):
    type = "set_contact_field"

    field: FieldReference
    value: Annotated[str, template(10_000)] = ""

    def run(self, step: Step) -> Generator[Request, Answer, Any]:
        value = step.evaluate(self.value)
        if not value.ok:
            return
        if field := step.assets.fields.get(self.field.key):
            yield from step.change(modifiers.SetField(field, value.text))
        else:
            step.missing("field", self.field.key, self.field.name)
