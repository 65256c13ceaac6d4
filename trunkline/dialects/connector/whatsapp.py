"""WhatsApp of the connector dialect: approved templates, and texts that arrive as somebody types."""

from trunkline.contacts import people
from trunkline.core import opaque
from trunkline.dialects.base import Call, Forbidden, Invalid, NotFound, OutOfCredits, Tx
from trunkline.dialects.connector import whatsapp_shapes as shapes
from trunkline.dialects.connector.dialect import connector, place
from trunkline.inbox import offering, reaching
from trunkline.messaging import channels, templates
from trunkline.messaging.channels import Channel


@connector.get("/whatsapp-templates", tag="WhatsApp")
async def list_templates(tx: Tx, call: Call) -> shapes.TemplatesOut:
    """List the WhatsApp templates of the account."""
    return shapes.TemplatesOut([shapes.template(call.vault, row) for row in await templates.all_of(tx, "whatsapp")])


@connector.post("/whatsapp-templates/send", raises=(NotFound, OutOfCredits, Forbidden), tag="WhatsApp")
async def send_template(tx: Tx, call: Call, body: shapes.TemplateIn) -> shapes.SentOut:
    """Send a WhatsApp template to a contact, however long ago they wrote.

    Its variables are filled in with what is known of the contact, and with `variables`, which win. The conversation
    with them opens again.
    """
    contact = await people.get(tx, place(call.vault, "contact", body.contactId))
    template = await templates.get(tx, place(call.vault, "template", body.whatsappTemplateId))
    await offering.send(tx, await _channel(tx), contact.id, template, body.variables or {})
    return shapes.SentOut("WhatsApp template message sent successfully")


@connector.post("/whatsapp-web/send", raises=(OutOfCredits, Forbidden), tag="WhatsApp")
async def send_text(tx: Tx, call: Call, body: shapes.TextIn) -> shapes.TypedOut:
    """Send a text by WhatsApp to a phone number; an unknown one becomes a contact.

    Parts between blank lines are messages of their own: the first goes out now, each further one when somebody who
    types 500 characters a minute would have written it. The account's WhatsApp channel carries them.
    """
    parts = reaching.pieces(body.message)
    recipient, reached = await reaching.write_to_phone(tx, await _channel(tx), body.phoneNumber, parts)
    return shapes.TypedOut(
        contactId=opaque.write(call.vault, "contact", recipient.contact_id),
        messagesSent=len(reached.messages),
        totalChunks=len(parts),
        messageIds=[opaque.write(call.vault, "message", message.id) for message in reached.messages],
        creditsUsed=reached.credits,
    )


async def _channel(tx: Tx) -> Channel:
    try:
        return await channels.choose(tx, "whatsapp")
    except Invalid as error:
        raise Forbidden("No WhatsApp channel is connected.", code="no_channel") from error
