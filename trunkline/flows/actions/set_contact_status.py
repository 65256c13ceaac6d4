"""Change the contact's status."""

from collections.abc import Generator
from typing import Any, Literal

from trunkline.flows import modifiers
from trunkline.flows.actions.base import Action
from trunkline.flows.requests import Answer, Request
from trunkline.flows.step import Step


class SetContactStatus(Action, frozen=True, kw_only=True):
    type = "set_contact_status"

    status: Literal["active", "blocked", "stopped", "archived"]

    def run(self, step: Step) -> Generator[Request, Answer, Any]:
        yield from step.change(modifiers.Status(self.status))
