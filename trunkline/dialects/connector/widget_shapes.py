"""What chat windows look like on the connector's wire."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from trunkline.core import opaque
from trunkline.core.crypto import Vault
from trunkline.dialects.base import Moment, moment
from trunkline.dialects.connector.message_shapes import STATUSES, Id, Status, Text
from trunkline.dialects.connector.shapes import Label, Mail, Name, Ref
from trunkline.messaging.chat.stream import Entry
from trunkline.messaging.chat.windows import PLACE, Window

MILLISECONDS = 1000


class WidgetOut(Struct, frozen=True, kw_only=True):
    """`configId` names the window, `userId` your account. `uploads` says whose files are taken."""

    configId: str
    userId: str
    title: str
    greeting: str
    colour: str
    uploads: Literal["nobody", "identified", "everybody"]


class ConfigOut(Struct, frozen=True):
    data: WidgetOut
    success: bool = True


class SessionIn(Struct, kw_only=True):
    """`fromId` is a random id that the visitor's program keeps to itself: whoever knows it reads the conversation.

    `jwt` vouches for a user of yours: a JSON Web Token signed with the window's secret (HS256) with `sub` and `exp`.
    """

    configId: Label
    userId: Label | None = None
    campaignId: Ref | None = None
    fromId: Label | None = None
    jwt: Annotated[str, Meta(max_length=8192)] | None = None


class SessionOut(Struct, frozen=True, kw_only=True):
    """`expiresAt` in milliseconds since 1970."""

    token: str
    expiresAt: int
    success: bool = True


class SaidData(Struct, kw_only=True):
    """`messageSid` (or `id`) tells repeats apart. `fromId` is the visitor's own random id, `toId` your account."""

    messageSid: Id | None = None
    id: Id | None = None
    fromId: Id
    toId: Id | None = None
    body: Text
    channel: Label | None = None
    status: Label | None = None
    campaignId: Ref | None = None
    firstName: Name | None = None
    lastName: Name | None = None
    email: Mail | None = None
    pageUrl: str | None = None
    referrerUrl: str | None = None


class SaidIn(Struct):
    customData: SaidData
    messageType: Literal["text", "reaction"] = "text"


class SaidOut(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`duplicate` stands there for a message that was received before; `messageId` is that of its first copy."""

    success: bool
    messageId: str
    duplicate: bool = False


class ChatMessageOut(Struct, frozen=True, kw_only=True):
    messageSid: str
    body: str
    mediaUrl: str | None
    mediaContentType: str | None
    timestamp: Moment
    type: Literal["text"]
    direction: Literal["inbound", "outbound"]
    status: Status


class ChatMessagesOut(Struct, frozen=True):
    """The newest first."""

    messages: list[ChatMessageOut]
    isBotTyping: bool


class SeenIn(Struct, kw_only=True):
    """`fromId` and `toId` as for the messages: the account first, then the visitor."""

    fromId: Id | None = None
    toId: Id | None = None


class SeenOut(Struct, frozen=True):
    success: bool = True


def widget(vault: Vault, window: Window) -> WidgetOut:
    return WidgetOut(
        configId=opaque.write(vault, PLACE, window.channel.id),
        userId=opaque.write(vault, "account", window.channel.account_id),
        title=window.title,
        greeting=window.config.greeting,
        colour=window.config.colour,
        uploads=window.config.trust_uploads,
    )


def message(entry: Entry) -> ChatMessageOut:
    media = entry.attachments[0] if entry.attachments else {}
    return ChatMessageOut(
        messageSid=entry.told_id or str(entry.uuid),
        body=entry.text,
        mediaUrl=media.get("url"),
        mediaContentType=media.get("content_type"),
        timestamp=moment(entry.created_at),
        type="text",
        direction="inbound" if entry.direction == "in" else "outbound",
        status=STATUSES[entry.status],
    )
