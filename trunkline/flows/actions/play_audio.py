"""Play a recording in a call."""

from typing import Annotated

from trunkline.flows import flow_types
from trunkline.flows.actions import composing
from trunkline.flows.actions.base import Action
from trunkline.flows.events import IvrCreated, MsgOut
from trunkline.flows.marks import template
from trunkline.flows.step import Step


class PlayAudio(Action, frozen=True, kw_only=True):
    type = "play_audio"
    allowed_in = flow_types.VOICE

    audio_url: Annotated[str, template(8192, localizable=True)]

    def run(self, step: Step) -> None:
        (template,), language = step.localized_many(self.uuid, "audio_url", (self.audio_url,))
        url = step.evaluate(template).text.strip()
        if not url:
            step.error("There is no recording to play.")
            return
        locale = composing.locale(step, language)
        step.log(IvrCreated(msg=MsgOut(**composing.caller(step), text="", attachments=[f"audio:{url}"], locale=locale)))
