"""The built-in carrier as a channel: runs the real pipeline for demos, tests and the phone wall; nothing leaves us."""

import asyncio
import hmac
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import Meta, Struct, field

from trunkline.channels.base import (
    Adapter,
    Attachment,
    CallBook,
    CallNote,
    CallStatus,
    Capabilities,
    ChannelEvent,
    EventType,
    Inbound,
    Kind,
    Outbound,
    Request,
    Semantics,
    SendError,
    Sent,
    Status,
    Wire,
)
from trunkline.channels.simulated_calls import SimulatedHandset
from trunkline.channels.talking import DialStatus, Keypress, converse
from trunkline.core import clock, problems, urns
from trunkline.core.errors import Invalid, Malformed, NotFound, Unauthenticated, Unavailable
from trunkline.core.urns import Urn

Chance = Annotated[float, Meta(ge=0, le=1)]


class SimulatorConfig(Struct, frozen=True, kw_only=True):
    """How the carrier behaves. `loss` and `duplicate` are chances, `rate` messages a second, times in ms.

    `answer` is what happens when it plays a telephone: somebody listens, the line is busy, or nobody is there. `dial`
    is how calls to somebody else end that a flow makes in a call; when answered, both are said to talk `dial_seconds`.
    """

    plays: Literal["sms", "whatsapp", "voice", "email", "webchat"] = field(name="as", default="sms")
    latency_ms: Annotated[int, Meta(ge=0, le=60_000)] = 0
    loss: Chance = 0.0
    duplicate: Chance = 0.0
    auto_dlr: bool = False
    rate: Annotated[float, Meta(ge=0, le=100_000)] = 0.0
    answer: Literal["yes", "busy", "no_answer"] = "yes"
    dial: DialStatus = "answered"
    dial_seconds: Annotated[int, Meta(ge=0, le=7200)] = 10
    scheme: str = ""

    @property
    def sends_as(self) -> Kind:
        return "web_chat" if self.plays == "webchat" else self.plays

    @property
    def semantics(self) -> Semantics:
        return "at_least_once" if self.plays == "email" else "at_most_once"


SCHEMES = {"sms": "tel", "voice": "tel", "whatsapp": "whatsapp", "email": "mailto", "webchat": "webchat"}


class Simulator(Adapter):
    kind: ClassVar[str] = "simulator"
    sends_as: ClassVar[Kind] = "sms"
    schemes: ClassVar[frozenset[str]] = frozenset({"tel"})
    can: ClassVar[Capabilities] = Capabilities(
        media=True, quick_replies=True, html=True, subject=True, batch=64, reply_window_hours={"whatsapp": 24}
    )
    semantics: ClassVar[Semantics] = "at_most_once"
    Config: ClassVar[type[Struct]] = SimulatorConfig

    @classmethod
    def schemes_of(cls, config: SimulatorConfig) -> list[str]:
        return [config.scheme or SCHEMES[config.plays]]

    @property
    def at_once(self) -> int | None:
        return CALLS if self.config.plays == "voice" else None

    @property
    def batch(self) -> int:
        return 1 if self.config.plays == "voice" else self.can.batch

    @property
    def patience(self) -> float | None:
        return None if self.config.plays == "voice" else self.send_seconds

    async def send(self, wire: Wire, messages: Sequence[Outbound]) -> list[Sent]:
        if self.config.plays == "voice" and wire.calls is not None:
            return await self._call(wire, wire.calls, messages)
        external_ids = await self._accept(wire, messages)
        await asyncio.sleep(self.config.latency_ms / 1000)
        return [Sent(id=m.id, external_id=external) for m, external in zip(messages, external_ids, strict=True)]

    async def _accept(self, wire: Wire, messages: Sequence[Outbound]) -> list[str]:
        config: SimulatorConfig = self.config
        return await wire.carrier.accept(
            self.channel,
            messages,
            loss=config.loss,
            duplicate=config.duplicate,
            report_after_ms=config.latency_ms if config.auto_dlr else None,
        )

    async def _call(self, wire: Wire, book: CallBook, messages: Sequence[Outbound]) -> list[Sent]:
        """Telephones that ring for `latency_ms`; what is said to them stands in the outbox."""
        try:
            await book.note(steps(messages, "initiated"))
        except Unavailable as error:
            raise SendError("unreachable", error.message, retry=True) from None
        await book.note(steps(messages, "ringing"))
        await asyncio.sleep(self.config.latency_ms / 1000)
        if self.config.answer != "yes":
            error = SendError("rejected", UNANSWERED[self.config.answer], reason=self.config.answer)
            await book.note(steps(messages, self.config.answer, error))
            return [Sent(id=message.id, error=error) for message in messages]
        await book.note(steps(messages, "in_progress"))
        if led := [message for message in messages if message.led]:
            answers = await asyncio.gather(*(self._be_led(wire, book, message) for message in led))
            rest = [message for message in messages if not message.led]
            return [*answers, *(await self._speak(wire, book, rest) if rest else [])]
        return await self._speak(wire, book, messages)

    async def _be_led(self, wire: Wire, book: CallBook, message: Outbound) -> Sent:
        """Somebody else knows what is said; the keys come from whoever plays the person."""
        if wire.talks is not None:
            config: SimulatorConfig = self.config
            ear = SimulatedHandset(wire.carrier, self.channel, message, config.dial, config.dial_seconds)
            began = clock.monotonic()
            await converse(wire.talks, message.account_id, message.id, ear)
            await ear.look()  # nobody takes what was pressed after the last question
            [note] = steps([message], "completed")
            reason = "hung_up" if ear.hung_up else None
            seconds = round(clock.monotonic() - began)
            await book.note([msgspec.structs.replace(note, seconds=seconds, reason=reason)])
        return Sent(id=message.id, arrived=True)

    async def _speak(self, wire: Wire, book: CallBook, messages: Sequence[Outbound]) -> list[Sent]:
        external_ids = await self._accept(wire, messages)
        await book.note(steps(messages, "completed"))
        return [
            Sent(id=m.id, external_id=external, arrived=True)
            for m, external in zip(messages, external_ids, strict=True)
        ]

    def verify(self, request: Request) -> None:
        given = request.headers.get("authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {self.secret}".encode()):
            raise Unauthenticated("The channel's secret is missing or wrong.")

    def receive(self, request: Request) -> list[Inbound | Status | ChannelEvent | Keypress]:
        if request.action == "receive":
            return [self._message(_decoded(request.body, _Message))]
        if request.action == "status":
            report = _decoded(request.body, _Report)
            message = message_of(report.external_id)
            return [
                Status(status=report.status, external_id=report.external_id, message_id=message, reason=report.reason)
            ]
        if request.action == "event":
            return [self._event(_decoded(request.body, _Event))]
        if request.action == "keys":
            pressed = _decoded(request.body, _Keys)
            return [Keypress(urn=self._urn(pressed.sender), keys=pressed.keys, hangs_up=pressed.hang_up)]
        raise NotFound("address")

    def _urn(self, sender: str) -> Urn:
        try:
            return urns.make(self.schemes_of(self.config)[0], sender)
        except ValueError as error:
            raise Invalid({"from": [str(error)]}) from None

    def _event(self, event: "_Event") -> ChannelEvent:
        return ChannelEvent(
            type=event.type,
            urn=self._urn(event.sender),
            external_id=event.id,
            name=event.name,
            extra=event.extra,
            occurred_at=event.occurred_on,
        )

    def _message(self, message: "_Message") -> Inbound:
        return Inbound(
            urn=self._urn(message.sender),
            text=message.text,
            external_id=message.id,
            name=message.name,
            subject=message.subject,
            attachments=[Attachment(content_type=a.content_type, url=a.url) for a in message.attachments],
            visitor=message.visitor,
        )


