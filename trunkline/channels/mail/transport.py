"""Handing mail to a relay over a few kept connections, and what each outcome means."""

import asyncio
import re
import ssl
from collections.abc import Awaitable, Callable, Sequence
from socket import IPPROTO_TCP, TCP_NODELAY, socket
from typing import Literal

import aiosmtplib
from msgspec import Struct

from trunkline.channels.base import SendError
from trunkline.channels.mail.connection import COMMAND, Connection, Receipt, StaleError
from trunkline.channels.mail.outcomes import unreached
from trunkline.channels.mail.talk import Talk
from trunkline.core import clock
from trunkline.core.errors import TrunklineError

Connect = Callable[[str, int], Awaitable[socket]]

SIZE = 8  # connections per channel: more makes large providers suspicious
IDLE = 30.0  # seconds a connection is kept without work; relays hang up after a minute or more
OPENING = 20.0
CONTROL = re.compile(r"[\x00-\x20\x7f<>]")


class Relay(Struct, frozen=True, kw_only=True):
    """Where mail is handed over. The certificate is checked against `host` whatever address it has."""

    host: str
    port: int
    username: str = ""
    password: str = ""
    tls: Literal["none", "starttls", "tls"] = "starttls"
    helo: str = "localhost"


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
            self.sweeper = None  # a mail that is under way keeps its connection, and somebody must sweep it up
        while self.kept:
            self.kept.pop()[0].close()

    async def use(self, connection: Connection, sender: str, recipients: Sequence[str], raw: bytes) -> Receipt:
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

    def take(self) -> Connection | None:
        """The connection used last, so that the others can grow idle and go."""
        while self.kept:
            connection, _ = self.kept.pop()
            if connection.alive:
                return connection
        return None

    def keep(self, connection: Connection) -> None:
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

    async def open(self) -> Connection:
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
                if client.transport is None:
                    raise ConnectionError("The relay hung up.")
        except (aiosmtplib.SMTPException, OSError, ValueError, TrunklineError) as error:
            raise unreached(error) from error
        self.opened += 1
        return Connection(Talk(client.transport), client.esmtp_extensions)

    def secure_context(self) -> ssl.SSLContext | None:
        """Loading the certificates of the world takes 20 ms, so once."""
        if self.context is None and self.relay.tls != "none":
            self.context = ssl.create_default_context()
        return self.context
