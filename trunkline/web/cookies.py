"""The session's cookie: bound to the host on https, plain where there is no https."""

from starlette.requests import Request
from starlette.responses import Response

from trunkline.accounts.sessions import ABSOLUTE


def token(request: Request) -> str:
    return request.cookies.get(_name(request), "")


def keep(request: Request, response: Response, token: str) -> None:
    """For as long as a session can last; the server forgets an idle one sooner."""
    _set(request, response, token, int(ABSOLUTE.total_seconds()))


def drop(request: Request, response: Response) -> None:
    _set(request, response, "", 0)


def _set(request: Request, response: Response, value: str, seconds: int) -> None:
    response.set_cookie(
        _name(request),
        value,
        max_age=seconds,
        path="/",
        secure=_is_secure(request),
        httponly=True,
        samesite="lax",
    )


def _name(request: Request) -> str:
    return "__Host-trunkline" if _is_secure(request) else "trunkline"


def _is_secure(request: Request) -> bool:
    return request.url.scheme == "https"
