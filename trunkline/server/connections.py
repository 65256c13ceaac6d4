"""One client connection: requests come in one at a time, each meets the app when it is sound."""

import contextvars
import math
from http import HTTPStatus
from typing import Any, cast

from trunkline.core.clock import monotonic
from trunkline.server import heads
from trunkline.server.bodies import Body, Chunked, Sized
from trunkline.server.engine import HIGH_WATER_LIMIT, STATUS_LINE, Config, HttpToolsProtocol, ServerState
from trunkline.server.exchanges import Exchange
from trunkline.server.heads import Head
from trunkline.server.limits import BodyCap, Limits, Rejected, Wording


class Hall(ServerState):
    """What all connections of one server share."""

    connections: set["Connection"]  # type: ignore[assignment]

    def __init__(self, limits: Limits, body_cap: BodyCap, wording: Wording) -> None:
        super().__init__()
        self.limits = limits
        self.body_cap = body_cap
        self.wording = wording
        self.draining = False
        # A request starts from this context, not from that of the request before it on the connection.
        self.context = contextvars.copy_context()


class Connection(HttpToolsProtocol):
    """uvicorn's protocol, reading by itself. `cycle` is the request at hand, `body` what of it is to come."""

    cycle: Exchange | None  # type: ignore[assignment]

    def __init__(self, config: Config, hall: Hall, state: dict[str, Any]) -> None:
        super().__init__(config, hall, state)
        self.hall = hall
        self.limits = hall.limits
        self.unread = b""
        self.scanned = 0
        self.body: Body | None = None
        self.body_began = 0.0
        self.body_received = 0
        self.backlog = 0
        self.hung_up = False
        self.deadline = monotonic() + self.limits.head_seconds

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.write, self.is_closing = transport.write, transport.is_closing
        if self.client and self.client[0].startswith("::ffff:"):
            self.client = (self.client[0].removeprefix("::ffff:"), self.client[1])

    def data_received(self, data: bytes) -> None:
        if self.hung_up:
            return
        self.unread = self.unread + data if self.unread else data
        try:
            while self.unread and self._read_on():
                pass
        except Rejected as rejected:
            self.refuse(rejected)

    def _read_on(self) -> bool:
        """Understand the next part of what came in; False when something else must happen first."""
        if self.body is not None:
            return self._read_body(self.body)
        if not self.busy:
            return self._read_head()
        if len(self.unread) > HIGH_WATER_LIMIT:
            self.flow.pause_reading()
        return False

    @property
    def busy(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _read_head(self) -> bool:
        if not self.scanned:
            # One empty line in front is allowed: old clients add it to the body of the request before.
            self.unread = self.unread.removeprefix(b"\r\n")
        end = self.unread.find(b"\r\n\r\n", max(self.scanned - 3, 0)) + 4
        if not 4 <= end <= self.limits.head_bytes:
            return self._await_head()
        block, self.unread, self.scanned = self.unread[:end], self.unread[end:], 0
        self._open(heads.read(block, self.limits))
        return True

    def _await_head(self) -> bool:
        if self.unread not in (b"", b"\r"):
            heads.check_part(self.unread, self.scanned, self.limits)
            if not self.scanned:
                self.deadline = monotonic() + self.limits.head_seconds
            self.scanned = len(self.unread)
        return False

    def _open(self, head: Head) -> None:
        if head.length or head.chunked:
            self._open_body(head)
        exchange = Exchange(self, head, keep_alive=head.keep_alive and not self.hall.draining)
        self.cycle = exchange
        # Small bodies are awaited, so that a broken one never meets the app. Whoever expects a "100 Continue"
        # gets it (or an early no) from the app.
        if self.body is None or head.expects_continue:
            self._start(exchange)

    def _open_body(self, head: Head) -> None:
        cap = self.hall.body_cap(head.path, head.method)
        if head.length > cap:
            raise Rejected(413, "The request body is too large.", head.path)
        self.body = Chunked(cap) if head.chunked else Sized(head.length)
        self.body_began, self.body_received = monotonic(), 0
        self._set_deadline()

    def _start(self, exchange: Exchange) -> None:
        exchange.begun = True
        if self.body is None:
            exchange.more_body = False
            exchange.message_event.set()
            self._set_deadline()
        task = self.loop.create_task(exchange.run_asgi(cast(Any, self.app)), context=self.hall.context.copy())
        task.add_done_callback(self.tasks.discard)
        self.tasks.add(task)

    def _read_body(self, body: Body) -> bool:
        exchange = self.cycle
        assert exchange is not None
        before = len(self.unread)
        piece, self.unread = body.take(self.unread)
        self.body_received += before - len(self.unread)
        exchange.waiting_for_100_continue = False
        exchange.body += piece
        if body.done:
            self.body = None
            exchange.more_body = False
        self._set_deadline()
        crowded = len(exchange.body) > HIGH_WATER_LIMIT
        if not exchange.begun and (body.done or crowded):
            self._start(exchange)
        if crowded and not body.done:
            self.flow.pause_reading()
        exchange.message_event.set()
        return body.done

    def on_response_complete(self) -> None:
        self.hall.total_requests += 1
        if self.is_closing() or self.hung_up:
            return
        self._set_deadline()
        self.flow.resume_reading()
        if self.unread:
            self.data_received(b"")

    def refuse(self, rejected: Rejected) -> None:
        """Answer in place of the app, then hang up. An app already at work learns that its client is gone."""
        if self.is_closing():
            return
        exchange, self.cycle = self.cycle, None  # pyright: ignore[reportIncompatibleVariableOverride]
        if exchange is not None and not exchange.response_complete:
            rejected.path = exchange.scope["path"]
        if exchange is not None and exchange.begun and not exchange.response_complete:
            exchange.abandon()
            if exchange.response_started:
                self.transport.abort()
                return
        self.write(_answer(rejected, self.hall))
        self._hang_up()

    def _hang_up(self) -> None:
        """Close, but swallow what still arrives for a moment: a reset would wipe out the answer under way."""
        self.hung_up = True
        self.unread, self.body = b"", None
        self.deadline = monotonic() + self.limits.linger_seconds
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.flow.resume_reading()

    def close(self) -> None:
        """After the last answer of this connection."""
        if self.body is not None:
            self._hang_up()
            return
        self.hung_up = True
        self.deadline = monotonic() + self.limits.linger_seconds
        self.transport.close()

    def abort(self) -> None:
        if self.cycle is not None:
            self.cycle.abandon()
        self.transport.abort()

    def shutdown(self) -> None:
        """Take no request after the one at hand; event streams never end by themselves, so end them now."""
        if self.cycle is None or self.cycle.response_complete:
            return
        self.cycle.keep_alive = False
        if self.cycle.is_event_stream():
            self.transport.close()

    def close_if_idle(self) -> None:
        if self.hung_up or not self.busy:
            self.transport.close()

    def pause_writing(self) -> None:
        super().pause_writing()
        self.backlog = self.transport.get_write_buffer_size()
        self.deadline = monotonic() + self.limits.write_stall_seconds

    def resume_writing(self) -> None:
        super().resume_writing()
        if not self.hung_up:
            self._set_deadline()

    def _set_deadline(self) -> None:
        if self.body is not None:
            now = monotonic()
            whole = self.body_began + self.limits.body_seconds + self.body_received / self.limits.body_rate
            self.deadline = min(now + self.limits.body_stall_seconds, whole)
        elif self.busy:
            self.deadline = math.inf
        else:
            self.deadline = monotonic() + self.limits.idle_seconds

    def expire(self) -> None:
        """The deadline has passed: end the connection, or find that the delay is not the client's."""
        if self.hung_up:
            self.transport.abort()
        elif self.flow.write_paused:
            self._expire_writing()
        elif self.body is not None and self.flow.read_paused:
            self.body_began, self.body_received = monotonic(), 0
            self._set_deadline()
        elif self.body is not None:
            self.refuse(Rejected(408, "The request body came too slowly."))
        elif self.unread:
            self.refuse(Rejected(408, "The request head came too slowly."))
        else:
            self.close()

    def _expire_writing(self) -> None:
        left = self.transport.get_write_buffer_size()
        if left >= self.backlog:
            self.abort()
            return
        self.backlog = left
        self.deadline = monotonic() + self.limits.write_stall_seconds


def _answer(rejected: Rejected, hall: Hall) -> bytes:
    content = hall.wording(rejected.path, rejected.status, rejected.message)
    lines = [STATUS_LINE[rejected.status], *(b"%s: %s\r\n" % pair for pair in hall.default_headers)]
    if rejected.status == HTTPStatus.METHOD_NOT_ALLOWED:
        lines.append(b"allow: %s\r\n" % b", ".join(sorted(heads.METHODS)))
    lines.append(b"content-type: application/json\r\nx-content-type-options: nosniff\r\n")
    lines.append(b"content-length: %d\r\nconnection: close\r\n\r\n" % len(content))
    return b"".join(lines) + content
