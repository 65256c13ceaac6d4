"""Send a mail to the contact, from texts of its own or from a template."""

from typing import Annotated, Any

from msgspec import Meta, Struct

from trunkline.core.db import Tx
from trunkline.core.errors import NotFound
from trunkline.core.html import is_html
from trunkline.messaging import templates
from trunkline.workflows import letters, talks
from trunkline.workflows.definition import Problems
from trunkline.workflows.executions import Execution
from trunkline.workflows.letters import Letter
from trunkline.workflows.steps.base import Outcome, Scene, Step

Body = Annotated[str, Meta(max_length=200_000)]


class Config(Struct, frozen=True):
    """What the template says is used where nothing else is given."""

    subject: Annotated[str, Meta(max_length=500)] | None = None
    body: Body | None = None
    body_html: Body | None = None
    from_name: Annotated[str, Meta(max_length=255)] | None = None
    email_template_id: int | None = None


async def check(tx: Tx, config: Config) -> Problems:
    problems: Problems = {}
    if config.email_template_id is not None:
        try:
            template = await templates.get(tx, config.email_template_id)
        except NotFound:
            template = None
        if template is None or template.channel != "email":
            problems["email_template_id"] = ["The selected email_template_id is invalid."]
        return problems
    if not (config.subject or "").strip():
        problems["subject"] = ["The subject field is required."]
    if not (config.body or "").strip() and not (config.body_html or "").strip():
        problems["body"] = ["The body field is required."]
    return problems


async def run(tx: Tx, scene: Scene, config: Config) -> Outcome:
    letter = await _letter(tx, scene, config)
    try:
        message = await letters.queue(tx, scene.contact_id, letter, scene.known)
    except letters.NotSent as why:
        return Outcome(skipped=True, note=why.message)
    return Outcome(note=f"Message {message} is queued.", keep={"mail": {"message_id": message}})


async def _letter(tx: Tx, scene: Scene, config: Config) -> Letter:
    subject, text, html = config.subject or "", config.body or "", config.body_html or None
    if config.email_template_id is not None:
        template = await templates.get(tx, config.email_template_id)
        subject = subject or template.subject or template.name
        if not text and not html:
            text, html = ("", template.body) if is_html(template.body) else (template.body, None)
    conversation, headers = await _thread(tx, scene.execution)
    if config.from_name:
        headers["from_name"] = scene.text(config.from_name, "header")
    return Letter(
        subject=subject,
        text=text,
        html=html,
        headers=headers,
        template_id=config.email_template_id,
        conversation_id=conversation,
    )


async def _thread(tx: Tx, execution: Execution) -> tuple[int | None, dict[str, Any]]:
    """A mail that answers one goes into its conversation and its reader's thread; others open none."""
    if execution.context.get("trigger", {}).get("type") != "email_received":
        return None, {}
    conversation = await talks.of(tx, execution)
    answered = await talks.mail_id(tx, execution.context["trigger"]["message_id"])
    return conversation, {"in_reply_to": answered, "references": [answered]} if answered else {}


STEP = Step(config=Config, run=run, check=check)
