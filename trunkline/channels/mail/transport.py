"""Handing mail to a relay over a few kept connections, and what each outcome means."""

import asyncio
import contextlib
import re
import ssl
from collections.abc import Awaitable, Callable, Sequence
from socket import IPPROTO_TCP, TCP_NODELAY, socket
from typing import Literal, cast

import aiosmtplib
from aiosmtplib import SMTPResponse
from msgspec import Struct

from trunkline.channels.base import SendError
from trunkline.channels.mail.outcomes import lost, refusal, unreached
from trunkline.core import clock
from trunkline.core.errors import TrunklineError

Connect = Callable[[str, int], Awaitable[socket]]

SIZE = 8  # connections per channel: more makes large providers suspicious
IDLE = 30.0  # seconds a connection is kept without work; relays hang up after a minute or more
OPENING = 20.0
COMMAND = 60.0
# RFC 5321 4.5.3.2.6 asks for ten minutes; a relay that needs more than five is as good as gone.
ANSWER = 300.0
CHUNK = 1 << 18
LINE_START_DOT = re.compile(rb"(?m)^\.")
CONTROL = re.compile(r"[\x00-\x20\x7f<>]")


class Relay(Struct, frozen=True, kw_only=True):
    """Where mail is handed over. The certificate is checked against `host` whatever address it has."""

    host: str
    port: int
    username: str = ""
    password: str = ""
    tls: Literal["none", "starttls", "tls"] = "starttls"
    helo: str = "localhost"


class Receipt(Struct, frozen=True, kw_only=True):
    """The relay took the mail. `refused` are copies it would not take."""

    response: str
    refused: dict[str, str] = {}


class Pool:
    """At most `size` connections to one relay, opened when needed, closed when idle, one mail at a time."""

    def __init__(
        self,
        relay: Relay,
        connect: Connect,
        *,
        context: ssl.SSLContext | None = None,
        size: int = SIZE,
        idle: float = IDLE,
    ):
        self.relay, self.connect, self.context, self.idle = relay, connect, context, idle
        self.turns = asyncio.Semaphore(size)
        self.kept: list[tuple[Connection, float]] = []
        self.opened = 0
        self.sweeper: asyncio.TimerHandle | None = None

    async def deliver(self, sender: str, recipients: Sequence[str], raw: bytes) -> Receipt:
        """One mail; the first recipient decides. Raises SendError and nothing else."""
        for mailbox in (sender, *recipients):
            if CONTROL.search(mailbox) or not mailbox.isascii():
                raise SendError("invalid", f"Not an address for SMTP: {mailbox[:100]!r}")
        async with self.turns:
            kept = self.take()
            if kept:
                try:
                    return await self.use(kept, sender, recipients, raw)
                except StaleError:
                    pass  # the relay hung up between two mails: nothing was lost, a new connection serves
            return await self.use(await self.open(), sender, recipients, raw)

    async def close(self) -> None:
        """Say goodbye on all idle connections."""
        if self.sweeper:
            self.sweeper.cancel()
        while self.kept:
            self.kept.pop()[0].close()

    async def use(self, connection: "Connection", sender: str, recipients: Sequence[str], raw: bytes) -> Receipt:
        healthy = False
        try:
            receipt = await connection.deliver(sender, recipients, raw)
            healthy = True
            return receipt
        except SendError:
            healthy = await connection.reset()
            raise
        finally:
            if healthy and connection.alive:
                self.keep(connection)
            else:
                connection.close()

    def take(self) -> "Connection | None":
        """The connection used last, so that the others can grow idle and go."""
        while self.kept:
            connection, _ = self.kept.pop()
            if connection.alive:
                return connection
        return None

    def keep(self, connection: "Connection") -> None:
        self.kept.append((connection, clock.monotonic()))
        if self.sweeper is None:
            self.sweeper = asyncio.get_running_loop().call_later(self.idle, self.sweep)

    def sweep(self) -> None:
        oldest = clock.monotonic() - self.idle
        for connection, since in self.kept:
            if since <= oldest:
                connection.close()
        self.kept = [(connection, since) for connection, since in self.kept if since > oldest]
        self.sweeper = asyncio.get_running_loop().call_later(self.idle, self.sweep) if self.kept else None

    async def open(self) -> "Connection":
        relay = self.relay
        try:
            async with asyncio.timeout(OPENING):
                sock = await self.connect(relay.host, relay.port)
                # asyncio does this only for sockets it made; without it each mail waits 40 ms for an ACK.
                sock.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
                client = aiosmtplib.SMTP(
                    hostname=relay.host,
                    sock=sock,
                    use_tls=relay.tls == "tls",
                    start_tls=relay.tls == "starttls",
                    tls_context=self.secure_context(),
                    username=relay.username or None,
                    password=relay.password if relay.username else None,
                    local_hostname=relay.helo,
                    timeout=COMMAND,
                )
                await client.connect()
                if client.is_ehlo_or_helo_needed:
                    await client.ehlo()
        except (aiosmtplib.SMTPException, OSError, ValueError, TrunklineError) as error:
            raise unreached(error) from error
        self.opened += 1
        return Connection(client)

    def secure_context(self) -> ssl.SSLContext | None:
        """Loading the certificates of the world takes 20 ms, so once."""
        if self.context is None and self.relay.tls != "none":
            self.context = ssl.create_default_context()
        return self.context


