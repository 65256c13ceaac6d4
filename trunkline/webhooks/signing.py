"""Signing: the secrets of endpoints, sealed where they lie, and what they put under a delivery (Standard Webhooks)."""

import hmac
from collections.abc import Sequence
from uuid import UUID

from trunkline.accounts import settings
from trunkline.core import clock, crypto
from trunkline.core.crypto import Vault


def new_secret(vault: Vault, account: int) -> tuple[str, bytes]:
    """A fresh secret, to be shown once, and the form to store."""
    secret = crypto.new_webhook_secret()
    return secret, vault.seal(secret, aad=_aad(account))


def opened(vault: Vault, account: int, sealed: bytes, *, own: bool = True) -> str:
    """A stored secret: an endpoint's `own`, or the account's that signs whatever has none."""
    return vault.open(sealed, aad=_aad(account) if own else settings.secret_aad(account)).decode()


def headers(secrets: Sequence[str], event: UUID, body: bytes, *, digest: bool = False) -> dict[str, str]:
    """What goes along with a delivery. The id stays the same over all tries; the time is that of this one.

    `digest` adds the simple mark that many receivers know to check: the body under the secret's text, in hex.
    """
    signed = crypto.sign_webhook(secrets, webhook_id(event), int(clock.now().timestamp()), body)
    if digest:
        signed["X-Hub-Signature-256"] = "sha256=" + hmac.digest(secrets[0].encode(), body, "sha256").hex()
    return {"Content-Type": "application/json", **signed}


def webhook_id(event: UUID) -> str:
    """By this receivers know what they had already."""
    return f"evt_{event.hex}"


def _aad(account: int) -> str:
    return f"account:{account}:webhooks"
