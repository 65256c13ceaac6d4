"""Digest authentication of SIP (RFC 3261 section 22, RFC 7616, RFC 8760): a challenge in, credentials out. Pure."""

import hashlib
import re
from collections.abc import Callable, Sequence

from msgspec import Struct


class Challenge(Struct, frozen=True):
    realm: str
    nonce: str
    algorithm: str
    opaque: str | None
    qop: str | None
    stale: bool


class Login(Struct, frozen=True):
    username: str
    password: str


def read(value: str) -> Challenge | None:
    """A challenge that can be met; None for other schemes, hashes and protections than those here."""
    scheme, _, rest = value.strip().partition(" ")
    if scheme.lower() != "digest":
        return None
    told = {name.lower(): quoted or plain for name, quoted, plain in PAIR.findall(rest)}
    told = {name: ESCAPED.sub(r"\1", text) for name, text in told.items()}
    algorithm = told.get("algorithm", "MD5").upper()
    offered = [one.strip().lower() for one in told["qop"].split(",")] if told.get("qop") else []
    if algorithm.removesuffix("-SESS") not in HASHES or (offered and "auth" not in offered) or "nonce" not in told:
        return None
    return Challenge(
        realm=told.get("realm", ""), nonce=told["nonce"], algorithm=algorithm, opaque=told.get("opaque"),
        qop="auth" if offered else None, stale=told.get("stale", "").lower() == "true",
    )  # fmt: skip


def strongest(values: Sequence[str]) -> Challenge | None:
    """Of several challenges the one with the best hash; of equals the first."""
    found = [challenge for value in values if (challenge := read(value))]
    return min(found, key=lambda one: STRENGTH.index(one.algorithm.removesuffix("-SESS")), default=None)


def credentials(challenge: Challenge, login: Login, method: str, uri: str, *, cnonce: str, count: int = 1) -> str:
    """The value of Authorization. `count` grows with each use of the nonce."""
    parts = {
        "username": _quote(login.username),
        "realm": _quote(challenge.realm),
        "nonce": _quote(challenge.nonce),
        "uri": _quote(uri),
        "response": _quote(response(challenge, login, method, uri, cnonce=cnonce, count=count)),
        "algorithm": challenge.algorithm.replace("-SESS", "-sess"),
    }
    if challenge.qop or challenge.algorithm.endswith("-SESS"):
        parts |= {"cnonce": _quote(cnonce)}
    if challenge.qop:
        parts |= {"qop": challenge.qop, "nc": f"{count:08x}"}
    if challenge.opaque is not None:
        parts |= {"opaque": _quote(challenge.opaque)}
    return "Digest " + ", ".join(f"{name}={value}" for name, value in parts.items())


def response(challenge: Challenge, login: Login, method: str, uri: str, *, cnonce: str, count: int) -> str:
    hashed = HASHES[challenge.algorithm.removesuffix("-SESS")]
    secret = hashed(f"{login.username}:{challenge.realm}:{login.password}")
    if challenge.algorithm.endswith("-SESS"):
        secret = hashed(f"{secret}:{challenge.nonce}:{cnonce}")
    request = hashed(f"{method}:{uri}")
    if challenge.qop is None:
        return hashed(f"{secret}:{challenge.nonce}:{request}")
    return hashed(f"{secret}:{challenge.nonce}:{count:08x}:{cnonce}:{challenge.qop}:{request}")


def _quote(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


HASHES: dict[str, Callable[[str], str]] = {"MD5": _md5, "SHA-256": _sha256}
STRENGTH = ("SHA-256", "MD5")
PAIR = re.compile(r'([A-Za-z0-9_-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))')
ESCAPED = re.compile(r"\\(.)")
