"""Secrets: sealed settings, signed tokens, API keys, webhook signatures, passwords."""

import asyncio
import base64
import binascii
import hashlib
import hmac
import os
import re
import struct
import unicodedata
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from trunkline.core import clock, ids

T = TypeVar("T")

LEAST_SECRET = 16
"""Bytes of the installation's secret."""


class BadSeal(ValueError):
    """A ciphertext that is broken, belongs elsewhere, or was made with a secret we no longer have."""


class Vault:
    """All that hangs on the installation's secret. With several, the first seals and signs, all open."""

    def __init__(self, *secrets: bytes) -> None:
        if not secrets or min(map(len, secrets)) < LEAST_SECRET:
            raise ValueError(f"The installation secret must have at least {LEAST_SECRET} bytes.")
        self._secrets = secrets
        self._sealers = [(_derive(secret, "key id", 1), AESGCM(_derive(secret, "seal"))) for secret in secrets]

    @property
    def fingerprint(self) -> str:
        """Which secret this is, without saying anything about it."""
        return _derive(self._secrets[0], "fingerprint", 16).hex()

    def seal(self, plain: str | bytes, *, aad: str) -> bytes:
        """Encrypt; `aad` says whose it is (`"channel:17"`), and it opens only under the same `aad`.

        Layout: one byte of key id, twelve of nonce, the ciphertext with its tag (AES-256-GCM).
        """
        key_id, sealer = self._sealers[0]
        nonce = os.urandom(12)
        return key_id + nonce + sealer.encrypt(nonce, _bytes(plain), aad.encode())

    def open(self, sealed: bytes, *, aad: str) -> bytes:
        for key_id, sealer in self._sealers:
            if sealed[:1] == key_id:
                try:
                    return sealer.decrypt(sealed[1:13], sealed[13:], aad.encode())
                except (InvalidTag, ValueError):
                    continue
        raise BadSeal("A stored secret cannot be opened with this installation's TRUNKLINE_SECRET.")

    def is_stale(self, sealed: bytes) -> bool:
        """Whether it was sealed with a retired secret and should be sealed anew."""
        return sealed[:1] != self._sealers[0][0]

    def sign(self, purpose: str, payload: str | bytes, *, seconds: int | None = None) -> str:
        """A URL-safe token that carries `payload` readably, good for `purpose` alone and for `seconds`."""
        expires = int(clock.now().timestamp()) + seconds if seconds is not None else 0
        body = struct.pack(">I", expires) + _bytes(payload)
        return _encode(_mac(self._secrets[0], purpose, body)[:16] + body)

    def verify(self, purpose: str, token: str) -> bytes | None:
        """The payload, or none if the token is forged, expired or meant for something else."""
        raw = _decode(token)
        if raw is None or len(raw) < 20:
            return None
        mac, body = raw[:16], raw[16:]
        if not any(hmac.compare_digest(_mac(secret, purpose, body)[:16], mac) for secret in self._secrets):
            return None
        (expires,) = struct.unpack(">I", body[:4])
        return None if expires and clock.now().timestamp() >= expires else body[4:]

    def mac(self, purpose: str, payload: bytes) -> bytes:
        """The first of `macs`, which is the one to write."""
        return _mac(self._secrets[0], purpose, payload)

    def macs(self, purpose: str, payload: bytes) -> list[bytes]:
        """32 bytes that only this installation can make of `payload`: one MAC for each secret, the first one counts."""
        return [_mac(secret, purpose, payload) for secret in self._secrets]

    def hmac16(self, purpose: str, text: str) -> str:
        """Sixteen hex digits for places that fold case and count letters, like a mail address."""
        return _mac(self._secrets[0], purpose, text.encode()).hex()[:16]

    def is_hmac16(self, purpose: str, text: str, tag: str) -> bool:
        tags = (_mac(secret, purpose, text.encode()).hex()[:16] for secret in self._secrets)
        return any(hmac.compare_digest(own.encode(), tag.lower().encode()) for own in tags)


def new_key(dialect: str) -> tuple[str, bytes]:
    """A fresh API key, to be shown once, and the digest to store."""
    body = f"trk_{dialect}_{ids.token(32)}"
    key = body + _checksum(body)
    return key, digest(key)


