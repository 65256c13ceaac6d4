"""Calls of the portal dialect: have a text spoken to somebody, ask how it went."""

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from trunkline.dialects.base import Data, Moment, OutOfCredits, Tx, Url, moment
from trunkline.dialects.portal.dialect import portal
from trunkline.dialects.portal.message_shapes import Failure, To
from trunkline.messaging import calls
from trunkline.messaging.callbook import FAILURES
from trunkline.messaging.calls import Call, Order

Status = Literal[
    "queued", "initiated", "ringing", "in_progress", "completed", "busy", "no_answer", "failed", "canceled"
]
Spoken = Annotated[
    str,
    Meta(min_length=1, max_length=4_000, examples=["Hello, this is a reminder for your appointment tomorrow."]),
]
Language = Annotated[str, Meta(pattern=r"^[a-zA-Z][a-zA-Z0-9-]{1,19}$", examples=["en"])]
Voice = Annotated[str, Meta(pattern=r"^[a-zA-Z][a-zA-Z0-9-]{1,19}(\+[a-zA-Z0-9]{1,20})?$", examples=["ro+f3"])]


class CallIn(Struct):
    """`webhook_url` is told each step. `voice` wins over `language`; `from` is a number of the integration."""

    to: To
    message: Spoken
    webhook_url: Url | None = None
    integration_id: int | None = None
    voice: Voice | None = None
    language: Language | None = None
    sender: Annotated[str, Meta(max_length=64)] | None = field(name="from", default=None)


class Step(Struct):
    status: Status
    at: Moment


class CallOut(Struct):
    id: int
    status: Status
    to: str
    contact_id: int
    integration_id: int
    credits: int
    created_at: Moment


class CallDetail(CallOut):
    """`duration_seconds` is how long somebody listened; `timeline` says when each status came."""

    message: str
    duration_seconds: int | None
    error: Failure | None
    webhook_url: str | None
    answered_at: Moment | None
    ended_at: Moment | None
    timeline: list[Step]


@portal.post("/calls/initiate", scope="send", status=202, bucket="send", raises=(OutOfCredits,))
async def initiate_call(tx: Tx, body: CallIn) -> Data[CallOut]:
    """Call somebody and speak a message.

    The call goes by `integration_id`, else by the default voice integration. `webhook_url` is told of each step with
    the signature of your webhooks. Unknown numbers become contacts. A call that could not begin within an hour is given
    up; one that did begin is never repeated by itself.
    """
    order = Order(
        to=body.to, message=body.message, webhook_url=body.webhook_url, integration_id=body.integration_id,
        voice=body.voice, language=body.language, sender=body.sender,
    )  # fmt: skip
    row = await calls.initiate(tx, order)
    return Data(CallOut(*_head(row)))


@portal.get("/calls/{id}", scope="read")
async def get_call(tx: Tx, id: int) -> Data[CallDetail]:
    """Get how a call went."""
    row = await calls.get(tx, id)
    steps = [Step(one.status, moment(one.at)) for one in row.timeline]  # pyright: ignore[reportArgumentType]
    return Data(
        CallDetail(
            *_head(row), row.text, row.seconds, _failure(row), row.webhook_url,
            moment(row.answered_at), moment(row.ended_at), steps,
        )
    )  # fmt: skip


def _head(row: Call) -> tuple[int, Status, str, int, int, int, Moment]:
    status: Status = row.status  # pyright: ignore[reportAssignmentType]
    return row.id, status, row.address, row.contact_id, row.channel_id, row.credits, moment(row.created_at)


def _failure(row: Call) -> Failure | None:
    if row.status not in FAILURES:
        return None
    code = row.reason or row.status
    return Failure(code, row.error or f"{code.replace('_', ' ').capitalize()}.", row.provider_code)
