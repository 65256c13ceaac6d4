"""What a browser carries: the cookie of its session, and the proof that a request is ours."""

import hashlib
import hmac


def cookie_name(secure: bool) -> str:
    """On https the cookie is bound to the host."""
    return "__Host-trunkline" if secure else "trunkline"


def proof(session_token: str) -> str:
    """Hangs on the session, which is secret and random: nothing has to be stored, and it ends with the session."""
    return hmac.digest(session_token.encode(), b"trunkline csrf", hashlib.sha256).hex()
