"""Plain HTTP at dialects whose keys stand in the URL or travel bare: who may use it."""

import contextlib
from functools import lru_cache
from ipaddress import ip_address

from trunkline.accounts import audit
from trunkline.core.errors import Forbidden, TrunklineError
from trunkline.core.limits import Bucket
from trunkline.dialects import auth
from trunkline.dialects.base import Dialect
from trunkline.dialects.calls import Call

EXPOSED = Bucket("exposed", 1, per_seconds=3600)


async def refuse(dialect: Dialect, call: Call) -> None:
    """Before anything else: the answer over plain HTTP is the same whoever asks for whatever."""
    if dialect.https and not allows(call):
        with contextlib.suppress(TrunklineError):
            await _note(dialect, call)
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


async def _note(dialect: Dialect, call: Call) -> None:
    """Others may have read a key that came bare: the audit log of its account says so, once an hour."""
    caller = await auth.authenticate(call, dialect.auth, dialect.name)
    if caller is None or not call.site.limiter.hit(("exposed", caller.counted_as), EXPOSED).allowed:
        return
    async with call.database.tx(caller.account, caller.actor) as tx:
        await audit.record(tx, "key.exposed", f"key:{caller.key_id}", ip=call.ip or None)


@lru_cache(maxsize=1024)
def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


FORWARDED = (b"x-forwarded-for", b"x-forwarded-proto", b"forwarded")
