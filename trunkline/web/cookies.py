"""The session's cookie: bound to the host on https, plain where there is no https."""

from starlette.requests import Request
from starlette.responses import Response

from trunkline.accounts import browsers
from trunkline.accounts.sessions import ABSOLUTE


def token(request: Request) -> str:
    return request.cookies.get(_name(request), "")


def keep(request: Request, response: Response, token: str) -> None:
    """For as long as a session can last; the server forgets an idle one sooner."""
    put(request, response, _name(request), token, int(ABSOLUTE.total_seconds()))


def drop(request: Request, response: Response) -> None:
    put(request, response, _name(request), "", 0)


def put(request: Request, response: Response, name: str, value: str, seconds: int) -> None:
    """A cookie that scripts do not see and other sites do not send; zero seconds remove it."""
    response.set_cookie(
        name,
        value,
        max_age=seconds,
        path="/",
        secure=_is_secure(request),
        httponly=True,
        samesite="lax",
    )


def _name(request: Request) -> str:
    return browsers.cookie_name(_is_secure(request))


def _is_secure(request: Request) -> bool:
    return request.url.scheme == "https"
