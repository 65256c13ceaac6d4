"""Signed marks that a mail carries out and brings back, in its Message-ID and in the addresses it names.

Everything is lower case, because some servers lower-case local parts, and signed, because an id alone would
let a stranger write into somebody else's conversation.
"""

import hashlib
import hmac
import re
from typing import Literal

Purpose = Literal["reply", "bounce", "unsubscribe"]

PREFIXES: dict[Purpose, str] = {"reply": "reply+", "bounce": "b+", "unsubscribe": "unsub+"}
TOKEN = re.compile(r"[A-Za-z0-9._-]{1,58}")
MAC_LENGTH = 16


def signing_key(secret: str) -> bytes:
    """One key per channel, apart from whatever else the channel's secret opens."""
    return hashlib.sha256(b"trunkline mail " + secret.encode()).digest()


def seal(key: bytes, purpose: Purpose, id: int) -> str:
    """A token that stands for a row: thread, message or contact."""
    return f"{id:x}-{mac(key, f'{purpose} {id:x}')}"


def unseal(key: bytes, purpose: Purpose, token: str) -> int | None:
    """The id in a token of ours; None for anybody else's."""
    id, _, given = token.lower().partition("-")
    if not re.fullmatch(r"[0-9a-f]{1,16}", id) or not hmac.compare_digest(
        given.encode(), mac(key, f"{purpose} {id}").encode()
    ):
        return None
    return int(id, 16)


def address(purpose: Purpose, token: str, domain: str) -> str:
    """`reply+<token>@domain`, `b+<token>@domain`, `unsub+<token>@domain`."""
    return f"{PREFIXES[purpose]}{token}@{domain}"


def token_in(purpose: Purpose, mailbox: str) -> str | None:
    """The token in such an address, unverified."""
    local = mailbox.strip("<> ").rpartition("@")[0]
    prefix = PREFIXES[purpose]
    rest = local[len(prefix) :]
    return rest if local.lower().startswith(prefix) and TOKEN.fullmatch(rest) else None


def message_id(key: bytes, uuid: str, domain: str) -> str:
    """Without brackets. The same for every attempt, so that a message handed over twice shows as one."""
    return f"{uuid}.{mac(key, f'message {uuid}')}@{domain}"


def uuid_in(key: bytes, message_id: str) -> str | None:
    """The message's uuid when the Message-ID is one of ours; for In-Reply-To and References."""
    uuid, _, given = message_id.strip("<> ").partition("@")[0].rpartition(".")
    expected = mac(key, f"message {uuid}")
    return uuid if uuid and hmac.compare_digest(given.encode(), expected.encode()) else None


def mac(key: bytes, text: str) -> str:
    return hmac.digest(key, text.encode(), "sha256").hex()[:MAC_LENGTH]
