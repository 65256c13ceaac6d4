"""Signing: the secrets of endpoints, sealed where they lie, and what they put under a delivery (Standard Webhooks)."""

from collections.abc import Sequence
from uuid import UUID

from trunkline.core import clock, crypto
from trunkline.core.crypto import Vault


def new_secret(vault: Vault, account: int) -> tuple[str, bytes]:
    """A fresh secret, to be shown once, and the form to store."""
    secret = crypto.new_webhook_secret()
    return secret, vault.seal(secret, aad=_aad(account))


def opened(vault: Vault, account: int, sealed: bytes) -> str:
    return vault.open(sealed, aad=_aad(account)).decode()


def headers(secrets: Sequence[str], event: UUID, body: bytes) -> dict[str, str]:
    """What goes along with a delivery. The id stays the same over all tries; the time is that of this one."""
    signed = crypto.sign_webhook(secrets, webhook_id(event), int(clock.now().timestamp()), body)
    return {"Content-Type": "application/json", **signed}


def webhook_id(event: UUID) -> str:
    """By this receivers know what they had already."""
    return f"evt_{event.hex}"


def _aad(account: int) -> str:
    return f"account:{account}:webhooks"
