"""Custom channels: send through them, hand in what came in by them, report what became of a message."""

from trunkline.ai import assistants, talks
from trunkline.channels.base import Inbound, Status
from trunkline.contacts import arriving
from trunkline.contacts.records import NewContact
from trunkline.core import opaque
from trunkline.dialects.base import Call, Invalid, NotFound, OutOfCredits, Tx
from trunkline.dialects.connector import message_shapes as shapes
from trunkline.dialects.connector.dialect import connector
from trunkline.inbox import reaching
from trunkline.messaging import custom

TEXT_BYTES = 256 * 1024


@connector.post(
    "/send_custom_channel_message",
    "/send-custom-channel-message",
    raises=(NotFound, OutOfCredits),
    body_limit=TEXT_BYTES,
    form=True,
    tag="Custom channels",
)
async def send_message(tx: Tx, call: Call, body: shapes.OutgoingIn) -> shapes.OutgoingOut:
    """Send a message to a contact through a custom channel.

    `fromId` is the contact's id on your side; an unknown one becomes a contact. With a `campaignId` the conversation
    belongs to that campaign from then on. The message goes to the outgoing URL of the channel.
    """
    data = body.customData
    channel = await custom.find(tx, data.customChannel)
    campaign = await _campaign(tx, call, data.campaignId)
    to = custom.address(channel, str(data.fromId))
    contact_id, _ = await arriving.meet(tx, to, _profile(data))
    headers = {"campaign_id": data.campaignId} if campaign else {}
    reached = await reaching.write(tx, channel, contact_id, to, [data.body], headers=headers)
    if campaign:
        await talks.route(tx, reached.conversation.id, campaign)
    return shapes.OutgoingOut(
        messageId=opaque.write(call.vault, "message", reached.messages[0].id),
        contactId=opaque.write(call.vault, "contact", contact_id),
        status="queued",
    )


@connector.post(
    "/incoming_custom_channel_message",
    "/incoming-custom-channel-message",
    raises=(NotFound,),
    body_limit=TEXT_BYTES,
    form=True,
    tag="Custom channels",
)
async def receive_message(tx: Tx, call: Call, body: shapes.IncomingIn) -> shapes.IncomingOut:
    """Hand in a message that somebody sent to a custom channel.

    The sender becomes a contact, and the conversation opens. The same `messageSid` again changes nothing and gets the
    id of the first copy. A reaction belongs to what was sent last, and nobody answers it. As a form the fields are
    `customData[messageSid]` and so on.
    """
    data = body.customData
    sid = str(data.messageSid or data.id or "").strip()
    if not sid:
        raise Invalid({"customData.messageSid": ["customData.messageSid is required."]})
    if not reaching.visible(data.body):
        raise Invalid({"customData.body": ["customData.body is required."]})
    channel = await custom.addressed(tx, data.customChannel, str(data.toId))
    message = Inbound(
        urn=custom.address(channel, str(data.fromId)),
        text=data.body,
        external_id=sid,
        reaction=body.messageType == "reaction",
        assistant_id=await _campaign(tx, call, data.campaignId),
    )
    heard = await custom.hear(tx, channel, message, _profile(data))
    return shapes.IncomingOut(
        success=True,
        messageId=opaque.write(call.vault, "message", heard.message_id),
        contactId=opaque.write(call.vault, "contact", heard.contact_id),
        duplicate=heard.duplicate,
    )


@connector.post(
    "/custom_channel_status",
    "/custom-channel-status",
    raises=(NotFound,),
    form=True,
    tag="Custom channels",
)
async def report_status(tx: Tx, body: shapes.StatusIn) -> shapes.StatusOut:
    """Report what became of a message that a custom channel sent: sent, delivered, read or failed."""
    reason = "undelivered" if body.status == "failed" else None
    status = Status(status=body.status, external_id=str(body.messageSid), reason=reason, detail=body.error)
    return shapes.StatusOut(body.status, pending=not await custom.report(tx, status))


async def _campaign(tx: Tx, call: Call, id: str | None) -> int | None:
    """The assistant that stands behind a campaign's id; raises NotFound for one that is not there."""
    if not id:
        return None
    return (await assistants.get(tx, opaque.read(call.vault, assistants.OPAQUE, id))).id


def _profile(data: shapes.OutgoingData | shapes.IncomingData) -> NewContact:
    return NewContact(
        first_name=data.firstName,
        last_name=data.lastName,
        email=data.email or None,
        phone=data.phone or None if isinstance(data, shapes.IncomingData) else None,
        source="custom",
    )
