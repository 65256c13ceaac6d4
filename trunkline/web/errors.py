"""When something is wrong: a page for a browser, a small JSON answer for everything else."""

from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from trunkline.core.errors import (
    Conflict,
    Forbidden,
    Invalid,
    LimitReached,
    Malformed,
    NotFound,
    TrunklineError,
    Unauthenticated,
    Unavailable,
)
from trunkline.web import preferences, rendering

STATUSES: dict[type[TrunklineError], int] = {
    Malformed: 400,
    Unauthenticated: 401,
    Forbidden: 403,
    NotFound: 404,
    Conflict: 409,
    Invalid: 422,
    LimitReached: 429,
    Unavailable: 503,
}

# Status, what the page is called, what it says.
TITLES = {
    400: ("bad_request", "That request cannot be read", "Go back and try again."),
    401: ("unauthenticated", "You are signed out", "Sign in and try again."),
    403: ("forbidden", "Not allowed", "You may not do this."),
    404: ("not_found", "Nothing here", "There is no page at this address."),
    405: ("method_not_allowed", "Not like this", "This address does not take that kind of request."),
    429: ("rate_limited", "Too many requests", "Wait a little, then try again."),
    500: ("server_error", "Something broke", "It is our fault, and it was written to the log."),
    503: ("unavailable", "Back in a moment", "The database cannot be reached right now. Try again in a few seconds."),
}


def pages() -> dict[Any, Any]:
    return {HTTPException: _stopped, TrunklineError: _refused, Exception: _broken}


async def _stopped(request: Request, error: HTTPException) -> Response:
    code, _, message = TITLES.get(error.status_code, ("error", "", error.detail))
    return _answer(request, error.status_code, code, message, error.headers or {})


async def _refused(request: Request, error: TrunklineError) -> Response:
    status = next((STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES), 422)
    headers = {}
    if isinstance(error, LimitReached | Unavailable):
        headers["Retry-After"] = str(error.retry_after)
    fields = error.fields if isinstance(error, Invalid) else {}
    return _answer(request, status, error.code, error.message, headers, fields)


async def _broken(request: Request, error: Exception) -> Response:
    """Starlette raises the error again after this answer, so that it is logged."""
    code, _, message = TITLES[500]
    return _answer(request, 500, code, message, {})


def _answer(
    request: Request,
    status: int,
    code: str,
    message: str,
    headers: Mapping[str, str],
    fields: Mapping[str, list[str]] | None = None,
) -> Response:
    if "text/html" not in request.headers.get("accept", ""):
        told: dict[str, Any] = {"message": message, "code": code}
        body = msgspec.json.encode(told | ({"errors": fields} if fields else {}))
        return Response(body, status, {"Cache-Control": "no-store", **headers}, "application/json")
    title = TITLES[status][1] if status in TITLES else "That did not work"
    reference = request.scope.get("state", {}).get("request_id", "")
    shown = {"status": status, "title": title, "message": message, "reference": reference}
    return rendering.page("error.html", status, headers, preferences=preferences.of(request), **shown)
