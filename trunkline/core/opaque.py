"""Ids that say nothing about what they name: twenty letters and digits for a kind of thing and its number.

They are made from the number and the installation's secret alone, so nothing is stored and nothing looked up. The
same number gives another id for each kind, and an id of one kind does not read as one of another.
"""

from trunkline.core.crypto import Vault

LENGTH = 20
BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
BIGINT = 2**63
TAG, NUMBER = 6, 8
"""Bytes of the check, and of the hidden number."""


def write(vault: Vault, kind: str, id: int) -> str:
    """The id that the outside sees: `write(vault, "contact", 17)`. Always the same one."""
    tag = vault.mac(_check(kind), id.to_bytes(NUMBER, "big"))[:TAG]
    hidden = id ^ int.from_bytes(vault.mac(_mask(kind), tag)[:NUMBER], "big")
    return _spell(int.from_bytes(tag, "big") << 8 * NUMBER | hidden)


def read(vault: Vault, kind: str, text: str) -> int | None:
    """The number behind an id; none if we never wrote such an id for this kind."""
    raw = _unspell(text)
    if raw is None:
        return None
    tag, hidden = raw[:TAG], raw[TAG:]
    # After a change of the installation's secret the ids of the former one still read.
    for place, mask in enumerate(vault.macs(_mask(kind), tag)):
        number = _xor(hidden, mask)
        if vault.macs(_check(kind), number)[place][:TAG] == tag:
            id = int.from_bytes(number, "big")
            return id if id < BIGINT else None
    return None


def _check(kind: str) -> str:
    return f"opaque id {kind}"


def _mask(kind: str) -> str:
    return f"opaque mask {kind}"


def _xor(number: bytes, mask: bytes) -> bytes:
    return (int.from_bytes(number, "big") ^ int.from_bytes(mask[:NUMBER], "big")).to_bytes(NUMBER, "big")


def _spell(number: int) -> str:
    high, low = divmod(number, HALF)
    return _spell_half(high) + _spell_half(low)


def _spell_half(number: int) -> str:
    """Ten letters, in steps of two: a broadcast spells an id for each recipient."""
    number, fifth = divmod(number, len(PAIRS))
    number, fourth = divmod(number, len(PAIRS))
    number, third = divmod(number, len(PAIRS))
    first, second = divmod(number, len(PAIRS))
    return PAIRS[first] + PAIRS[second] + PAIRS[third] + PAIRS[fourth] + PAIRS[fifth]


def _unspell(text: str) -> bytes | None:
    """Strict: each id has one spelling."""
    if len(text) != LENGTH or any(letter not in VALUES for letter in text):
        return None
    number = 0
    for letter in text:
        number = number * 58 + VALUES[letter]
    return number.to_bytes(TAG + NUMBER, "big") if number < 1 << 8 * (TAG + NUMBER) else None


HALF = len(BASE58) ** (LENGTH // 2)
PAIRS = [one + other for one in BASE58 for other in BASE58]
VALUES = {letter: value for value, letter in enumerate(BASE58)}
