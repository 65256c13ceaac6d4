"""Idempotency-Key: the same request twice has one effect and one answer."""

import hashlib

import msgspec

from trunkline.core import idempotency
from trunkline.core.db import Tx
from trunkline.core.errors import Malformed
from trunkline.core.idempotency import Stored
from trunkline.dialects.calls import Call
from trunkline.dialects.replies import Reply
from trunkline.dialects.uploads import Form


def key_of(call: Call) -> str | None:
    key = call.only(b"idempotency-key")
    if key is not None and not (1 <= len(key) <= 255 and key.isascii() and key.isprintable()):
        raise Malformed("Idempotency-Key must have 1 to 255 printable ASCII characters.")
    return key


class Repeat:
    """A request with an Idempotency-Key: the first answer is kept with its effect and given again."""

    def __init__(self, call: Call, dialect: str, key: str, form: Form | None, raw: bytes) -> None:
        route = f"{dialect} {call.method} {call.path}"
        self.route = route if len(route) <= 255 else hashlib.sha256(route.encode()).hexdigest()
        self.key = key
        self.asked = _fingerprint(call.scope["query_string"], form, raw)

    async def claim(self, tx: Tx) -> Reply | None:
        stored = await idempotency.claim(tx, self.route, self.key, self.asked)
        if stored is None:
            return None
        return Reply(stored.status, stored.body, {**stored.headers, "Idempotent-Replayed": "true"})

    async def reserve(self, tx: Tx) -> None:
        await idempotency.reserve(tx, self.route, self.key, self.asked)

    async def release(self, tx: Tx) -> None:
        await idempotency.release(tx, self.route, self.key)

    async def keep(self, tx: Tx, reply: Reply) -> None:
        stored = Stored(self.asked, reply.status, dict(reply.headers), reply.body)
        await idempotency.keep(tx, self.route, self.key, stored)


def _fingerprint(query: bytes, form: Form | None, raw: bytes) -> bytes:
    """Equal for requests that ask the same, however their JSON is spaced or their boundary drawn."""
    digest = hashlib.sha256(query + b"\n")
    if form is None:
        digest.update(msgspec.json.encode(msgspec.json.decode(raw or b"{}"), order="sorted"))
        return digest.digest()
    files = {}
    for name, upload in form.files.items():
        files[name] = [upload.filename, hashlib.file_digest(upload.file, "sha256").hexdigest()]  # type: ignore[arg-type]
        upload.file.seek(0)
    digest.update(msgspec.json.encode([form.fields, files], order="sorted"))
    return digest.digest()
