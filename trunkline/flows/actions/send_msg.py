"""Send a message to the contact."""

from collections.abc import Generator
from typing import Any

from trunkline.flows import channels
from trunkline.flows.actions import composing
from trunkline.flows.actions.base import Action
from trunkline.flows.actions.contents import Attachments, QuickReplies, Text, Variables
from trunkline.flows.events import MsgCreated, MsgOut
from trunkline.flows.references import TemplateReference
from trunkline.flows.requests import Answer, IsSendable, Request
from trunkline.flows.step import Step


class SendMsg(Action, frozen=True, kw_only=True):
    type = "send_msg"

    text: Text
    attachments: Attachments = ()
    quick_replies: QuickReplies = ()
    template: TemplateReference | None = None
    template_variables: Variables = ()

    def run(self, step: Step) -> Generator[Request, Answer, Any]:
        made, language = composing.content(step, self)
        route = channels.preferred(step.assets, step.contact)
        address, channel = route or (None, None)
        filled, locale = composing.templating(step, self, channel) or (None, composing.locale(step, language))
        reason = UNSENDABLE.get(step.contact.status, "")
        if not reason:
            reason = "no_route" if channel is None else ""
        if not reason and address and channel:
            reason = yield IsSendable(address.text, channel.uuid, made.text)
        msg = MsgOut(
            **composing.sender(address, channel),
            text=made.text,
            attachments=made.attachments,
            quick_replies=made.quick_replies,
            templating=filled,
            locale=locale,
            unsendable_reason=reason,
        )
        step.log(MsgCreated(msg=msg))


UNSENDABLE = {"blocked": "contact_blocked", "stopped": "contact_stopped", "archived": "contact_archived"}
