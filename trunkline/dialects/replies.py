"""From what an endpoint returned, or a refusal, to status, headers and bytes."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import msgspec
from msgspec import Struct

from trunkline.core.errors import LimitReached, TrunklineError, Unauthenticated, Unavailable
from trunkline.core.limits import Verdict
from trunkline.dialects.answers import Answer, Paged, Stream
from trunkline.dialects.base import STATUS, Dialect
from trunkline.dialects.calls import Call
from trunkline.dialects.operations import Operation
from trunkline.dialects.refusals import MethodNotAllowed

Header = tuple[bytes, bytes]


class Reply(Struct):
    """A whole answer. `headers` are those of its own; what every answer carries is added when it is sent."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    media_type: bytes = b"application/json"


class Written(Struct, frozen=True):
    """A refusal's body that is no JSON."""

    text: str
    media_type: str = "text/plain; charset=utf-8"


encode = msgspec.json.Encoder().encode


def succeed(call: Call, dialect: Dialect, operation: Operation, result: Any) -> Reply:
    status: int | None = None
    headers = NONE
    if type(result) is Answer:
        status, headers, result = result.status, result.headers, result.body
    if type(result) is Paged:
        assert dialect.page is not None, f"{dialect.name} has no kind of paging"
        result, more = dialect.page.envelope(call, result)
        headers = {**more, **headers}
    if result is None:
        return Reply(status or EMPTY.get(operation.rules.status, operation.rules.status), b"", headers)
    return Reply(status or operation.rules.status, encode(result), headers)


def refuse(dialect: Dialect, error: TrunklineError) -> Reply:
    status, body, headers = dialect.errors(error)
    headers = {**_own_headers(dialect, error), **headers}
    if isinstance(body, Written):
        return Reply(status, body.text.encode(), headers, body.media_type.encode())
    return Reply(status, encode(body), headers)


def refuse_on_shared_path() -> Reply:
    """Nobody knows whose shape the caller expects, so this refusal has both."""
    body = {"message": "Unauthenticated.", "error": "Unauthorized"}
    return Reply(STATUS[Unauthenticated], encode(body), CHALLENGE)


def head(call: Call, status: int, media_type: bytes | None, headers: Mapping[str, str]) -> list[Header]:
    """The headers of an answer, in bytes."""
    lines: list[Header] = [] if "Cache-Control" in headers else [NO_STORE]
    if media_type is not None:
        lines.append((b"content-type", media_type))
    if call.least is not None:
        _tell_rates(call.least, status, lines)
    if "state" not in call.scope or "request_id" not in call.scope["state"]:
        lines.append((b"x-request-id", call.request_id.encode()))  # else the server adds it
    for name, value in headers.items():
        lines.append((name.lower().encode("latin-1"), value.encode("latin-1")))
    return lines


def disposition(stream: Stream) -> Mapping[str, str]:
    if stream.filename is None:
        return NONE
    plain = stream.filename.encode("ascii", "replace").decode().replace('"', "'")
    full = f"; filename*=UTF-8''{quote(stream.filename)}" if plain != stream.filename else ""
    return {"Content-Disposition": f'attachment; filename="{plain}"{full}'}


def _own_headers(dialect: Dialect, error: TrunklineError) -> Mapping[str, str]:
    if isinstance(error, (LimitReached, Unavailable)):
        return {"Retry-After": str(error.retry_after)}
    if isinstance(error, MethodNotAllowed):
        return {"Allow": error.allow}
    return _challenge(dialect) if isinstance(error, Unauthenticated) else NONE


def _challenge(dialect: Dialect) -> Mapping[str, str]:
    """Every 401 names a way in, and only one that is open here."""
    takes_bearers = any(credential.security.get("scheme") == "bearer" for credential in dialect.auth)
    return CHALLENGE if takes_bearers else KEY_CHALLENGE


def _tell_rates(least: Verdict, status: int, lines: list[Header]) -> None:
    lines.append((b"x-ratelimit-limit", b"%d" % least.limit))
    lines.append((b"x-ratelimit-remaining", b"%d" % max(0, least.remaining)))
    if status == TOO_MANY:
        lines.append((b"x-ratelimit-reset", b"%d" % least.reset_unix))


NONE: Mapping[str, str] = {}
CHALLENGE: Mapping[str, str] = {"WWW-Authenticate": "Bearer"}
KEY_CHALLENGE: Mapping[str, str] = {"WWW-Authenticate": "ApiKey"}
EMPTY = {200: 204, 201: 204}  # an answer without a body says so
TOO_MANY = 429
NO_STORE = (b"cache-control", b"no-store")
