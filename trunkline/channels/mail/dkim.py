"""DKIM signatures (RFC 6376, RFC 8463): relaxed/relaxed, RSA and Ed25519."""

import base64
import binascii
import hashlib
import re
from datetime import datetime
from typing import Literal

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa

SIGNED = (
    *("from", "to", "cc", "subject", "date", "message-id", "reply-to", "in-reply-to", "references"),
    *("mime-version", "content-type", "content-transfer-encoding"),
    *("list-unsubscribe", "list-unsubscribe-post", "auto-submitted"),
)
# Named once more than they occur, so that a second one cannot be added on the way.
SEALED = ("from", "subject", "reply-to", "list-unsubscribe")
BLANKS = re.compile(rb"[ \t]+")
DOMAIN = re.compile(r"[A-Za-z0-9._-]{1,253}")


class Signer:
    """One key of one domain, loaded once. Raises ValueError for settings that cannot sign."""

    def __init__(self, domain: str, selector: str, key: str):
        if not DOMAIN.fullmatch(domain) or not DOMAIN.fullmatch(selector):
            raise ValueError("DKIM needs a domain and a selector of letters, digits, dots and hyphens.")
        self.domain, self.selector = domain, selector
        self.key = load(key)
        self.algorithm = "rsa-sha256" if isinstance(self.key, rsa.RSAPrivateKey) else "ed25519-sha256"

    def sign(self, raw: bytes, *, at: datetime) -> bytes:
        """The mail with its signature on top. Lines must end in CRLF; nothing may be refolded afterwards."""
        block, _, body = raw.partition(b"\r\n\r\n")
        names, canonical = chosen(block)
        body_hash = base64.b64encode(hashlib.sha256(relaxed_body(body)).digest()).decode()
        value = (
            f"v=1; a={self.algorithm}; c=relaxed/relaxed; d={self.domain};\r\n s={self.selector};"
            f" t={int(at.timestamp())};\r\n h={folded_names(names)};\r\n bh={body_hash};\r\n b="
        )
        signature = self.signature(canonical + relaxed_header("dkim-signature", value.encode()))
        return b"".join([b"DKIM-Signature: ", value.encode(), wrapped(signature), b"\r\n", raw])

    def signature(self, octets: bytes) -> bytes:
        if isinstance(self.key, rsa.RSAPrivateKey):
            return self.key.sign(octets, padding.PKCS1v15(), hashes.SHA256())
        return self.key.sign(hashlib.sha256(octets).digest())


def generate_key(kind: Literal["rsa", "ed25519"] = "rsa") -> tuple[str, str]:
    """The private key in PEM, and the text of the DNS record at `<selector>._domainkey.<domain>`."""
    if kind == "rsa":
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    else:
        key = ed25519.Ed25519PrivateKey.generate()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return pem.decode(), dns_record(key)


def dns_record(key: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey) -> str:
    if isinstance(key, rsa.RSAPrivateKey):
        public = key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return "v=DKIM1; k=rsa; p=" + base64.b64encode(public).decode()
    public = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return "v=DKIM1; k=ed25519; p=" + base64.b64encode(public).decode()


def load(text: str) -> rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey:
    """A PEM key; its line breaks may be written `\\n`, or the armour left out, as settings often hold it."""
    text = text.replace("\\n", "\n").strip()
    try:
        if "-----BEGIN" in text:
            key = serialization.load_pem_private_key(text.encode(), None)
        else:
            key = serialization.load_der_private_key(base64.b64decode(text, validate=False), None)
    except (ValueError, TypeError, binascii.Error, UnsupportedAlgorithm) as error:
        raise ValueError("The DKIM key is not a private key in PEM form.") from error
    if isinstance(key, ed25519.Ed25519PrivateKey) or (isinstance(key, rsa.RSAPrivateKey) and key.key_size >= 1024):
        return key
    raise ValueError("A DKIM key is RSA of at least 1024 bits, or Ed25519.")


def chosen(block: bytes) -> tuple[list[str], bytes]:
    """The names for `h=` and the canonical headers they stand for, repeated ones from the bottom up."""
    found: dict[str, list[bytes]] = {}
    for line in block.replace(b"\r\n ", b" ").replace(b"\r\n\t", b" ").split(b"\r\n"):
        name, _, value = line.partition(b":")
        found.setdefault(name.decode("ascii", "replace").strip().lower(), []).append(value)
    names, canonical = [], []
    for name in SIGNED:
        values = found.get(name, ())
        names += [name] * len(values)
        canonical += [relaxed_header(name, value) + b"\r\n" for value in reversed(values)]
    return names + [name for name in SEALED if name in found], b"".join(canonical)


def relaxed_header(name: str, value: bytes) -> bytes:
    value = BLANKS.sub(b" ", value.replace(b"\r\n", b""))
    return name.encode() + b":" + value.strip(b" ")


def relaxed_body(body: bytes) -> bytes:
    if b"  " in body or b"\t" in body:
        body = BLANKS.sub(b" ", body)
    body = body.replace(b" \r\n", b"\r\n").rstrip(b" ")
    end = len(body)
    while body.endswith(b"\r\n", 0, end):
        end -= 2
    return body[:end] + b"\r\n" if end else b""


def folded_names(names: list[str]) -> str:
    return ":\r\n  ".join(":".join(names[start : start + 6]) for start in range(0, len(names), 6))


def wrapped(signature: bytes) -> bytes:
    text = base64.b64encode(signature)
    return b"\r\n  ".join(text[start : start + 72] for start in range(0, len(text), 72))
