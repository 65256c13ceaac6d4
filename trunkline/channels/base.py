"""What an adapter is: it translates to and from one provider and never sees the database.

The caller owns splitting, retries, rate limits, redaction, the channel log and the mapping of errors to message status.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar, Literal, Protocol

from msgspec import Struct

from trunkline.channels.talking import Keypress, Strokes, Switchboard
from trunkline.core.egress import Egress
from trunkline.core.urns import Urn

Kind = Literal["sms", "email", "whatsapp", "voice", "telegram", "web_chat", "custom"]
Semantics = Literal["at_most_once", "at_least_once"]
CallStatus = Literal["initiated", "ringing", "in_progress", "completed", "busy", "no_answer", "failed", "canceled"]
EventType = Literal[
    "call_in", "call_in_missed", "call_out", "call_out_missed", "stop_contact", "new_conversation", "referral",
    "welcome_message", "optin", "optout", "delete_contact",
]  # fmt: skip

ErrorCode = Literal[
    "config",  # the channel's settings are wrong; stop the channel
    "invalid",  # this address or content can never work
    "rejected",  # the provider says no
    "unreachable",  # never left us
    "throttled",  # slow down
    "contact_stopped",  # the person opted out at the provider
    "ambiguous",  # it may have arrived: the answer was lost
    "unexpected",
]


RETRY_SECONDS = (5, 30, 300, 1800, 7200)
"""How long a message waits before each further try, unless its kind of channel says otherwise."""

SEND_SECONDS = 25.0
"""How long one `send` may take. Less than a lease, so that whoever claims after us never meets our request."""


class SendError(Exception):
    """Why a message did not leave. `retry` says whether trying again can help."""

    def __init__(
        self,
        code: ErrorCode,
        detail: str = "",
        *,
        retry: bool = False,
        retry_after: float | None = None,
        stop_channel: bool = False,
        provider_code: str | None = None,
        reason: str | None = None,
    ):
        """`reason` is the word for it where the code says too little: `busy`, `no_answer`."""
        super().__init__(f"{code}: {detail}")
        self.reason = reason
        self.code: ErrorCode = code
        self.detail = detail
        self.retry = retry
        self.retry_after = retry_after
        self.stop_channel = stop_channel
        self.provider_code = provider_code


class Capabilities(Struct, frozen=True, kw_only=True):
    """What the caller may ask of an adapter. `batch` is how many messages one `send` takes."""

    media: bool = False
    quick_replies: bool = False
    html: bool = False
    subject: bool = False
    length: int | None = None
    batch: int = 1
    words: bool = False  # opt-out, opt-in and help words are honoured on inbound
    threads: bool = False  # one conversation per thread instead of one per contact
    reply_window_hours: dict[str, int] = {}  # by role: so long after their last message, only templates may be sent


class Attachment(Struct, frozen=True, kw_only=True):
    """A file beside a message: by URL, or with its bytes in `content`."""

    content_type: str
    name: str = ""
    url: str = ""
    content: bytes | None = None


class Mail(Struct, frozen=True, kw_only=True):
    """What only e-mail needs."""

    subject: str = ""
    html: str | None = None
    from_name: str | None = None
    reply_token: str | None = None
    bounce_token: str | None = None
    unsubscribe_url: str | None = None
    unsubscribe_mailto: str | None = None
    in_reply_to: str | None = None
    references: Sequence[str] = ()
    cc: Sequence[str] = ()
    bcc: Sequence[str] = ()


class Outbound(Struct, frozen=True, kw_only=True, gc=False):
    """A message to hand over. `uuid` is stable over retries: the idempotency key for whoever honours one."""

    id: int
    uuid: str
    to: Urn
    text: str
    account_id: int = 0
    """Whose message it is; the channel may be the operator's."""
    attachments: Sequence[Attachment] = ()
    quick_replies: Sequence[str] = ()
    mail: Mail | None = None
    extra: dict[str, Any] = {}
    led: bool = False
    """A call in which somebody asks and answers; `text` is not spoken."""
    logged: bool = True
    """Whether the talk about it is kept even when all goes well; a broadcast keeps only what went wrong."""


class Exchange(Struct, frozen=True, kw_only=True, gc=False):
    """One talk with the provider, for the channel log; secrets already redacted."""

    request: str = ""
    response: str = ""
    status: int | None = None
    elapsed_ms: float = 0.0


class Sent(Struct, frozen=True, kw_only=True):
    """What became of one message: `error` is None when the provider took it; `arrived` when it is there already."""

    id: int
    external_id: str | None = None
    arrived: bool = False
    error: SendError | None = None
    exchange: Exchange | None = None


class Thread(Struct, frozen=True, kw_only=True):
    """Where a mail belongs: our token in the recipient, else the ids it answers, else subject and sender."""

    token: str | None = None
    message_id: str | None = None
    references: Sequence[str] = ()
    subject: str = ""


class Inbound(Struct, frozen=True, kw_only=True):
    """A message that somebody sent us. Without `external_id` it cannot be told from a repeat.

    `assistant_id` is the assistant whose turn it is, where the one who hands the message to us says so.
    """

    urn: Urn
    text: str
    external_id: str | None = None
    name: str | None = None
    html: str | None = None
    subject: str | None = None
    attachments: Sequence[Attachment] = ()
    received_at: datetime | None = None
    thread: Thread | None = None
    automatic: bool = False
    reaction: bool = False
    visitor: dict[str, Any] | None = None
    assistant_id: int | None = None