def steps(messages: Sequence[Outbound], status: CallStatus, error: SendError | None = None) -> list[CallNote]:
    """The same step of several calls; who listens does so for as long as the words take."""
    at = clock.now()
    return [
        CallNote(
            account_id=message.account_id, message_id=message.id, status=status, at=at, reason=error and error.reason,
            error=error and error.detail, seconds=-(-len(message.text) // SPOKEN) if status == "completed" else None,
        )
        for message in messages
    ]  # fmt: skip


CALLS = 64
"""How many calls go on at once in each worker."""
SPOKEN = 15
"""Characters that are spoken in a second."""
UNANSWERED = {"busy": "The line was busy.", "no_answer": "Nobody picked up."}


def message_of(external_id: str) -> int | None:
    """The message that the carrier's id names, for reports that are faster than our own note of that id."""
    named = EXTERNAL_ID.match(external_id)
    return int(named[1]) if named else None


EXTERNAL_ID = re.compile(r"sim-([0-9]{1,18})-")


class _File(Struct, frozen=True):
    url: str
    content_type: str = "application/octet-stream"


class _Message(Struct, frozen=True):
    id: Annotated[str, Meta(min_length=1, max_length=255)]
    sender: Annotated[str, Meta(min_length=1, max_length=255)] = field(name="from")
    text: Annotated[str, Meta(max_length=65_536)] = ""
    name: str | None = None
    subject: str | None = None
    attachments: list[_File] = []
    visitor: dict[str, Any] | None = None


class _Event(Struct, frozen=True):
    type: EventType
    sender: Annotated[str, Meta(min_length=1, max_length=255)] = field(name="from")
    id: Annotated[str, Meta(min_length=1, max_length=255)] | None = None
    name: str | None = None
    extra: dict[str, Any] = {}
    occurred_on: Annotated[datetime, Meta(tz=True)] | None = None


class _Keys(Struct, frozen=True):
    sender: Annotated[str, Meta(min_length=1, max_length=255)] = field(name="from")
    keys: Annotated[str, Meta(pattern=r"^[0-9*#A-D]{0,64}$")] = ""
    hang_up: bool = False


class _Report(Struct, frozen=True):
    external_id: str
    status: Literal["sent", "delivered", "read", "failed"]
    reason: str | None = None


def _decoded(body: bytes, cls: type[Any]) -> Any:
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Malformed("The body is not valid JSON.") from None
    return problems.convert(cls, value, strict=True)
