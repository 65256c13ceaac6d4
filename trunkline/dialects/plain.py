"""Plain HTTP at dialects whose keys stand in the URL or travel bare: who may use it."""

from functools import lru_cache
from ipaddress import ip_address

from trunkline.core.errors import Forbidden
from trunkline.dialects.base import Dialect
from trunkline.dialects.calls import Call


def refuse(dialect: Dialect, call: Call) -> None:
    """Before anything else: the answer over plain HTTP is the same whoever asks for whatever."""
    if dialect.https and not allows(call):
        raise Forbidden("Use a secure connection (HTTPS).", code="https_required")


def allows(call: Call) -> bool:
    """Whether this request came safely, or may come as it did.

    The scheme is that of our own socket, or what a trusted proxy says of its own. By itself plain HTTP is fine only
    within one machine; a forwarded request that no trusted proxy vouches for came from elsewhere.
    """
    if call.scope["scheme"] == "https":
        return True
    wish = call.database.tools.settings.insecure_http
    if wish != "auto":
        return wish == "allow"
    if any(name in call.headers for name in FORWARDED):
        return False
    server = call.scope.get("server")
    return _is_loopback(call.ip) and server is not None and _is_loopback(server[0])


@lru_cache(maxsize=1024)
def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


FORWARDED = (b"x-forwarded-for", b"x-forwarded-proto", b"forwarded")
