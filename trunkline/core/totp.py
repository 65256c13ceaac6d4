"""One-time codes of authenticator apps (RFC 6238): six digits that hang on a secret and on the time."""

import base64
import hmac
import os
from datetime import datetime
from urllib.parse import quote, urlencode

SECONDS = 30
DIGITS = 6
DRIFT = 1
"""How many steps a phone's clock may be off."""


def new_secret() -> str:
    """160 random bits in base32, as apps take them."""
    return base64.b32encode(os.urandom(20)).decode()


def uri(secret: str, name: str, issuer: str) -> str:
    """What the picture holds that an app reads."""
    asked = urlencode({"secret": secret, "issuer": issuer}, quote_via=quote)
    return f"otpauth://totp/{quote(f'{issuer}:{name}')}?{asked}"


def code(secret: str, at: datetime) -> str:
    """The code that an app shows at a moment."""
    return _code(secret, _step(at))


def step_of(secret: str, typed: str, at: datetime) -> int | None:
    """The step to which a typed code belongs, if it is one of now; a step is good for one sign-in."""
    now = _step(at)
    for step in range(now - DRIFT, now + DRIFT + 1):
        if hmac.compare_digest(_code(secret, step).encode(), typed.encode("utf-8", "replace")):
            return step
    return None


def _step(at: datetime) -> int:
    return int(at.timestamp()) // SECONDS


def _code(secret: str, step: int) -> str:
    mac = hmac.digest(base64.b32decode(secret), step.to_bytes(8, "big"), "sha1")
    start = mac[-1] & 15
    number = int.from_bytes(mac[start : start + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**DIGITS:0{DIGITS}}"
