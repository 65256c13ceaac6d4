"""Who calls: a token, a token as the password of a Basic login, or a browser that is signed in."""

import base64
import binascii
import hmac
from http.cookies import CookieError, SimpleCookie
from typing import Any

from trunkline.accounts import browsers, sessions, users
from trunkline.core.errors import Forbidden, NotFound
from trunkline.dialects import auth
from trunkline.dialects.calls import Call, Caller

WRONG_TOKEN = "Invalid token"  # noqa: S105
WRONG_LOGIN = "Invalid token or email"


class Token:
    """`Authorization: Token <key>`; whatever is wrong with it is told at once."""

    name = "token"
    security: dict[str, Any] = {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "`Token <your API token>`",
        "x-prefix": "Token ",
    }

    async def caller(self, call: Call, dialect: str) -> Caller | None:
        scheme, given = _header(call)
        if scheme != "token":
            return None
        if not given:
            raise Forbidden("Invalid token header. No credentials provided.")
        if given[1:]:
            raise Forbidden("Invalid token header. Token string should not contain spaces.")
        caller = await auth.of_key(call, given[0], dialect)
        if caller is None:
            raise Forbidden(WRONG_TOKEN)
        return caller


class Basic:
    """The user's email address with a token as the password."""

    name = "basic"
    security: dict[str, Any] = {"type": "http", "scheme": "basic"}

    async def caller(self, call: Call, dialect: str) -> Caller | None:
        scheme, given = _header(call)
        if scheme != "basic":
            return None
        if not given:
            raise Forbidden("Invalid basic header. No credentials provided.")
        if given[1:]:
            raise Forbidden("Invalid basic header. Credentials string should not contain spaces.")
        email, token = _decoded(given[0])
        caller = await auth.of_key(call, token, dialect)
        if caller is None or not await _is(call, caller, email):
            raise Forbidden(WRONG_LOGIN)
        return caller


class Browser:
    """The session of somebody who is signed in to the pages; what changes something needs the page's proof."""

    name = "browser"
    security: dict[str, Any] = {"type": "apiKey", "in": "cookie", "name": browsers.cookie_name(True)}

    async def caller(self, call: Call, dialect: str) -> Caller | None:
        token = _cookie(call)
        session = await sessions.find(call.database, token) if token else None
        if not token or session is None or session.kind != "browser":
            return None
        if call.method not in SAFE:
            _require_proof(call, token)
        membership = session.membership(session.account_id)
        return Caller(
            account=membership.account_id,
            actor=f"user:{session.user.id}",
            user_id=session.user.id,
            role=membership.role,
            scopes=auth.ALL_SCOPES,
            counted_as=f"user:{session.user.id}",
            rate="off",
            suspended=membership.suspended,
            account_uuid=membership.account_uuid,
        )


def _header(call: Call) -> tuple[str, list[str]]:
    """The scheme in lower case, and what stands behind it."""
    scheme, *given = (call.only(b"authorization") or "").split() or [""]
    return scheme.lower(), given


def _decoded(text: str) -> tuple[str, str]:
    try:
        email, colon, token = base64.b64decode(text, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise Forbidden("Invalid basic header. Credentials not correctly base64 encoded.") from None
    if not colon:
        raise Forbidden("Invalid basic header. Credentials not correctly base64 encoded.")
    return email, token


async def _is(call: Call, caller: Caller, email: str) -> bool:
    async with call.database.tx(caller.account, caller.actor) as tx:
        try:
            return (await users.by_email(tx, email)).id == caller.user_id
        except NotFound:
            return False


def _cookie(call: Call) -> str | None:
    text = call.header("cookie")
    if text is None:
        return None
    try:
        found = SimpleCookie(text).get(browsers.cookie_name(call.scope["scheme"] == "https"))
    except CookieError:
        return None
    return found.value if found else None


def _require_proof(call: Call, token: str) -> None:
    given = call.header("x-csrftoken")
    if given is None:
        raise Forbidden("CSRF Failed: CSRF token missing.")
    if not hmac.compare_digest(browsers.proof(token).encode(), given.encode("utf-8", "replace")):
        raise Forbidden("CSRF Failed: CSRF token incorrect.")


SAFE = ("GET", "HEAD", "OPTIONS")
