"""Offering: an approved template to one contact, which also reaches those who have not written for long."""

from collections.abc import Mapping
from typing import Any

from trunkline.contacts import people, urns, values
from trunkline.contacts.urns import Address
from trunkline.core import text
from trunkline.core.db import Tx
from trunkline.core.errors import Invalid
from trunkline.core.urns import Urn
from trunkline.core.urns import make as make_urn
from trunkline.inbox import reaching
from trunkline.inbox.reaching import Reached
from trunkline.messaging.channels import Channel
from trunkline.messaging.contents import Content, Unfit
from trunkline.messaging.templates import Template


async def send(tx: Tx, channel: Channel, contact_id: int, template: Template, variables: Mapping[str, Any]) -> Reached:
    """Fill a template with what is known of the contact and with `variables`, which win, and send it.

    Raises `Invalid` when it is not approved, when a variable is missing, or when the contact cannot be reached.
    """
    text.check_values(variables)
    if template.channel != channel.sends_as or template.status != "approved":
        raise Invalid(message=f"The template '{template.name}' cannot be sent.", code="template_not_approved")
    known = await values.of_contacts(tx, [contact_id], template.variables)
    content = Content(template.channel, template.body, template_id=template.id)
    try:
        said = content.render({**known.get(contact_id, {}), **variables})
    except Unfit as error:
        raise Invalid({error.field: [error.message]}, code=error.code) from None
    to = await _address(tx, channel, contact_id)
    return await reaching.write(tx, channel, contact_id, to, [said.text], template_id=template.id)


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
