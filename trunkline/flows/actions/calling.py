"""HTTP calls of flows: what is sent, what is written down about it, and what expressions see of the answer."""

from collections.abc import Generator
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from trunkline.flows.events import WebhookCalled
from trunkline.flows.requests import Answer, HttpAnswer, HttpCall, Request
from trunkline.flows.sessions import Webhook
from trunkline.flows.step import Step

LONGEST_URL = 8192
LONGEST_TRACE = 10_000
LONGEST_SHOWN_URL = 2048
LARGEST_EXTRA = 10_000
GONE = 410


class Called(Struct):
    """`status` as in the event: success, response_error, connection_error, subscriber_gone."""

    method: str
    url: str
    status: str
    code: int
    headers: dict[str, str]
    json: Any
    json_bytes: int

    @property
    def webhook(self) -> Webhook:
        return Webhook(self.method, self.url, self.code, self.headers, self.json)


def call(
    step: Step, method: str, url: str, headers: dict[str, str], body: str, *, resthook: str = ""
) -> Generator[Request, Answer, Called | None]:
    """None, with an error, when no call was made."""
    if not is_url(url):
        step.error(f"This is not a URL that can be called: {url[:100]!r}", "url:invalid", url=url[:LONGEST_SHOWN_URL])
        return None
    request = _request_trace(method, url, headers, body)
    if len(request.encode()) > step.options.max_request_bytes:
        step.error("The request is too large.", "webhook:request_size", limit=step.options.max_request_bytes)
        return None
    limit = step.options.max_response_bytes
    answer: HttpAnswer = yield HttpCall(method, url, headers, body, limit, step.options.max_request_bytes)
    if answer.blocked:
        step.error("Calls to this address are not allowed.", "url:blocked", url=url[:LONGEST_SHOWN_URL])
        return None
    return _written_down(step, HttpCall(method, url, headers, body, limit), answer, request, resthook)


def is_url(url: str) -> bool:
    if not url or len(url) > LONGEST_URL or any(letter <= " " or letter == "\x7f" for letter in url):
        return False
    try:
        parts = urlsplit(url)
        return parts.scheme.lower() in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        return False


def save(step: Step, name: str, called: Called) -> None:
    """The result that older flows route by."""
    extra = called.json if called.json_bytes < LARGEST_EXTRA else None
    category = "Success" if called.status == "success" else "Failure"
    step.save(name, str(called.code), category, input=f"{called.method} {called.url}", extra=extra)


def _written_down(step: Step, call: HttpCall, answer: HttpAnswer, request: str, resthook: str) -> Called:
    oversized = answer.oversized or len(answer.body) > call.max_response
    if oversized:
        step.warn("The response is too large.", "webhook:response_size", limit=call.max_response)
    code = 0 if oversized else answer.status
    status = _status(code, resthook)
    body = answer.body.replace(b"\x00", b"") if code else b""
    response = answer.response if answer.response is not None else _response_trace(answer)
    step.log(
        WebhookCalled(
            url=call.url[:LONGEST_SHOWN_URL],
            status=status,
            status_code=code,
            request=(answer.request or request)[:LONGEST_TRACE],
            response=response[:LONGEST_TRACE] if code else "",
            elapsed_ms=answer.elapsed_ms,
            retries=answer.retries,
            resthook=resthook,
        )
    )
    headers = answer.headers if code else {}
    return Called(call.method, call.url, status, code, headers, _json(body), len(body))


def _status(code: int, resthook: str) -> str:
    if not code:
        return "connection_error"
    if 200 <= code < 300:
        return "success"
    return "subscriber_gone" if resthook and code == GONE else "response_error"


def _json(body: bytes) -> Any:
    """The body's JSON, or None for a body that is none."""
    try:
        return DECODER.decode(body.decode("utf-8", "replace")) if body else None
    except (msgspec.DecodeError, RecursionError, ArithmeticError):
        return None


def _request_trace(method: str, url: str, headers: dict[str, str], body: str) -> str:
    parts = urlsplit(url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    lines = [
        f"{method} {path} HTTP/1.1",
        f"Host: {parts.netloc}",
        *(f"{name}: {text}" for name, text in headers.items()),
    ]
    return "\r\n".join((*lines, "", body))


def _response_trace(answer: HttpAnswer) -> str:
    lines = [f"HTTP/1.1 {answer.status}", *(f"{name}: {text}" for name, text in answer.headers.items())]
    return "\r\n".join((*lines, "", answer.body[: LONGEST_TRACE * 4].decode("utf-8", "replace")))


DECODER = msgspec.json.Decoder(float_hook=Decimal)
