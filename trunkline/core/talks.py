"""The talk over one connection: a request goes out, its reply comes in, then the next (RFC 9112).

aiohttp looks up names, connects, encrypts and keeps connections at rest; this takes over what is said, because a
broadcast asks a hundred thousand times. llhttp reads, once for each connection (docs/decisions/0016).
"""

import asyncio
from typing import Literal, cast

from aiohttp import ClientOSError, ServerDisconnectedError
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

Phase = Literal["refused", "before_sent", "connect", "after_sent", "too_big", "bad"]

HEAD_CAP = 32 * 1024
"""Octets of all headers together."""
HELD = 256 * 1024
"""Octets of a body that wait for their reader before the peer has to."""
PROVISIONAL = frozenset(range(100, 200)) - {101}
LENIENT = {"lenient_headers": True, "lenient_optional_cr_before_lf": True, "lenient_spaces_after_chunk_size": True}
"""What old servers say a little wrong, and every client reads: lines without CR, folded headers, blanks."""


class Unusable(Exception):
    """A target, or a reply, of no use; `phase` says how far it came."""

    def __init__(self, phase: Phase, message: str) -> None:
        super().__init__(message)
        self.phase: Phase = phase


class Talk(asyncio.Protocol):
    """`status` and `fields` are those of the reply at hand, once `head` is through. `complete`: all of it came.

    Methods raise Unusable for a reply that cannot be read, ServerDisconnectedError or ClientOSError if none came.
    """

    def __init__(self, opener: ResponseHandler, transport: asyncio.Transport) -> None:
        self.status = 0
        self.fields: list[tuple[bytes, bytes]] = []
        self.complete = True
        self._opener = opener
        """aiohttp's own protocol, which keeps count of what is open."""
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._parser = HttpResponseParser(self)
        self._parser.set_dangerous_leniencies(**LENIENT)
        self._arrived = self._bodiless = self._paused = False
        self._last, self._lost = opener.should_close, False
        """Whether this reply is the last one here; whether the connection is gone."""
        self._trouble: Exception | None = None
        self._unread: list[bytes] = []
        self._held = 0
        """Octets in `_unread`."""
        self._idle = 0
        """Octets since the request, the head or the last piece of the body: of a head or a trailer without an end."""
        self._waiter: asyncio.Future[None] | None = None
        self._writable = asyncio.Event()
        self._writable.set()
        transport.set_protocol(self)

    @property
    def usable(self) -> bool:
        """Whether another request may go out: the last reply is over, and nobody spoke unasked.

        A connection that does not read would not notice who speaks unasked, or leaves.
        """
        return self.complete and not self._last and not self._paused and not self._transport.is_closing()

    def ask(self, octets: bytes, *, bodiless: bool = False) -> None:
        """Say the head of a request, and what of its body is at hand. `bodiless`: the reply to HEAD has a head only."""
        if self._lost or self._transport.is_closing():
            raise ServerDisconnectedError
        self.status, self.fields, self.complete = 0, [], False
        self._arrived, self._bodiless, self._trouble, self._idle, self._held = False, bodiless, None, 0, 0
        self._unread.clear()
        self._go_on()
        self._transport.write(octets)

    async def say(self, octets: bytes | memoryview) -> None:
        """A piece of the body; waits while the peer does not take it."""
        if self._lost:
            raise ServerDisconnectedError
        self._transport.write(octets)
        await self._writable.wait()

    async def head(self) -> None:
        """Wait for the head of the reply; provisional ones are passed over."""
        while not self._arrived:
            await self._news()

    async def read(self) -> bytes:
        """The next piece of the body, empty at its end."""
        while not self._unread and not self.complete:
            await self._news()
        piece = self._unread[0] if len(self._unread) == 1 else b"".join(self._unread)
        self._unread.clear()
        self._held = 0
        self._go_on()
        return piece

    async def _news(self) -> None:
        if self._trouble is not None:
            raise self._trouble
        self._waiter = self._loop.create_future()
        await self._waiter

    def _tell(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _fail(self, trouble: Exception) -> None:
        if not self.complete and self._trouble is None:
            self._trouble = trouble
        self._hang_up()

    def _hang_up(self) -> None:
        self._last = True
        self._transport.close()

    def _go_on(self) -> None:
        if self._paused and not self._lost:
            self._paused = False
            self._transport.resume_reading()

    # What the connection tells.

    def data_received(self, data: bytes) -> None:
        if self.complete:  # unasked: those words must not pass for the next reply
            self._hang_up()
            return
        self._idle += len(data)
        try:
            self._parser.feed_data(data)
        except HttpParserUpgrade:
            self._last = True
        except HttpParserError as error:
            self._fail(Unusable("bad", f"The answer cannot be read: {error}"))
        if self._idle > HEAD_CAP:
            self._fail(Unusable("too_big", "The headers of the answer are too large."))
        self._tell()

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost = self._last = True
        if not self.complete and self._trouble is None:
            if self._arrived and exc is None and not self._is_framed:
                self.complete = True
            else:
                self._trouble = self._cut(exc)
        self._writable.set()
        self._tell()
        self._opener.connection_lost(exc)

    def _cut(self, exc: Exception | None) -> Exception:
        if self._arrived:
            return Unusable("bad", "The answer ended too early.")
        return ClientOSError(*exc.args) if isinstance(exc, OSError) else ServerDisconnectedError()

    @property
    def _is_framed(self) -> bool:
        """Whether the head says where the body ends; else the end of the connection does."""
        return any(
            name.lower() == b"content-length" or (name.lower() == b"transfer-encoding" and b"chunked" in value.lower())
            for name, value in self.fields
        )

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    # What the parser tells. Whatever comes behind a whole reply is unasked.

    def on_message_begin(self) -> None:
        if self.complete:
            self._last = True

    def on_header(self, name: bytes, value: bytes) -> None:
        if b"\0" in value:
            self._fail(Unusable("bad", "A header of the answer holds a NUL."))
        elif not self._arrived:  # trailers are of no use to anybody here
            self.fields.append((name, value.strip(b" \t")))

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if self.complete or self._trouble is not None or status in PROVISIONAL:
            return
        if sum(len(name) + len(value) + len(": \r\n") for name, value in self.fields) > HEAD_CAP:
            self._fail(Unusable("too_big", "The headers of the answer are too large."))
            return
        self.status, self._arrived, self._idle = status, True, 0
        if self._bodiless:
            self.complete = self._last = True

    def on_body(self, body: bytes) -> None:
        if self.complete or not self._arrived or self._trouble is not None:
            return
        self._unread.append(body)
        self._idle = 0
        self._held += len(body)
        if self._held > HELD and not self._paused:
            self._paused = True
            self._transport.pause_reading()

    def on_message_complete(self) -> None:
        if not self._arrived:
            self.fields.clear()
        elif not self.complete:
            self.complete = True
            self._last = self._last or not self._parser.should_keep_alive()


def over(connection: Connection) -> Talk | None:
    """The talk goes on where it was; a fresh connection begins one. None if the connection is gone already."""
    transport = cast(asyncio.Transport | None, connection.transport)
    if transport is None:
        return None
    talk = transport.get_protocol()
    return talk if isinstance(talk, Talk) else Talk(cast(ResponseHandler, connection.protocol), transport)
