"""Text as queries compare it: folded the same way here and in the database, and cut into words."""

import re
import unicodedata
from functools import cache

SPACES = (
    "\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000"
    "\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
)
"""What is cut off at both ends; the function `folded` of the database cuts the same."""

LAST_WITH_SYMBOLS = 0x20000
SHORTEST_TOKEN, LONGEST_TOKEN = 2, 8


def fold(text: str) -> str:
    """Trimmed, composed and in lower case, letter by letter as PostgreSQL does it: no final sigma, no dotted i."""
    if text.isascii():
        return text.strip(SPACES).lower()
    composed = unicodedata.normalize("NFC", text).strip(SPACES)
    return "".join("i" if letter == "İ" else letter.lower() for letter in composed)


def tokens(text: str) -> list[str]:
    """The beginnings of words by which a name is looked for: two letters at least, eight at most."""
    words = (word for word in re.split(f"[{separators()}]+", fold(text)) if len(word) >= SHORTEST_TOKEN)
    return list(dict.fromkeys(word[:LONGEST_TOKEN] for word in words))


def beginning(wanted: list[str]) -> str:
    """A pattern that finds any of these tokens where a word begins; for `re` and for PostgreSQL alike."""
    return f"(^|[{separators()}])(?:{'|'.join(wanted)})"


@cache
def separators() -> str:
    """Whatever stands between words, as ranges of a bracket expression: all but letters, marks, numbers, _ and '.

    Code points without a meaning of their own count as neither, which keeps the ranges few.
    """
    ranges: list[list[int]] = []
    inside = False
    for point in range(1, LAST_WITH_SYMBOLS):
        kind = unicodedata.category(chr(point))
        if kind in ("Cn", "Co", "Cs"):
            inside = inside and kind == "Cn"
            continue
        if kind[0] in "LMN" or chr(point) in "_'":
            inside = False
        elif inside:
            ranges[-1][1] = point
        else:
            ranges.append([point, point])
            inside = True
    return "".join(_escaped(first) + ("-" + _escaped(last) if last > first else "") for first, last in ranges)


def _escaped(point: int) -> str:
    return f"\\u{point:04x}" if point <= 0xFFFF else f"\\U{point:08x}"
