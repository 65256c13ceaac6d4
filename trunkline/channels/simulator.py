"""The built-in carrier as a channel: runs the real pipeline for demos, tests and the phone wall; nothing leaves us."""

import asyncio
import hmac
import re
from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import Meta, Struct, field

from trunkline.channels.base import (
    Adapter,
    Attachment,
    Capabilities,
    Inbound,
    Kind,
    Outbound,
    Request,
    Semantics,
    Sent,
    Status,
    Wire,
)
from trunkline.core import problems, urns
from trunkline.core.errors import Invalid, Malformed, NotFound, Unauthenticated

Chance = Annotated[float, Meta(ge=0, le=1)]


class SimulatorConfig(Struct, frozen=True, kw_only=True):
    """How the carrier behaves. `loss` and `duplicate` are chances, `rate` messages a second, times in ms."""

    plays: Literal["sms", "whatsapp", "voice", "email", "webchat"] = field(name="as", default="sms")
    latency_ms: Annotated[int, Meta(ge=0, le=60_000)] = 0
    loss: Chance = 0.0
    duplicate: Chance = 0.0
    auto_dlr: bool = False
    rate: Annotated[float, Meta(ge=0, le=100_000)] = 0.0
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

    async def send(self, wire: Wire, messages: Sequence[Outbound]) -> list[Sent]:
        config: SimulatorConfig = self.config
        external_ids = await wire.carrier.accept(
            self.channel,
            messages,
            loss=config.loss,
            duplicate=config.duplicate,
            report_after_ms=config.latency_ms if config.auto_dlr else None,
        )
        await asyncio.sleep(config.latency_ms / 1000)
        return [Sent(id=m.id, external_id=external) for m, external in zip(messages, external_ids, strict=True)]

    def verify(self, request: Request) -> None:
        given = request.headers.get("authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {self.secret}".encode()):
            raise Unauthenticated("The channel's secret is missing or wrong.")

    def receive(self, request: Request) -> list[Inbound | Status]:
        if request.action == "receive":
            return [self._message(_decoded(request.body, _Message))]
        if request.action == "status":
            report = _decoded(request.body, _Report)
            message = message_of(report.external_id)
            return [
                Status(status=report.status, external_id=report.external_id, message_id=message, reason=report.reason)
            ]
        raise NotFound("address")

    def _message(self, message: "_Message") -> Inbound:
        scheme = self.schemes_of(self.config)[0]
        try:
            urn = urns.make(scheme, message.sender)
        except ValueError as error:
            raise Invalid({"from": [str(error)]}) from None
        return Inbound(
            urn=urn,
            text=message.text,
            external_id=message.id,
            name=message.name,
            subject=message.subject,
            attachments=[Attachment(content_type=a.content_type, url=a.url) for a in message.attachments],
            visitor=message.visitor,
        )


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
