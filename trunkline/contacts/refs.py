"""Refs: what a contact is called where its number would tell how many there are. Scrambled, and back again."""

import hashlib
import re
from collections.abc import Sequence

Key = Sequence[int]
NO_KEY: Key = (0, 0, 0, 0)


def of(id: int, key: Key | None = None) -> str:
    """The ref of a contact, like `7KQ2VX`: six characters, for numbers beyond a billion fourteen."""
    length = 6 if id < 1 << 30 else 14
    scrambled = _scramble(id, length * 5 // 2, _keys(key), ROUNDS)
    return "".join(ALPHABET[scrambled >> shift & 31] for shift in range(5 * (length - 1), -1, -5))


def id_of(ref: str, key: Key | None = None) -> int | None:
    """The contact's number, None for what is no ref."""
    typed = ref.strip().upper()
    if len(typed) not in (6, 14) or not set(typed) <= DIGITS.keys():
        return None
    scrambled = 0
    for character in typed:
        scrambled = scrambled << 5 | DIGITS[character]
    id = _scramble(scrambled, len(typed) * 5 // 2, _keys(key), ROUNDS[::-1])
    return id if 0 < id < 1 << 63 and (id < 1 << 30) == (len(typed) == 6) else None


def looks_like(text: str) -> bool:
    return SHAPE.fullmatch(text) is not None


def _scramble(value: int, half: int, keys: Sequence[int], rounds: Sequence[int]) -> int:
    """A Feistel network: the same steps in the other order lead back."""
    mask = (1 << half) - 1
    left, right = value >> half, value & mask
    for number in rounds:
        left, right = right, left ^ (_mixed(right, keys[number % 4], number) & mask)
    return right << half | left


def _mixed(value: int, key: int, number: int) -> int:
    written = f"{value}:{key}:{number}".encode()
    return int.from_bytes(hashlib.blake2b(written, digest_size=8).digest())


def _keys(key: Key | None) -> Sequence[int]:
    return key if key and len(key) == 4 else NO_KEY


ROUNDS = (0, 1, 2, 3)
ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
DIGITS = {character: value for value, character in enumerate(ALPHABET)}
SHAPE = re.compile(r"[0-9A-Z]{6,8}|[0-9A-Z]{14}")
