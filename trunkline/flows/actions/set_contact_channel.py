"""Prefer a channel for the contact, or none."""

from collections.abc import Generator
from typing import Any

from trunkline.flows import flow_types, modifiers
from trunkline.flows.actions.base import Action
from trunkline.flows.references import ChannelReference
from trunkline.flows.requests import Answer, Request
from trunkline.flows.step import Step


class SetContactChannel(Action, frozen=True, kw_only=True):
    type = "set_contact_channel"
    allowed_in = flow_types.ONLINE

    channel: ChannelReference | None = None

    def run(self, step: Step) -> Generator[Request, Answer, Any]:
        channel = step.assets.channels.get(self.channel.uuid) if self.channel else None
        if self.channel and channel is None:
            step.missing("channel", self.channel.uuid, self.channel.name)
        else:
            yield from step.change(modifiers.Preferred(channel))
