"""Send an email to fixed or computed addresses."""

from collections.abc import Generator
from typing import Annotated, Any

from msgspec import Meta

from trunkline.flows import flow_types
from trunkline.flows.actions.base import Action
from trunkline.flows.events import EmailSent
from trunkline.flows.marks import template
from trunkline.flows.requests import Answer, EmailSend, Request
from trunkline.flows.step import Step


class SendEmail(Action, frozen=True, kw_only=True):
    type = "send_email"
    allowed_in = flow_types.ONLINE

    addresses: Annotated[tuple[Annotated[str, template()], ...], Meta(min_length=1)]
    subject: Annotated[str, template(localizable=True)]
    body: Annotated[str, template(localizable=True)]

    def run(self, step: Step) -> Generator[Request, Answer, Any]:
        subject = " ".join(step.evaluate(step.localized(self.uuid, "subject", self.subject)).text.split())
        body = step.evaluate(step.localized(self.uuid, "body", self.body)).text
        if not subject or not body.strip():
            step.error("The email has no subject." if not subject else "The email has no body.")
            return
        addresses = [address for template in self.addresses if (address := _address(step, template))]
        if not addresses:
            return
        answer = yield EmailSend(addresses, subject, body)
        if answer.error:
            step.error(f"The email was not sent: {answer.error}")
        else:
            step.log(EmailSent(to=addresses, subject=subject, body=body))


def _address(step: Step, template: str) -> str:
    text = step.evaluate(template).text.strip()
    if text.lower().startswith("mailto:"):
        text = text[len("mailto:") :]
    if not text:
        step.error("An email address is empty.")
    return text
