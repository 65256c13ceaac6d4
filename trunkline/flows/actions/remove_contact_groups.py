"""Remove the contact from groups, or from all that are not kept by a query."""

from collections.abc import Generator
from typing import Any

from trunkline.flows import modifiers
from trunkline.flows.actions import recipients
from trunkline.flows.actions.base import Action
from trunkline.flows.actions.contents import Groups
from trunkline.flows.requests import Answer, Request
from trunkline.flows.step import Step


class RemoveContactGroups(Action, frozen=True, kw_only=True):
    type = "remove_contact_groups"

    groups: Groups = ()
    all_groups: bool = False

    def __post_init__(self) -> None:
        if self.all_groups and self.groups:
            raise ValueError("Either all_groups or groups, not both")

    def run(self, step: Step) -> Generator[Request, Answer, Any]:
        if self.all_groups:
            groups = [group for group in step.assets.groups.values() if not group.query]
        else:
            groups = recipients.groups(step, self.groups)
        yield from step.change(modifiers.Groups(tuple(groups), "remove"))