def key_dialect(key: str) -> str | None:
    """The dialect of a well-formed key; none for anything else, so garbage never reaches the database."""
    match = KEY.fullmatch(key)
    return match["dialect"] if match and _checksum(key[:-6]) == key[-6:] else None


def may_be_key(text: str) -> bool:
    """Whether it is worth a look into the database: our own form, or that of a token from elsewhere."""
    return key_dialect(text) is not None or is_token(text)


def is_token(text: str) -> bool:
    """A token that another server made, like 40 hexadecimal digits."""
    return TOKEN.fullmatch(text) is not None


def digest(key: str) -> bytes:
    """What is stored of a key. It is random enough that a slow hash would add nothing."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()


def new_webhook_secret() -> str:
    """A Standard Webhooks secret."""
    return "whsec_" + base64.b64encode(os.urandom(32)).decode()


def sign_webhook(secrets: Sequence[str], id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The three Standard Webhooks headers; two secrets give two signatures while one replaces the other."""
    signed = f"{id}.{timestamp}.".encode() + body
    marks = [base64.b64encode(_marked(_webhook_hmac(secret), signed)).decode() for secret in secrets]
    return {
        "webhook-id": id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": "v1," + " v1,".join(marks),
    }


@lru_cache(1024)
def _webhook_hmac(secret: str) -> hmac.HMAC:
    return hmac.new(base64.b64decode(secret.removeprefix("whsec_")), digestmod="sha256")


async def hash_password(password: str) -> str:
    return await _off_loop(_hash, password)


async def verify_password(stored: str | None, password: str) -> bool:
    """Whether the password fits. Give none for an unknown user: it costs the same time as a known one."""
    fits = await _off_loop(_verify, stored or DUMMY_HASH, password)
    return fits and stored is not None


def is_outdated(stored: str) -> bool:
    """Whether the hash was made with weaker parameters and should be replaced at the next login."""
    return HASHER.check_needs_rehash(stored)


@lru_cache(maxsize=512)
def _derive(secret: bytes, purpose: str, length: int = 32) -> bytes:
    return HKDF(SHA256(), length, salt=b"trunkline", info=purpose.encode()).derive(secret)


def _mac(secret: bytes, purpose: str, body: bytes) -> bytes:
    return _marked(_purpose_hmac(secret, purpose), body)


@lru_cache(maxsize=512)
def _purpose_hmac(secret: bytes, purpose: str) -> hmac.HMAC:
    """Purposes are told apart by their length prefix, so that none can run over into the text."""
    label = purpose.encode()
    return hmac.new(_derive(secret, "sign"), struct.pack(">H", len(label)) + label, "sha256")


def _marked(begun: hmac.HMAC, rest: bytes) -> bytes:
    """A copy goes on from where the key, and what always comes first, were taken in."""
    mark = begun.copy()
    mark.update(rest)
    return mark.digest()


def _bytes(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decode(token: str) -> bytes | None:
    """Strict: each token has one spelling."""
    try:
        raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except (binascii.Error, ValueError):
        return None
    return raw if _encode(raw) == token else None


def _checksum(body: str) -> str:
    number, digits = zlib.crc32(body.encode()), ""
    for _ in range(6):
        number, digit = divmod(number, 62)
        digits = ids.BASE62[digit] + digits
    return digits


async def _off_loop(work: Callable[..., T], *arguments: str) -> T:
    return await asyncio.get_running_loop().run_in_executor(THREADS, work, *arguments)


def _hash(password: str) -> str:
    return HASHER.hash(unicodedata.normalize("NFKC", password))


def _verify(stored: str, password: str) -> bool:
    try:
        return HASHER.verify(stored, unicodedata.normalize("NFKC", password))
    except (VerificationError, InvalidHashError):
        return False


TOKEN = re.compile(r"[0-9A-Za-z]{40,64}", re.ASCII)
KEY = re.compile(r"trk_(?P<dialect>[a-z]{2,20})_[0-9A-Za-z]{38}", re.ASCII)

# OWASP's second recommendation: 19 MiB, two passes, one lane. Two threads keep a login storm at 38 MiB.
HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
THREADS = ThreadPoolExecutor(max_workers=2, thread_name_prefix="argon2")
DUMMY_HASH = "$argon2id$v=19$m=19456,t=2,p=1$72+lnFaYVQc1Z5+74uurFg$MlDQCv59S39oAFXBDGFhWHznapU2J+lK/G+zTSq3/20"
