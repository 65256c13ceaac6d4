"""Browsers on other sites and the APIs that chat windows use: who may read which answer.

The operation itself knows whose page may read its answer, and says so in the request's state; a preflight asks about a
path alone, so it opens nothing but the question.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from trunkline.messaging.chat.windows import READER

PATHS = ("/v1/", "/api/connector/v1/")
NAMES = ("chat-widget", "incoming-chat-widget-message", "incoming_chat_widget_message")
ALLOWED = [
    (b"access-control-allow-methods", b"GET, POST"),
    (b"access-control-allow-headers", b"Authorization, Content-Type"),
    (b"access-control-max-age", b"600"),
    (b"vary", b"Origin"),
]

App = Callable[[Any, Any, Any], Awaitable[None]]


async def pass_on(app: App, scope: Any, receive: Any, send: Any) -> None:
    """Serve a request of the window's API so that the pages of its sites can read the answer."""
    origin = dict(scope["headers"]).get(b"origin")
    if origin is None or not _is_ours(scope["path"]):
        await app(scope, receive, send)
        return
    if scope["method"] == "OPTIONS":
        headers = [(b"access-control-allow-origin", origin), *ALLOWED]
        await send({"type": "http.response.start", "status": 204, "headers": headers})
        await send({"type": "http.response.body", "body": b""})
        return
    state: dict[str, Any] = scope.setdefault("state", {})

    async def tell(message: Any) -> None:
        if message["type"] == "http.response.start":
            reader = state.get(READER)
            allowed = [(b"access-control-allow-origin", reader.encode("latin-1"))] if reader else []
            headers = [*message["headers"], *allowed, (b"vary", b"Origin")]
            message = {**message, "headers": headers}
        await send(message)

    await app(scope, receive, tell)


def _is_ours(path: str) -> bool:
    for prefix in PATHS:
        if path.startswith(prefix):
            return path[len(prefix) :].startswith(NAMES)
    return False
