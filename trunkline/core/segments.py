"""How many SMS segments a text takes: the one count behind the estimate, the sending and the bill."""

from typing import Literal

import msgspec


class Segments(msgspec.Struct, frozen=True):
    """`length` counts septets for gsm7 and UTF-16 units for ucs2."""

    encoding: Literal["gsm7", "ucs2"]
    length: int
    segments: int


SURELY_ONE = 35
"""Characters that fit into one part whatever they are: two units each, of seventy."""


def count(text: str) -> Segments:
    """The cheapest encoding for `text` and its segments; an empty text still goes out as one."""
    used = set(text)
    if used <= GSM7:
        return _count(text, "gsm7", used & EXTENDED, 160, 153)
    return _count(text, "ucs2", {char for char in used if char > "\uffff"}, 70, 67)


def _count(text: str, encoding: Literal["gsm7", "ucs2"], wide: set[str], single: int, part: int) -> Segments:
    """`wide` characters take two units that stay together; each part of a long text has a header."""
    length = len(text) + sum(map(text.count, wide))
    if length <= single:
        return Segments(encoding, length, 1)
    if not wide:
        return Segments(encoding, length, -(-length // part))
    segments, room = 1, part
    for char in text:
        cost = 2 if char in wide else 1
        if cost > room:
            segments, room = segments + 1, part
        room -= cost
    return Segments(encoding, length, segments)


# 3GPP TS 23.038, the default alphabet and its extension table.
BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENDED = frozenset("\f^{}\\[~]|€")
GSM7 = BASIC | EXTENDED
