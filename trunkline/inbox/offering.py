"""Offering: an approved template to one contact, which also reaches those who have not written for long."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from trunkline.contacts import people, urns, values
from trunkline.contacts.urns import Address
from trunkline.core import text
from trunkline.core.db import Tx
from trunkline.core.errors import Invalid
from trunkline.core.urns import Urn
from trunkline.core.urns import make as make_urn
from trunkline.inbox import conversations, reaching, replies
from trunkline.inbox.history import Entry
from trunkline.inbox.reaching import Reached
from trunkline.messaging import channels, templates
from trunkline.messaging.channels import Channel
from trunkline.messaging.contents import Content, Unfit
from trunkline.messaging.templates import Template


class Offered(Struct, frozen=True):
    """A template as somebody may choose it; `known` is what is known already of its variables."""

    id: int
    name: str
    language: str
    category: str
    body: str
    variables: list[str]
    known: dict[str, str]


async def send(tx: Tx, channel: Channel, contact_id: int, template: Template, variables: Mapping[str, Any]) -> Reached:
    """Fill a template with what is known of the contact and with `variables`, which win, and send it.

    Raises `Invalid` when it is not approved, when a variable is missing, or when the contact cannot be reached.
    """
    words = await _said(tx, channel, contact_id, template, variables)
    to = await _address(tx, channel, contact_id)
    return await reaching.write(tx, channel, contact_id, to, [words], template_id=template.id)


async def answer(
    tx: Tx, conversation_id: int, template_id: int, variables: Mapping[str, Any], *, user_id: int
) -> Entry:
    """The same as somebody's reply in a conversation."""
    conversation = await conversations.get(tx, conversation_id)
    channel = await channels.get(tx, conversation.channel_id)
    template = await templates.get(tx, template_id)
    words = await _said(tx, channel, conversation.contact_id, template, variables)
    return await replies.reply(tx, conversation.id, words, user_id=user_id, template_id=template.id)


async def offered(tx: Tx, conversation_id: int) -> list[Offered]:
    """The approved templates of a conversation's kind of channel, filled as far as the contact is known."""
    conversation = await conversations.get(tx, conversation_id)
    found = [one for one in await templates.all_of(tx, conversation.channel) if one.status == "approved"]
    asked = {name for one in found for name in one.variables}
    known = (await values.of_contacts(tx, [conversation.contact_id], asked)).get(conversation.contact_id, {})
    return [_offered(one, known) for one in found]


def _offered(template: Template, known: Mapping[str, Any]) -> Offered:
    filled = {name: text.compile(f"{{{{{name}}}}}").render(known, missing="empty") for name in template.variables}
    known_ones = {name: value for name, value in filled.items() if value}
    facts = (template.id, template.name, template.language, template.category, template.body)
    return Offered(*facts, template.variables, known_ones)


async def _said(tx: Tx, channel: Channel, contact_id: int, template: Template, variables: Mapping[str, Any]) -> str:
    text.check_values(variables)
    if template.channel != channel.sends_as or template.status != "approved":
        raise Invalid(message=f"The template '{template.name}' cannot be sent.", code="template_not_approved")
    known = await values.of_contacts(tx, [contact_id], template.variables)
    content = Content(template.channel, template.body, template_id=template.id)
    try:
        return content.render({**known.get(contact_id, {}), **variables}).text
    except Unfit as error:
        raise Invalid({error.field: [error.message]}, code=error.code) from None


async def _address(tx: Tx, channel: Channel, contact_id: int) -> Urn:
    """The contact's address for the channel; whoever is known by phone is reached on WhatsApp by the same number."""
    for record in (await urns.of(tx, [contact_id]))[contact_id]:
        if record.scheme in channel.schemes:
            return record.urn
    contact = await people.get(tx, contact_id)
    if contact.phone and "whatsapp" in channel.schemes and contact.phone.startswith("+"):
        urn = make_urn("whatsapp", contact.phone)
        if await urns.take(tx, [(contact_id, Address(urn, None, "to"), 1)]):
            return urn
    raise Invalid(message=f"The contact has no address for {channel.sends_as}.", code="no_address")
