"""Add the contact to groups."""

from collections.abc import Generator
from typing import Any

from trunkline.flows import modifiers
from trunkline.flows.actions import recipients
from trunkline.flows.actions.base import Action
from trunkline.flows.actions.contents import Groups
from trunkline.flows.requests import Answer, Request
from trunkline.flows.step import Step


class AddContactGroups(Action, frozen=True, kw_only=True):
    type = "add_contact_groups"

    groups: Groups

    def run(self, step: Step) -> Generator[Request, Answer, Any]:
        groups = recipients.groups(step, self.groups)
        yield from step.change(modifiers.Groups(tuple(groups), "add"))
