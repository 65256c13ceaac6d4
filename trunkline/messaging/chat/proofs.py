"""Proofs: how a site's server vouches for its user. Without one a visitor is nobody in particular."""

import base64
import binascii
import hmac
import math
from typing import Any

import msgspec
from msgspec import Struct

from trunkline.core import clock, mailaddr
from trunkline.core.errors import Invalid

LEEWAY_SECONDS = 60
LONGEST = 255
LONGEST_TOKEN = 8192


class Person(Struct, frozen=True):
    """Whom the site vouched for. `email` is there only where the proof covers it, so it may lead to a contact."""

    user_id: str
    email: str | None = None
    name: str | None = None


def of_hash(secret: str, user_id: str, given: str) -> Person:
    """`given` is the hex HMAC-SHA256 of the user's id, made with the window's secret. Raises `Invalid`."""
    expected = hmac.digest(secret.encode(), user_id.encode("utf-8", "surrogatepass"), "sha256").hex()
    if not hmac.compare_digest(expected.encode(), given.lower().encode("utf-8", "surrogatepass")):
        raise _refused("user_hash", "The hash does not belong to this user id.")
    return Person(_user_id(user_id))


def of_jwt(secret: str, token: str) -> Person:
    """A JSON Web Token (RFC 7519) signed with HS256 and nothing else; `sub` and `exp` must be there.

    Raises `Invalid`.
    """
    head, _, rest = token.partition(".")
    body, _, mark = rest.partition(".")
    if len(token) > LONGEST_TOKEN or _json(head).get("alg") != "HS256":
        raise _refused("jwt", "The token must be a JSON Web Token signed with HS256.")
    expected = hmac.digest(secret.encode(), f"{head}.{body}".encode(), "sha256")
    if not hmac.compare_digest(expected, _bytes(mark)):
        raise _refused("jwt", "The signature does not belong to this token.")
    claims = _json(body)
    now, expires, since = clock.now().timestamp(), _moment(claims, "exp", -math.inf), _moment(claims, "nbf", 0.0)
    if not since - LEEWAY_SECONDS <= now < expires + LEEWAY_SECONDS:
        raise _refused("jwt", "The token has expired, is not valid yet, or does not say until when it is.")
    subject, name = claims.get("sub"), claims.get("name")
    if not isinstance(subject, str | int) or isinstance(subject, bool):
        raise _refused("jwt", "The token does not say who the user is (sub).")
    return Person(_user_id(str(subject)), _email(claims), name[:LONGEST] if isinstance(name, str) else None)


def _user_id(text: str) -> str:
    if not text.strip() or len(text) > LONGEST or "\0" in text or not text.isprintable():
        raise _refused("user_id", f"The user id has 1 to {LONGEST} printable characters.")
    return text


def _email(claims: dict[str, Any]) -> str | None:
    """The address, unless the site itself says that nobody has looked whether it is the user's."""
    email = claims.get("email")
    if not isinstance(email, str) or claims.get("email_verified") is False:
        return None
    try:
        return mailaddr.parse(email)
    except mailaddr.BadEmail:
        return None


def _json(part: str) -> dict[str, Any]:
    try:
        decoded = msgspec.json.decode(_bytes(part))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        decoded = None
    if not isinstance(decoded, dict):
        raise _refused("jwt", "The token cannot be read.")
    return decoded


def _bytes(part: str) -> bytes:
    try:
        return base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise _refused("jwt", "The token cannot be read.") from None


def _moment(claims: dict[str, Any], name: str, missing: float) -> float:
    """A claim in seconds; what is no number is never good."""
    value = claims.get(name, missing)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.nan


def _refused(field: str, problem: str) -> Invalid:
    return Invalid({field: [problem]}, code="identity_refused")