class StaleError(Exception):
    """A kept connection was dead before the relay had agreed to anything."""


class Connection:
    """One conversation with the relay."""

    def __init__(self, client: aiosmtplib.SMTP):
        self.client = client
        self.used = False
        self.silent = False
        self.declares_size = client.supports_extension("size")
        self.loop = asyncio.get_running_loop()

    @property
    def alive(self) -> bool:
        return self.client.is_connected

    async def deliver(self, sender: str, recipients: Sequence[str], raw: bytes) -> Receipt:
        await self.begin(sender, len(raw))
        refused = {}
        for recipient in recipients:
            answer = await self.command(f"RCPT TO:<{recipient}>")
            if answer.code in (250, 251):
                continue
            # A copy that is refused does not stop the mail; the hang-up and the person it is for do.
            if answer.code == 421 or recipient == recipients[0]:
                raise refusal(answer.code, answer.message)
            refused[recipient] = f"{answer.code} {answer.message}"[:500]
        answer = await self.command("DATA")
        if answer.code != 354:
            raise refusal(answer.code, answer.message)
        answer = await self.content(raw)
        if answer.code // 100 != 2:
            raise refusal(answer.code, answer.message)
        return Receipt(response=f"{answer.code} {answer.message}"[:500], refused=refused)

    async def begin(self, sender: str, size: int) -> None:
        reused, self.used = self.used, True
        declared = f" SIZE={size}" if self.declares_size else ""
        try:
            answer = await self.ask(f"MAIL FROM:<{sender}>{declared}")
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            if reused:
                raise StaleError from error
            raise lost(error) from error
        if answer.code == 421 and reused:
            raise StaleError  # most relays say 421 to a connection that waited too long
        if answer.code != 250:
            raise refusal(answer.code, answer.message, of_sender=True)

    async def command(self, line: str) -> SMTPResponse:
        try:
            return await self.ask(line)
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            raise lost(error) from error

    def ask(self, line: str) -> Awaitable[SMTPResponse]:
        return self.within(COMMAND, self.client.execute_command(line.encode(), timeout=None))

    async def within(self, seconds: float, answer: Awaitable[SMTPResponse]) -> SMTPResponse:
        """The library's own time limit costs more than a command does."""
        timer = self.loop.call_later(seconds, self.give_up)
        try:
            return await answer
        except aiosmtplib.SMTPServerDisconnected as error:
            if self.silent:
                raise aiosmtplib.SMTPReadTimeoutError(f"No answer within {seconds:g} seconds.") from error
            raise
        finally:
            timer.cancel()

    def give_up(self) -> None:
        """The relay says nothing: whoever waits for it hears that the connection is lost."""
        self.silent = True
        if transport := self.client.transport:
            cast(asyncio.WriteTransport, transport).abort()

    async def content(self, raw: bytes) -> SMTPResponse:
        """The mail itself. Once the final dot is on its way, silence means that the mail may have arrived."""
        body = LINE_START_DOT.sub(b"..", raw) if b"\n." in raw or raw.startswith(b".") else raw
        body = (body if body.endswith(b"\r\n") else body + b"\r\n") + b".\r\n"
        protocol = self.client.protocol
        try:
            if protocol is None:
                raise ConnectionError("The relay hung up before the mail.")
            *chunks, last = [body[start : start + CHUNK] for start in range(0, len(body), CHUNK)]
            for chunk in chunks:
                protocol.write(chunk)
                await asyncio.wait_for(protocol._drain_helper(), COMMAND)
            protocol.write(last)
        except (aiosmtplib.SMTPException, OSError) as error:
            self.client.close()
            raise lost(error) from error
        try:
            return await self.within(ANSWER, protocol.read_response())
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            self.client.close()
            raise SendError("ambiguous", f"The answer to the mail was lost: {error}"[:500], retry=True) from error

    async def reset(self) -> bool:
        """Ready for another mail after a refusal?"""
        if not self.alive:
            return False
        with contextlib.suppress(aiosmtplib.SMTPException, OSError):
            return (await self.client.execute_command(b"RSET", timeout=10)).code == 250
        return False

    def close(self) -> None:
        """With a QUIT that nobody waits for."""
        protocol = self.client.protocol
        if protocol and self.alive:
            with contextlib.suppress(aiosmtplib.SMTPException, OSError):
                protocol.write(b"QUIT\r\n")
        self.client.close()
