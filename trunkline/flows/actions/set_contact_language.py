"""Change the contact's language; empty clears it."""

from collections.abc import Generator
from typing import Annotated, Any

from trunkline.flows import modifiers
from trunkline.flows.actions.base import Action
from trunkline.flows.marks import template
from trunkline.flows.requests import Answer, Request
from trunkline.flows.step import Step


class SetContactLanguage(Action, frozen=True, kw_only=True):
    type = "set_contact_language"

    language: Annotated[str, template()] = ""

    def run(self, step: Step) -> Generator[Request, Answer, Any]:
        language = step.evaluate(self.language)
        if language.ok:
            yield from step.change(modifiers.Language(language.text))
