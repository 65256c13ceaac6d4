"""What messages and custom channels look like on the connector's wire."""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from trunkline.core import opaque
from trunkline.core.crypto import Vault
from trunkline.dialects.base import Moment, moment
from trunkline.dialects.connector.shapes import Label, Mail, Name, Phone, Ref
from trunkline.messaging.messages import Message

Status = Literal["scheduled", "queued", "sent", "delivered", "read", "failed", "received"]
Text = Annotated[str, Meta(max_length=65_536, examples=["Hello Jane! Your order has been shipped."])]
Id = Annotated[str, Meta(max_length=255, examples=["external-contact-id"])] | int

# As stored -> as told: what waits for an answer of the other side was sent, as far as anybody knows.
STATUSES: dict[str, Status] = {
    "queued": "queued",
    "errored": "queued",
    "sending": "sent",
    "unknown": "sent",
    "sent": "sent",
    "delivered": "delivered",
    "read": "read",
    "failed": "failed",
    "canceled": "failed",
    "received": "received",
    "handled": "received",
}


class MessageOut(Struct, frozen=True, kw_only=True):
    """`messageSid` is the id that the other side knows: its own for what it sent, ours for what we sent."""

    id: str
    messageSid: str
    body: str
    mediaUrl: str | None
    mediaContentType: str | None
    timestamp: Moment
    type: Literal["text", "reaction"]
    direction: Literal["inbound", "outbound"]
    status: Status
    channel: str


class MessagesOut(Struct, frozen=True):
    messages: list[MessageOut]
    success: bool = True


class OutgoingData(Struct, kw_only=True):
    """`fromId` is the contact's id on your side. Names and email serve to create the contact."""

    fromId: Id
    customChannel: Annotated[str, Meta(max_length=255, examples=["my-channel"])]
    body: Text
    campaignId: Ref | None = None
    firstName: Name | None = None
    lastName: Name | None = None
    email: Mail | None = None


class OutgoingIn(Struct):
    customData: OutgoingData


class OutgoingOut(Struct, frozen=True, kw_only=True):
    success: bool = True
    messageId: str
    contactId: str
    status: Status


class IncomingData(Struct, kw_only=True):
    """`messageSid` (or `id`) tells repeats apart. `fromId` is the sender's id on your side.

    The channel is the one called `customChannel`, else the one with the address `toId`, else your default one.
    """

    messageSid: Id | None = None
    id: Id | None = None
    fromId: Id
    toId: Id
    body: Text
    channel: Label | None = None
    status: Literal["received", "delivered", "read", "sent"] = "received"
    campaignId: Ref | None = None
    customChannel: Label | None = None
    firstName: Name | None = None
    lastName: Name | None = None
    email: Mail | None = None
    phone: Phone | None = None


class IncomingIn(Struct):
    customData: IncomingData
    messageType: Literal["text", "reaction"] = "text"


class IncomingOut(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`duplicate` stands there for a message that was received before; `messageId` is that of its first copy."""

    success: bool
    messageId: str
    contactId: str
    duplicate: bool = False


class StatusIn(Struct):
    """`messageSid` is your id of the message, if your answer to our call named one, else ours."""

    messageSid: Id
    status: Literal["sent", "delivered", "read", "failed"]
    error: Label | None = None


class StatusOut(Struct, frozen=True):
    """`pending`: the message is not known yet under this id; we look again in a moment."""

    status: str
    pending: bool
    success: bool = True


def message(vault: Vault, row: Message) -> MessageOut:
    media: dict[str, Any] = row.attachments[0] if row.attachments else {}
    is_inbound = row.direction == "in"
    return MessageOut(
        id=opaque.write(vault, "message", row.id),
        messageSid=(row.external_id if is_inbound else None) or str(row.uuid),
        body=row.text,
        mediaUrl=media.get("url"),
        mediaContentType=media.get("content_type"),
        timestamp=moment(row.created_at),
        type="reaction" if row.kind == "reaction" else "text",
        direction="inbound" if is_inbound else "outbound",
        status="scheduled" if row.is_scheduled else STATUSES[row.status],
        channel=row.channel,
    )
