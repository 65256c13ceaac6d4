"""Say a text, or play its recording, in a call."""

from typing import Annotated

from trunkline.flows import flow_types
from trunkline.flows.actions import composing
from trunkline.flows.actions.base import Action
from trunkline.flows.events import IvrCreated, MsgOut
from trunkline.flows.marks import localized, template
from trunkline.flows.step import Step


class SayMsg(Action, frozen=True, kw_only=True):
    type = "say_msg"
    allowed_in = flow_types.VOICE

    text: Annotated[str, template(localizable=True)]
    audio_url: Annotated[str, localized(8192)] = ""

    def run(self, step: Step) -> None:
        (template,), language = step.localized_many(self.uuid, "text", (self.text,))
        text = step.evaluate(template).text.strip()
        url = step.localized(self.uuid, "audio_url", self.audio_url)
        if not text and not url:
            step.error("There is nothing to say: no text and no recording.")
            return
        attachments = [f"audio:{url}"] if url else []
        locale = composing.locale(step, language)
        step.log(IvrCreated(msg=MsgOut(**composing.caller(step), text=text, attachments=attachments, locale=locale)))
