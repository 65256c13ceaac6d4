"""One request and its answer, as the app sees them."""

import asyncio
import logging
from typing import Any

from trunkline.server.engine import ASGI3Application, RequestResponseCycle
from trunkline.server.heads import Head
from trunkline.server.limits import Rejected

logger = logging.getLogger("uvicorn.error")


class Exchange(RequestResponseCycle):
    """uvicorn's cycle; the `connection` stands in for the transport, to close with care."""

    def __init__(self, connection: Any, head: Head, *, keep_alive: bool) -> None:
        super().__init__(
            scope=_scope(connection, head),
            transport=connection,
            flow=connection.flow,
            logger=logger,
            access_logger=logger,
            access_log=False,
            default_headers=connection.hall.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=head.expects_continue,
            keep_alive=keep_alive,
            on_response=connection.on_response_complete,
        )
        self.connection = connection
        self.begun = False
        self.ends_with_connection = False
        self.headers: list[tuple[bytes, bytes]] = []

    async def run_asgi(self, app: ASGI3Application) -> None:
        try:
            await app(self.scope, self.receive, self.send)
        finally:
            self.on_response = _nothing
            if not (self.response_complete or self.disconnected):
                # Half an answer must not look whole: refuse() cuts it, or speaks if nothing was said.
                self.connection.refuse(Rejected(500, "Server Error"))

    async def send(self, message: Any) -> None:
        if not self.response_started:
            self._prepare(message)
        elif self.ends_with_connection:
            self.expected_content_length = len(message.get("body", b""))
        await super().send(message)

    def _prepare(self, message: Any) -> None:
        self.headers = list(message.get("headers", ()))
        if self.more_body:
            # An early answer: what follows is the rest of this body, never a request.
            self.keep_alive = False
        if self.scope["http_version"] == "1.0" and not any(name == b"content-length" for name, _ in self.headers):
            # HTTP/1.0 knows no chunks.
            self.chunked_encoding, self.ends_with_connection = False, True

    def is_event_stream(self) -> bool:
        return any(name == b"content-type" and value.startswith(b"text/event-stream") for name, value in self.headers)

    def abandon(self) -> None:
        """The client is gone: the app's next receive says so, and what it sends goes nowhere."""
        self.disconnected = True
        self.message_event.set()


def _nothing() -> None:
    pass


def _scope(connection: Any, head: Head) -> Any:
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": head.version,
        "server": connection.server,
        "client": connection.client,
        "scheme": connection.scheme,
        "root_path": "",
        "headers": head.headers,
        "state": connection.app_state.copy(),
        "method": head.method,
        "path": head.path,
        "raw_path": head.raw_path,
        "query_string": head.query,
    }
