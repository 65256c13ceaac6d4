"""The door for incoming mail: SMTP, or LMTP behind the user's own mail server."""

import asyncio
import re
import ssl
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP
from msgspec import Struct

from trunkline.core.errors import Invalid, Unavailable

log = structlog.get_logger()

MAX_SIZE = 25 * 1024 * 1024
MAX_RECIPIENTS = 100
MAX_LINE = 64 * 1024  # RFC 5321 says 1,000; programs that ignore it are common, and refusing loses their mail
CONNECTIONS = 100
IDLE = 120.0  # also the whole time one mail may take
# A dot alone between anything but two CRLFs: how one mail is dressed up as two for a careless server.
SMUGGLED = re.compile(rb"(?:(?<!\r)\n|\r)\.[\r\n]|\r\n\.(?:\n|\r(?!\n))")
STRAY = re.compile(rb"\r(?!\n)|(?<!\r)\n")


class Envelope(Struct, frozen=True, kw_only=True):
    """One accepted mail. `sender` is empty for bounces."""

    sender: str
    recipients: list[str]
    raw: bytes
    peer: str = ""
    helo: str = ""


Deliver = Callable[[Envelope], Awaitable[None]]
Accept = Callable[[str], bool]


class MailDoor:
    """Listens until `close`. `deliver` must have stored the mail when it returns: then the peer forgets it.

    `listen` is `host:port`, with `lmtp://` or `smtp://` before it; SMTP without. Port 0 takes any free one.
    """

    def __init__(
        self,
        listen: str,
        deliver: Deliver,
        *,
        accept: Accept = bool,
        hostname: str = "",
        tls: ssl.SSLContext | None = None,
    ):
        self.protocol, self.host, self.port = parse_listen(listen)
        self.deliver, self.accept, self.hostname, self.tls = deliver, accept, hostname, tls
        self.server: asyncio.Server | None = None
        self.sessions: set[Session | LocalSession] = set()

    async def open(self) -> None:
        self.server = await asyncio.get_running_loop().create_server(self.session, self.host, self.port)
        self.port = self.server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """No new mail; mail in the middle of its transfer is left to the peer's next try."""
        if self.server is None:
            return
        self.server.close()
        for session in list(self.sessions):
            if session.transport:
                session.transport.close()
        await self.server.wait_closed()
        self.server = None

    def session(self) -> asyncio.BaseProtocol:
        if len(self.sessions) >= CONNECTIONS:
            return Full()
        kind = LocalSession if self.protocol == "lmtp" else Session
        return kind(
            self,
            Talk(self),
            data_size_limit=MAX_SIZE,
            enable_SMTPUTF8=True,
            decode_data=False,
            hostname=self.hostname or "localhost",
            ident="Trunkline",
            tls_context=self.tls,
            timeout=IDLE,
            loop=asyncio.get_running_loop(),
        )


class Talk:
    """Our answers at each step of a conversation; the names are those that aiosmtpd calls."""

    def __init__(self, door: MailDoor):
        self.door = door

    async def handle_RCPT(self, server: SMTP, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        if len(envelope.rcpt_tos) >= MAX_RECIPIENTS:
            return "452 4.5.3 Too many recipients"
        if not self.door.accept(address):
            return "550 5.1.1 No such mailbox here"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:
        if SMUGGLED.search(envelope.content):
            return "550 5.5.2 A line that holds only a dot must stand between two CRLFs"
        mail = Envelope(
            sender=(envelope.mail_from or "").strip("<>"),  # aiosmtpd leaves the null sender as "<>"
            recipients=list(envelope.rcpt_tos),
            raw=STRAY.sub(b"\r\n", envelope.content),
            peer=str((session.peer or ("",))[0]) if isinstance(session.peer, tuple) else "",
            helo=str(session.host_name or ""),
        )
        await self.door.deliver(mail)
        return "250 2.0.0 Ok"

    async def handle_exception(self, error: Exception) -> str:
        """Whatever went wrong, the peer keeps the mail and tries again."""
        if not isinstance(error, Unavailable):
            log.error("mail could not be taken in", exc_info=error)
        return "451 4.3.0 Not now, please try again"


class Session(SMTP):
    """An SMTP conversation that the door keeps count of."""

    line_length_limit = MAX_LINE

    def __init__(self, door: MailDoor, talk: Talk, **settings: Any):
        super().__init__(talk, **settings)
        self.door = door

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.door.sessions.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self.door.sessions.discard(self)
        super().connection_lost(error)


class LocalSession(LMTP):
    """LMTP wants one answer per recipient after the mail (RFC 2033 4.2), which aiosmtpd leaves out."""

    line_length_limit = MAX_LINE

    def __init__(self, door: MailDoor, talk: Talk, **settings: Any):
        super().__init__(talk, **settings)
        self.door = door
        self.owed = 1

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.door.sessions.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self.door.sessions.discard(self)
        super().connection_lost(error)

    async def smtp_DATA(self, arg: str) -> None:
        self.owed = max(1, len(self.envelope.rcpt_tos) if self.envelope else 0)
        await super().smtp_DATA(arg)

    async def push(self, status: Any) -> None:
        if str(status).startswith("354"):
            await super().push(status)
            return
        answers, self.owed = self.owed, 1
        await super().push("\r\n".join([status] * answers) if answers > 1 else status)


class Full(asyncio.Protocol):
    """More callers than we serve at once."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.WriteTransport):
            transport.write(b"421 4.3.2 Too many connections, try again later\r\n")
        transport.close()


def parse_listen(listen: str) -> tuple[str, str, int]:
    """Protocol, host and port of a `listen` setting. Raises Invalid."""
    protocol, marked, rest = listen.strip().rpartition("://")
    host, colon, port = rest.rpartition(":")
    if (marked and protocol not in ("smtp", "lmtp")) or not colon or not port.isdecimal() or int(port) > 65535:
        raise Invalid({"listen": ["Write host:port, optionally with smtp:// or lmtp:// before it."]})
    return protocol or "smtp", host.strip("[]") or "127.0.0.1", int(port)
