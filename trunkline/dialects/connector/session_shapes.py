"""What chat sessions look like on the connector's wire."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from trunkline.core import opaque
from trunkline.core.crypto import Vault
from trunkline.dialects.base import Moment, moment
from trunkline.dialects.connector import message_shapes
from trunkline.dialects.connector.message_shapes import MessageOut
from trunkline.inbox.sessions import Session
from trunkline.messaging.messages import Message

Limit = Annotated[int, Meta(ge=1, le=1000)]
Status = Literal["open", "closed"]


class SessionsQuery(Struct, kw_only=True):
    status: Status | None = None
    limit: Limit = 100


class RecentQuery(SessionsQuery, kw_only=True):
    hours: Annotated[int, Meta(ge=1, le=87_600)]
    includeMessages: bool = False


class ChatSessionOut(Struct, frozen=True, kw_only=True):
    """`endedAt` is null while the session is open."""

    id: str
    contactId: str
    status: Status
    channel: str
    startedAt: Moment
    endedAt: Moment | None
    messageCount: int
    summary: str | None
    messages: list[MessageOut] | UnsetType = UNSET


class ChatSessionsOut(Struct, frozen=True):
    data: list[ChatSessionOut]
    success: bool = True


def session(vault: Vault, row: Session, said: Mapping[int, Sequence[Message]] | None) -> ChatSessionOut:
    messages = UNSET if said is None else [message_shapes.message(vault, each) for each in said[row.id]]
    return ChatSessionOut(
        id=opaque.write(vault, "session", row.id),
        contactId=opaque.write(vault, "contact", row.contact_id),
        status=row.status,
        channel=row.channel,
        startedAt=moment(row.started_at),
        endedAt=moment(row.ended_at),
        messageCount=row.messages_count,
        summary=row.summary,
        messages=messages,
    )
