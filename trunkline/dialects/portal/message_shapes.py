"""What messages look like on the portal's wire: how they are asked for, and what became of them."""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from trunkline.dialects.base import Moment, Url, moment
from trunkline.dialects.portal.shapes import Key, Routing
from trunkline.messaging.dispatches import MOST_RECIPIENTS, Dispatch, Refused, Sent, Taken
from trunkline.messaging.messages import Message

MOST_STATUSES = 100

Channel = Literal["sms", "email", "whatsapp"]
Status = Literal["scheduled", "queued", "sent", "unknown", "delivered", "read", "failed", "canceled", "received"]
To = Annotated[str, Meta(min_length=1, max_length=320, examples=["+40740111222"])]
Body = Annotated[str, Meta(max_length=500_000, examples=["Hello {{name}}, see you on {{date}}."])]
Subject = Annotated[str, Meta(max_length=500)]
Variables = Annotated[dict[str, Any], Meta(examples=[{"name": "Andrei", "date": "2026-03-12 16:30"}])]

# As stored -> as told: what still waits for its turn, for a retry or for the provider's answer is queued.
STATUSES: dict[str, Status] = {
    "queued": "queued",
    "sending": "queued",
    "errored": "queued",
    "unknown": "unknown",
    "sent": "sent",
    "delivered": "delivered",
    "read": "read",
    "failed": "failed",
    "canceled": "canceled",
    "received": "received",
    "handled": "received",
}


class Asked(Struct, kw_only=True):
    """What single messages and batches have in common: one of `template_key` and `body`, and the way to go."""

    channel: Channel
    template_key: Key | None = None
    body: Body | None = None
    subject: Subject | None = None
    variables: Variables | None = None
    integration_id: int | None = None
    sms_routing: Routing | None = None
    scheduled_at: Moment | None = None
    metadata: dict[str, Any] | None = None
    callback_url: Url | None = None


class MessageIn(Asked, kw_only=True):
    """`to` is a phone number, or an address for email. `body` may be HTML for email."""

    to: To


class RecipientIn(Struct):
    """Its variables win over the shared ones."""

    to: Annotated[str, Meta(max_length=320, examples=["+40740111222"])]
    variables: Variables | None = None


class BatchIn(Asked, kw_only=True):
    recipients: Annotated[list[RecipientIn], Meta(min_length=1, max_length=MOST_RECIPIENTS)]


class MessageOut(Struct):
    """`integration_id` is null when the platform's shared numbers carry it."""

    id: int
    status: Status
    channel: Channel
    to: str
    template_key: str | None
    integration_id: int | None
    sms_routing: Routing | None
    segments: int
    credits: int
    contact_id: int
    scheduled_at: Moment | None
    created_at: Moment


class Reason(Struct):
    code: str
    message: str


class BatchItem(Struct, omit_defaults=True):
    """One recipient by its place in the request: a message with its id, or the error that kept it out."""

    index: int
    to: str
    status: Literal["scheduled", "queued", "rejected"]
    id: int | None = None
    error: Reason | None = None


class BatchOut(Struct):
    batch_id: str
    accepted: int
    rejected: int
    messages: list[BatchItem]


class StatusesIn(Struct):
    message_ids: Annotated[list[int], Meta(min_length=1, max_length=MOST_STATUSES, examples=[[12345, 12346, 12347]])]


class Failure(Struct):
    """`provider_code` is what the provider called it."""

    code: str
    message: str
    provider_code: str | None


class StatusOut(Struct):
    id: int
    channel: str
    to: str
    status: Status
    error: Failure | None
    segments: int
    credits: int
    queued_at: Moment
    sent_at: Moment | None
    delivered_at: Moment | None
    read_at: Moment | None
    failed_at: Moment | None


class Missing(Struct):
    not_found: list[int]


class StatusesOut(Struct):
    data: list[StatusOut]
    meta: Missing


def dispatch(asked: Asked) -> Dispatch:
    return Dispatch(
        channel=asked.channel,
        template_key=asked.template_key,
        body=asked.body,
        subject=asked.subject,
        variables=asked.variables or {},
        integration_id=asked.integration_id,
        sms_routing=asked.sms_routing,
        at=asked.scheduled_at,
        metadata=asked.metadata or {},
        callback_url=asked.callback_url,
    )


def message(asked: MessageIn, sent: Sent, taken: Taken) -> MessageOut:
    channel = sent.channel
    used = "platform" if channel.pool else "integration"
    return MessageOut(
        id=taken.queued.id,
        status="scheduled" if sent.at else "queued",
        channel=asked.channel,
        to=taken.to,
        template_key=asked.template_key,
        integration_id=None if channel.pool else channel.id,
        sms_routing=(asked.sms_routing or used) if asked.channel == "sms" else None,
        segments=taken.queued.segments,
        credits=taken.queued.credits,
        contact_id=taken.contact_id,
        scheduled_at=moment(sent.at),
        created_at=moment(taken.queued.created_at),
    )


def batch(sent: Sent) -> BatchOut:
    items = [_item(index, outcome, scheduled=sent.at is not None) for index, outcome in enumerate(sent.outcomes)]
    accepted = sum(item.id is not None for item in items)
    return BatchOut(sent.batch or "", accepted, len(items) - accepted, items)


def _item(index: int, outcome: Taken | Refused, *, scheduled: bool) -> BatchItem:
    if isinstance(outcome, Refused):
        return BatchItem(index, outcome.to, "rejected", error=Reason(outcome.code, outcome.message))
    return BatchItem(index, outcome.to, "scheduled" if scheduled else "queued", outcome.queued.id)


def status(row: Message) -> StatusOut:
    times = moment(row.sent_at), moment(row.delivered_at), moment(row.read_at), moment(row.failed_at)
    shown: Status = "scheduled" if row.is_scheduled else STATUSES[row.status]
    return StatusOut(
        row.id, row.channel, row.shown_address, shown, _failure(row), row.segments, row.credits,
        moment(row.created_at), *times,
    )  # fmt: skip


def _failure(row: Message) -> Failure | None:
    if row.status != "failed":
        return None
    code = row.reason or "failed"
    return Failure(code, row.error or f"{code.replace('_', ' ').capitalize()}.", row.provider_code)
