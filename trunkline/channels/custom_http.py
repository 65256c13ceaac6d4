"""The custom channel: messages go out as JSON to the owner's URL and come in the same way.

Outgoing calls carry Standard Webhooks headers signed with the channel's secret; the message's uuid is the id that
stays the same over all attempts.
"""

import base64
import hmac
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal, get_args

import msgspec
from msgspec import Meta, Struct

from trunkline.channels import webcalls
from trunkline.channels.base import (
    Adapter,
    Capabilities,
    ChannelEvent,
    EventType,
    Inbound,
    Kind,
    Outbound,
    Request,
    Semantics,
    Sent,
    Status,
    Wire,
)
from trunkline.core import clock, crypto, urns
from trunkline.core.egress import BadUrl, Egress
from trunkline.core.errors import Invalid, Malformed, NotFound, Unauthenticated
from trunkline.core.http import HttpFailure
from trunkline.core.urns import BadUrn, Urn


class CustomHttpConfig(Struct, frozen=True, kw_only=True):
    """`url` takes what we send. `semantics` says whether the owner's side can tell a repeat by its id.

    `as` lets the channel count as one of another kind, with addresses of that kind.
    """

    url: Annotated[str, Meta(min_length=1, max_length=2048)]
    semantics: Literal["at_least_once", "at_most_once"] = "at_least_once"
    sends_as: Literal["custom", "sms", "email", "whatsapp"] = msgspec.field(name="as", default="custom")
    rate: Annotated[float, Meta(ge=0, le=100_000)] = 0.0


# The owner's own machine may be away for a night, as with webhooks.
RETRY_SECONDS = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
GONE = 410
"""The one refusal that is meant for ever."""

SCHEMES = {"custom": "ext", "sms": "tel", "email": "mailto", "whatsapp": "whatsapp"}


