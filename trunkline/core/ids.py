"""Identifiers: bigint inside, uuid7 outside, random tokens for whatever must not be guessed."""

import secrets
from uuid import UUID

from uuid_utils import compat

BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def new_uuid() -> UUID:
    """A version 7 UUID: unique, and sorted by time."""
    return compat.uuid7()


def ulid() -> str:
    """Twenty-six letters and digits: unique, and sorted by time."""
    number, digits = new_uuid().int, ""
    for _ in range(26):
        number, digit = divmod(number, 32)
        digits = CROCKFORD[digit] + digits
    return digits


def token(length: int = 32) -> str:
    """Random base62 text; 32 characters carry 190 bits."""
    return "".join(secrets.choice(BASE62) for _ in range(length))


def number(bits: int) -> int:
    """A random whole number of so many bits."""
    return secrets.randbits(bits)
