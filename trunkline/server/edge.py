"""The outermost layer of the app: request ids, safe headers, the last catch, one log line a request."""

from typing import Any

import structlog
from starlette.requests import ClientDisconnect

from trunkline.core.clock import monotonic
from trunkline.core.ids import new_uuid

CLIENT_GONE = 499  # never sent; what the log says when nobody was left to answer
FAILURE = b'{"message":"Server Error"}'
SAFE = [(b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer")]
SAFE_ON_HTTPS = [*SAFE, (b"strict-transport-security", b"max-age=31536000")]

access = structlog.get_logger("access")
errors = structlog.get_logger("errors")


class Edge:
    """Wraps the app. The request id is in the answer, the log lines and `scope["state"]["request_id"]`."""

    def __init__(self, app: Any, *, access_log: bool = True) -> None:
        self.app = app
        self.access_log = access_log

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = monotonic()
        answer = Answer(scope, send)
        try:
            await self.app(scope, receive, answer.send)
        except ClientDisconnect:
            pass
        except Exception:
            errors.exception("request failed", **answer.origin())
            await answer.fail()
        finally:
            if self.access_log:
                ms = round((monotonic() - began) * 1000, 1)
                access.info("request", **answer.origin(), status=answer.status, ms=ms)


class Answer:
    """Passes the app's answer on, with our headers."""

    def __init__(self, scope: Any, send: Any) -> None:
        self.scope = scope
        self.pass_on = send
        self.status = CLIENT_GONE
        self.id = new_uuid().hex
        scope.setdefault("state", {})["request_id"] = self.id
        structlog.contextvars.bind_contextvars(request_id=self.id)

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message = {**message, "headers": self._headers(message.get("headers", ()))}
        await self.pass_on(message)

    def _headers(self, headers: Any) -> list[tuple[bytes, bytes]]:
        chosen = {name for name, _ in headers}
        safe = SAFE_ON_HTTPS if self.scope["scheme"] == "https" else SAFE
        return [
            *headers,
            *(pair for pair in safe if pair[0] not in chosen),
            (b"x-request-id", self.id.encode()),
        ]

    async def fail(self) -> None:
        if self.status != CLIENT_GONE:
            return  # too late for another answer; the server cuts the connection
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(FAILURE))]
        await self.send({"type": "http.response.start", "status": 500, "headers": headers})
        await self.send({"type": "http.response.body", "body": FAILURE})

    def origin(self) -> dict[str, str]:
        """What the log says of the request: the path as sent, and never the query, which may hold keys."""
        path = self.scope.get("raw_path") or self.scope["path"].encode()
        return {
            "method": self.scope["method"],
            "path": path.decode("ascii", "backslashreplace"),
            "request_id": self.id,
        }