class CustomHttp(Adapter):
    kind: ClassVar[str] = "custom_http"
    sends_as: ClassVar[Kind] = "custom"
    schemes: ClassVar[frozenset[str]] = frozenset({"ext"})
    can: ClassVar[Capabilities] = Capabilities(media=True)
    semantics: ClassVar[Semantics] = "at_least_once"
    send_seconds: ClassVar[float | None] = None
    retry_seconds: ClassVar[Sequence[float]] = RETRY_SECONDS
    Config: ClassVar[type[Struct]] = CustomHttpConfig

    def __init__(self, config: Any, *, channel: Any, secret: str):
        super().__init__(config, channel=channel, secret=secret)
        key = secret.encode() if not secret.startswith("whsec_") else b""
        self._signing = [secret if not key else "whsec_" + base64.b64encode(key).decode()]

    @classmethod
    def check(cls, config: CustomHttpConfig, egress: Egress) -> None:
        try:
            egress.check_url(config.url)
        except BadUrl as error:
            raise Invalid({"url": [str(error)]}) from None

    @classmethod
    def schemes_of(cls, config: CustomHttpConfig) -> list[str]:
        return [SCHEMES[config.sends_as]]

    async def send(self, wire: Wire, messages: Sequence[Outbound]) -> list[Sent]:
        return [await self._send(wire, message) for message in messages]

    async def _send(self, wire: Wire, message: Outbound) -> Sent:
        moment = clock.now()
        body = msgspec.json.encode(self._payload(message, moment))
        headers = crypto.sign_webhook(self._signing, message.uuid, int(moment.timestamp()), body)
        headers["Content-Type"] = "application/json"
        try:
            answer = await wire.http.request("POST", self.config.url, headers=headers, body=body)
        except HttpFailure as failure:
            error = webcalls.error_of_failure(failure)
            return Sent(id=message.id, error=error, exchange=webcalls.exchange_of(failure, self.secret))
        error = webcalls.error_of(answer)
        if error is not None and answer.status != GONE:
            error.retry = True  # the owner's side is a program of its own: what it refuses now it may take after a fix
        exchange = webcalls.exchange_of(answer, self.secret) if error or message.logged else None
        external_id = None if error else _external_id(answer.body) or message.uuid
        return Sent(id=message.id, external_id=external_id, error=error, exchange=exchange)

    def _payload(self, message: Outbound, moment: datetime) -> "_Payload":
        """The mirror image of an incoming custom-channel message."""
        custom = _Custom(
            messageSid=message.uuid,
            fromId=self.channel.address,
            toId=message.to.path,
            body=message.text,
            customChannel=self.channel.name,
            campaignId=message.extra.get("campaign_id"),
            contactId=message.extra.get("contact_ref"),
            mediaUrl=message.attachments[0].url if message.attachments else None,
        )
        return _Payload(custom, moment.replace(microsecond=0))

    def verify(self, request: Request) -> None:
        given = request.headers.get("authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {self.secret}".encode()):
            raise Unauthenticated("The channel's secret is missing or wrong.")

    def receive(self, request: Request) -> list[Inbound | Status | ChannelEvent]:
        body = _decoded(request.body)
        if request.action == "receive":
            return [self.inbound(body)]
        if request.action == "status":
            return [self.status(body)]
        if request.action == "event":
            return [self.event(body)]
        raise NotFound("address")

    def inbound(self, body: dict[str, Any]) -> Inbound:
        """An incoming message in the connector's shape; `id` stands in for `messageSid`."""
        custom = body.get("customData")
        custom = custom if isinstance(custom, dict) else {}
        sid, sender, text = (_text(custom, *names) for names in (("messageSid", "id"), ("fromId",), ("body",)))
        missing = [name for name, value in (("messageSid", sid), ("fromId", sender), ("body", text)) if not value]
        if missing:
            raise Invalid({f"customData.{name}": [f"customData.{name} is required."] for name in missing})
        kind = body.get("messageType") or "text"
        if kind not in ("text", "reaction"):
            raise Invalid({"messageType": ["messageType is text or reaction."]})
        if len(sid) > LONGEST_ID:
            raise Invalid({"customData.messageSid": [f"messageSid has at most {LONGEST_ID} characters."]})
        urn = self._urn(sender)
        name = " ".join(part for part in (_text(custom, "firstName"), _text(custom, "lastName")) if part)
        return Inbound(
            urn=urn,
            text=text,
            external_id=sid,
            name=name or None,
            reaction=kind == "reaction",
        )

    def event(self, body: dict[str, Any]) -> ChannelEvent:
        """Something else than a message, in the same frame: `customData` says who, `eventType` what."""
        custom = body.get("customData")
        custom = custom if isinstance(custom, dict) else {}
        sender, type = _text(custom, "fromId"), _text(body, "eventType")
        extra, sid = custom.get("extra"), _text(custom, "eventSid", "id")
        if not sender:
            raise Invalid({"customData.fromId": ["customData.fromId is required."]})
        if type not in get_args(EventType):
            raise Invalid({"eventType": [f"eventType is one of {', '.join(get_args(EventType))}."]})
        if len(sid) > LONGEST_ID:
            raise Invalid({"customData.eventSid": [f"eventSid has at most {LONGEST_ID} characters."]})
        name = " ".join(part for part in (_text(custom, "firstName"), _text(custom, "lastName")) if part)
        return ChannelEvent(
            type=type,  # type: ignore[arg-type]
            urn=self._urn(sender),
            external_id=sid or None,
            name=name or None,
            extra=extra if isinstance(extra, dict) else {},
        )

    def _urn(self, sender: str) -> Urn:
        try:
            return urns.make(self.schemes_of(self.config)[0], sender)
        except BadUrn as error:
            raise Invalid({"customData.fromId": [str(error)]}) from None

    def status(self, body: dict[str, Any]) -> Status:
        sid, status = _text(body, "messageSid", "external_id"), _text(body, "status")
        if not sid or status not in ("sent", "delivered", "read", "failed"):
            raise Invalid({"status": ["messageSid and a status of sent, delivered, read or failed are required."]})
        return Status(status=status, external_id=sid)


class _Custom(Struct, frozen=True, kw_only=True):
    """The names are the connector's."""

    messageSid: str
    fromId: str
    toId: str
    body: str
    customChannel: str
    channel: str = "custom"
    status: str = "sent"
    campaignId: str | None = None
    contactId: str | None = None
    mediaUrl: str | None = None


class _Payload(Struct, frozen=True):
    customData: _Custom
    timestamp: datetime
    messageType: str = "text"


LONGEST_ID = 255


def _external_id(body: bytes) -> str | None:
    """The owner's id for the message, when the answer names one; else reports name it by ours."""
    try:
        answer = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    named = answer.get("messageSid") if isinstance(answer, dict) else None
    return named[:LONGEST_ID] if isinstance(named, str) and named else None


def _text(values: dict[str, Any], *names: str) -> str:
    """The first of `names` that holds text; a number counts, an object does not."""
    for name in names:
        value = values.get(name)
        if isinstance(value, str | int) and not isinstance(value, bool) and str(value).strip():
            return str(value).strip()[:65_536]
    return ""


def _decoded(body: bytes) -> dict[str, Any]:
    try:
        decoded = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Malformed("The body is not valid JSON.") from None
    if not isinstance(decoded, dict):
        raise Invalid({"body": ["The body must be a JSON object."]})
    return decoded
