"""A relay that takes everything, or fails as told: to measure with and to inject failures, proves no SMTP."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

DROP = "drop"


@dataclass
class Taken:
    sender: str
    recipients: list[str]
    raw: bytes


@dataclass
class Sink:
    """`on_…` decide the answers; `DROP` cuts the connection instead of answering. A mail takes it `seconds`."""

    on_mail: Callable[[str], str] = lambda address: "250 2.1.0 Ok"
    on_rcpt: Callable[[str], str] = lambda address: "250 2.1.5 Ok"
    on_data: Callable[[bytes], str] = lambda raw: "250 2.0.0 Ok: queued as 1"
    password: str = ""
    tls: ssl.SSLContext | None = None
    greeting: str = ""
    seconds: float = 0
    port: int = 0
    connections: int = 0
    taken: list[Taken] = field(default_factory=list)
    resets: int = 0
    sessions: list[Any] = field(default_factory=list)

    async def handle_MAIL(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        envelope.mail_from = address
        return self.answer(server, self.on_mail(address))

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        answer = self.answer(server, self.on_rcpt(address))
        if answer.startswith("2"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        await asyncio.sleep(self.seconds)
        answer = self.answer(server, self.on_data(envelope.content))
        if answer.startswith("2"):
            self.taken.append(Taken(envelope.mail_from, envelope.rcpt_tos, envelope.content))
        return answer

    async def handle_RSET(self, server: Any, session: Any, envelope: Any) -> str:
        self.resets += 1
        return "250 Ok"

    def answer(self, server: Any, answer: str) -> str:
        if answer == DROP:
            server.transport.abort()
            raise ConnectionResetError
        return answer

    def authenticate(self, server: Any, session: Any, envelope: Any, mechanism: str, login: Any) -> AuthResult:
        right = isinstance(login, LoginPassword) and login.password == self.password.encode()
        return AuthResult(success=right, handled=False)

    def session(self) -> asyncio.BaseProtocol:
        self.connections += 1
        if self.greeting:
            return _Greeter(self.greeting)
        session = SMTP(
            self,
            hostname="sink.test",
            enable_SMTPUTF8=False,
            tls_context=self.tls,
            authenticator=self.authenticate if self.password else None,
            auth_required=bool(self.password),
            auth_require_tls=self.tls is not None,
            loop=asyncio.get_running_loop(),
        )
        self.sessions.append(session)
        return session

    def hang_up(self) -> None:
        """Cut every connection, as an idle timeout of the relay does."""
        for session in self.sessions:
            if session.transport:
                session.transport.close()


class _Greeter(asyncio.Protocol):
    def __init__(self, greeting: str):
        self.greeting = greeting

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.WriteTransport):
            transport.write(self.greeting.encode() + b"\r\n")
        transport.close()


@asynccontextmanager
async def running(sink: Sink, *, ssl: ssl.SSLContext | None = None) -> AsyncIterator[Sink]:
    server = await asyncio.get_running_loop().create_server(sink.session, "127.0.0.1", 0, ssl=ssl)
    sink.port = server.sockets[0].getsockname()[1]
    try:
        yield sink
    finally:
        server.close()
        sink.hang_up()
        await server.wait_closed()