class Status(Struct, frozen=True, kw_only=True):
    """A delivery report. `reason` refines failed: undelivered, expired, bounced, complained …"""

    status: Literal["sent", "delivered", "read", "failed"]
    external_id: str | None = None
    message_id: int | None = None
    reason: str | None = None
    code: str | None = None
    detail: str | None = None


class OptOut(Struct, frozen=True, kw_only=True):
    """Whoever got this message of ours wants no more of its kind; proven by a mark that only they had."""

    message_id: int
    evidence: dict[str, Any] = {}


class ChannelEvent(Struct, frozen=True, kw_only=True):
    """Something else than a message that a person did. Without `external_id` it cannot be told from a repeat.

    `extra` is what the provider says of it; `referrer_id` there is the link or advertisement that a referral came by.
    """

    type: EventType
    urn: Urn
    external_id: str | None = None
    name: str | None = None
    extra: dict[str, Any] = {}
    occurred_at: datetime | None = None


class Request(Struct, frozen=True, kw_only=True):
    """An inbound call of a provider, as plain data: adapters stay pure and stored requests can be replayed."""

    action: str
    method: str
    headers: dict[str, str]
    query: dict[str, str]
    body: bytes


class Carrier(Protocol):
    """The built-in carrier behind simulator channels and chat windows; what it accepts stays in our database."""

    async def accept(self, channel: "Identity", messages: Sequence[Outbound], **behaviour: Any) -> list[str]:
        """Take messages and return their external ids, once they are stored for good."""
        ...

    async def pressed(self, channel: "Identity", call: int) -> Strokes:
        """What somebody did on a telephone that the carrier plays, since we asked last."""
        ...

    async def show(self, channel: "Identity", messages: Sequence[Outbound]) -> set[int]:
        """Lay messages before the visitors of a chat window; those of the returned ids will be seen."""
        ...


class CallNote(Struct, frozen=True, kw_only=True):
    """A step of a telephone call. `seconds` is how long somebody listened; `code` is the exchange's number for it."""

    account_id: int
    message_id: int
    status: CallStatus
    at: datetime
    reason: str | None = None
    error: str | None = None
    code: str | None = None
    seconds: int | None = None


class CallBook(Protocol):
    """Where adapters that telephone write down how their calls go."""

    async def note(self, notes: Sequence[CallNote]) -> None:
        """Keep these steps, for good when it returns. Raises `Unavailable` when a call cannot be begun for now."""
        ...


class Client(Protocol):
    """The egress client (core/http.py), which is loaded by whoever really calls."""

    async def request(self, method: str, url: str, **options: Any) -> Any: ...


class Wire(Struct, frozen=True):
    """What an adapter may talk through: the egress client, the egress guard, the built-in carrier, the call book, and
    whoever leads calls."""

    http: Client
    egress: Egress
    carrier: Carrier
    calls: CallBook | None = None
    talks: Switchboard | None = None


class Identity(Struct, frozen=True):
    """Which channel an adapter serves."""

    account_id: int
    id: int
    name: str
    address: str


class Adapter:
    """One channel of one kind, ready to send. `secret` authenticates callbacks to us."""

    kind: ClassVar[str]
    sends_as: ClassVar[Kind]
    schemes: ClassVar[frozenset[str]]
    can: ClassVar[Capabilities]
    semantics: ClassVar[Semantics]
    retry_seconds: ClassVar[Sequence[float]] = RETRY_SECONDS
    send_seconds: ClassVar[float | None] = SEND_SECONDS
    """The longest that one `send` may take; None for an adapter that sees to it itself, well within a lease."""
    Config: ClassVar[type[Struct]]

    def __init__(self, config: Any, *, channel: Identity, secret: str):
        self.config = config
        self.channel = channel
        self.secret = secret

    @classmethod
    def check(cls, config: Any, egress: Egress) -> None:
        """Raise `Invalid` for settings that can never work; nothing is resolved or called here."""

    @classmethod
    def schemes_of(cls, config: Any) -> list[str]:
        """The kinds of address that a channel with these settings reaches."""
        return sorted(cls.schemes)

    @property
    def at_once(self) -> int | None:
        """How many messages may be on their way together; None for as many as the worker likes."""
        return None

    @property
    def batch(self) -> int:
        """How many messages one `send` takes."""
        return self.can.batch

    @property
    def patience(self) -> float | None:
        """The longest that one `send` of this very channel may take."""
        return self.send_seconds

    async def send(self, wire: Wire, messages: Sequence[Outbound]) -> list[Sent]:
        """Hand messages over, at most `batch` at once; one answer per message."""
        raise NotImplementedError

    def verify(self, request: Request) -> None:
        """Raise `Unauthenticated` unless the provider made this call."""
        raise NotImplementedError

    def receive(self, request: Request) -> Sequence[Inbound | Status | ChannelEvent | Keypress]:
        """What the provider tells us; pure."""
        raise NotImplementedError

    async def close(self) -> None:
        """Give back kept connections."""
