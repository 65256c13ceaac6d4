"""Messages as they are told: one page with its labels, which are one query."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

from trunkline.accounts import accounts, settings
from trunkline.core.db import Tx
from trunkline.dialects.rapidpro.wire import Moment, Ref, moment, moment_or_none
from trunkline.messaging import choices, labels
from trunkline.messaging.choices import Choice
from trunkline.messaging.copies import Copy
from trunkline.messaging.labels import LabelRef


class AttachmentOut(Struct, frozen=True):
    content_type: str
    url: str


class QuickReplyOut(Struct, frozen=True):
    """`type` is told where it is not text."""

    text: str
    extra: str | UnsetType = UNSET
    type: str | UnsetType = UNSET


class MessageOut(Struct, frozen=True):
    """`urn` is null where addresses are hidden, and where there was none to send to."""

    uuid: UUID
    contact: Ref | None
    urn: str | None
    channel: Ref | None
    direction: str
    type: str
    status: str
    archived: bool
    visibility: str
    text: str
    labels: list[Ref]
    flow: Ref | None
    attachments: list[AttachmentOut]
    quick_replies: list[QuickReplyOut]
    created_on: Moment
    sent_on: Moment | None
    modified_on: Moment | None
    media: str | None
    id: int
    broadcast: int | None


async def shapes(tx: Tx, copies: Sequence[Copy]) -> list[MessageOut]:
    anon = settings.value(await accounts.current(tx), "anon")
    received = [copy.id for copy in copies if copy.direction == "in"]
    known = await labels.of(tx, received) if received else {}
    return [_shape(copy, known.get(copy.id, []), anon=anon) for copy in copies]


def quick_reply(choice: Choice) -> QuickReplyOut:
    return QuickReplyOut(choice.text, choice.extra or UNSET, choice.type if choice.type != "text" else UNSET)


def _shape(copy: Copy, carried: Sequence[LabelRef], *, anon: bool) -> MessageOut:
    files = [_attachment(each) for each in copy.attachments]
    return MessageOut(
        uuid=copy.uuid,
        contact=Ref(copy.contact_uuid, copy.contact_name or None) if copy.contact_uuid else None,
        urn=f"{copy.scheme}:{copy.address}" if copy.scheme and not anon else None,
        channel=_ref(copy.channel_uuid, copy.channel_name),
        direction=copy.direction,
        type="voice" if copy.kind == "call" else "text",
        status=STATUSES.get(copy.status, copy.status),
        archived=copy.visibility == "archived",
        visibility=copy.visibility,
        text=copy.text,
        labels=[Ref(each.uuid, each.name) for each in carried],
        flow=_ref(copy.flow_uuid, copy.flow_name),
        attachments=files,
        quick_replies=[quick_reply(each) for each in choices.read(copy.quick_replies)],
        created_on=moment(copy.created_at),
        sent_on=moment_or_none(copy.sent_at) if copy.direction == "out" else None,
        modified_on=moment(copy.modified_at),
        media=f"{files[0].content_type}:{files[0].url}" if files else None,
        id=copy.id,
        broadcast=copy.broadcast_id,
    )


def _ref(uuid: UUID | None, name: str | None) -> Ref | None:
    return Ref(uuid, name) if uuid else None


def _attachment(kept: dict[str, Any]) -> AttachmentOut:
    return AttachmentOut(kept.get("content_type", ""), kept.get("url", ""))


STATUSES = {"sending": "queued", "unknown": "wired", "canceled": "failed", "received": "queued"}
"""What this API calls our states; the others have the same name."""
