"""Forged requests: what changes something must come from a page of ours, in the same session.

Two proofs are asked for: a token that only our own pages know, and the browser's word on where the request began.
"""

import hmac
from urllib.parse import urlsplit

from starlette.requests import Request

from trunkline.accounts import browsers
from trunkline.core.errors import Forbidden

FIELD = "csrf"


def token(session_token: str) -> str:
    return browsers.proof(session_token)


def check(request: Request, session_token: str, given: str, *, public_url: str = "") -> None:
    """Raise `Forbidden` unless the request is a form of ours in this session. `given` is its token."""
    if not hmac.compare_digest(token(session_token).encode(), given.encode("utf-8", "replace")):
        raise _forged()
    if not _is_said(request) or _is_foreign(request, public_url):
        raise _forged()


def refuse_foreign(request: Request, *, public_url: str = "") -> None:
    """For requests without a session: raise `Forbidden` when the browser says that another site began it."""
    if _is_foreign(request, public_url):
        raise _forged()


def _is_said(request: Request) -> bool:
    return "sec-fetch-site" in request.headers or "origin" in request.headers


def _is_foreign(request: Request, public_url: str) -> bool:
    """Browsers say Sec-Fetch-Site on https and localhost only; elsewhere there is the origin."""
    if site := request.headers.get("sec-fetch-site"):
        return site not in ("same-origin", "none")
    origin = request.headers.get("origin")
    if origin is None:
        return False
    # Schemes are not compared: behind a proxy that ends TLS ours is not the browser's.
    return _authority(origin) not in (request.headers.get("host", "").lower(), _authority(public_url) or None)


def _authority(url: str) -> str:
    try:
        return urlsplit(url).netloc.lower()
    except ValueError:
        return ""


def _forged() -> Forbidden:
    return Forbidden("This form is out of date. Go back, reload the page and try again.", code="csrf")
