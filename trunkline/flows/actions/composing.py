"""From an action's texts to the content of a message: translated, evaluated, cut, in somebody's language."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from trunkline.flows import addresses
from trunkline.flows.addresses import Address
from trunkline.flows.assets import Channel, Template, Translation
from trunkline.flows.events import QuickReply, Templating
from trunkline.flows.sessions import Ref
from trunkline.flows.step import Step

LONGEST_ATTACHMENT = 2048
LONGEST_QUICK_REPLY = 64
LONGEST_EXTRA = 1000
QUICK_REPLY_TYPES = ("location", "form", "url")


class Content(Struct, omit_defaults=True):
    text: str
    attachments: list[str] = []
    quick_replies: list[QuickReply] = []


def content(step: Step, action: Any, languages: Sequence[str] | None = None) -> tuple[Content, str]:
    """What the action says in the first of `languages` that it has, and which that is; by default the contact's."""
    wanted = languages or step.languages
    (text,), spoken = step.flow.translated(wanted, action.uuid, "text", (action.text,))
    attachments, shown = step.flow.translated(wanted, action.uuid, "attachments", action.attachments)
    replies, offered = step.flow.translated(wanted, action.uuid, "quick_replies", action.quick_replies)
    made = Content(
        text=step.evaluate(text).text,
        attachments=[each for template in attachments if (each := _attachment(step, template))],
        quick_replies=[each for template in replies if (each := _quick_reply(step, template))],
    )
    if made.text or not (made.attachments or made.quick_replies):
        return made, spoken
    return made, shown if made.attachments else offered


def locale(step: Step, language: str) -> str:
    """`eng-US`: the language of the text and the country of the reader, as far as they are known."""
    country = step.environment.default_country
    return f"{language}-{country}" if language and country else language


def templating(step: Step, action: Any, channel: Channel | None) -> tuple[Templating, str] | None:
    """The message template filled in, and its locale; None if it has no translation for the channel."""
    if action.template is None:
        return None
    template = step.assets.templates.get(action.template.uuid)
    if template is None:
        step.missing("template", action.template.uuid, action.template.name)
        return None
    translation = _translation(step, template, channel) if channel else None
    if translation is None:
        return None
    given, _ = step.localized_many(action.uuid, "template_variables", action.template_variables)
    values = [step.evaluate(each).text for each in given]
    variables = [
        {"type": variable.get("type", "text"), "value": values[index] if index < len(values) else ""}
        for index, variable in enumerate(translation.variables)
    ]
    components = [
        {key: component[key] for key in ("name", "type", "variables") if key in component}
        for component in translation.components
    ]
    filled = Templating(template.ref, components, variables, translation.namespace)
    return filled, translation.locale


def sender(address: Address | None, channel: Channel | None) -> dict[str, Any]:
    """Where a message goes, as the fields of `MsgOut`."""
    if address is None or channel is None:
        return {}
    return {"urn": address.text, "channel": channel.ref}


def caller(step: Step) -> dict[str, Any]:
    """The same for what is said in a call."""
    if step.call is None:
        return {}
    channel = Ref(step.call.channel.uuid, step.call.channel.name)
    return {"urn": addresses.read(step.call.urn).text, "channel": channel}


def _attachment(step: Step, template: str) -> str:
    text = step.evaluate(template).text.strip()
    kind, _, url = text.partition(":")
    if not kind or not url:
        step.error("An attachment is written type:url, this one is not.", attachment=text[:100])
        return ""
    if len(text) > LONGEST_ATTACHMENT:
        step.error(f"An attachment has at most {LONGEST_ATTACHMENT} characters.", attachment=text[:100])
        return ""
    return text


def _quick_reply(step: Step, template: str) -> QuickReply | None:
    text = step.evaluate(template).text
    reply = quick_reply(text)
    if not reply.text and reply.type == "text":
        step.error("A quick reply is empty.")
        return None
    return reply


def quick_reply(text: str) -> QuickReply:
    """`Yes`, `Yes<extra>more`, or with a type in front: `<location>Send it`."""
    kind = next((each for each in QUICK_REPLY_TYPES if text.startswith(f"<{each}>")), "")
    text, _, extra = text.removeprefix(f"<{kind}>").partition("<extra>")
    return QuickReply(kind or "text", text.strip()[:LONGEST_QUICK_REPLY], extra.strip()[:LONGEST_EXTRA])


def _translation(step: Step, template: Template, channel: Channel) -> Translation | None:
    """In the contact's language and country, else in its language, else in any."""
    able = [each for each in template.translations if each.channel.uuid == channel.uuid]
    for language in (*step.languages, step.flow.language):
        exact, near = locale(step, language), f"{language}-"
        if found := next((each for each in able if each.locale == exact), None):
            return found
        if found := next((each for each in able if f"{each.locale}-".startswith(near)), None):
            return found
    return able[0] if able else None
