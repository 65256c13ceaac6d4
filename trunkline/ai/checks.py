"""Checks: what a model wrote is held against what it was given; nobody else's address leaves, nothing is cited that is
not there."""

import re
from collections.abc import Iterable

from msgspec import Struct

LONGEST = 6000
REMOVED = "[…]"


class Checked(Struct, frozen=True):
    """`cited` are the numbers of sources, `unsupported` figures and addresses that nothing given bears out."""

    text: str
    cited: list[int]
    unsupported: list[str]


def check(text: str, sources: int, known: Iterable[str]) -> Checked:
    """`known` are all texts that the model was given."""
    given = "\n".join(known)
    folded, digits = given.casefold(), set(FIGURE.findall(given))
    removed: list[str] = []

    def kept(address: re.Match[str]) -> str:
        found = address[0].rstrip(".,;:!?)")
        if found.casefold() in folded:
            return address[0]
        removed.append(found)
        return REMOVED + address[0][len(found) :]

    text = ADDRESS.sub(kept, text[:LONGEST])
    text = CITATION.sub(lambda citation: citation[0] if 1 <= int(citation[1]) <= sources else "", text).strip()
    cited = list(dict.fromkeys(int(number) for number in CITATION.findall(text)))
    plain = ADDRESS.sub("", CITATION.sub("", text))
    figures = [figure for figure in FIGURE.findall(plain) if len(figure) > 1 and figure not in digits]
    return Checked(text, cited, list(dict.fromkeys([*removed, *figures])))


CITATION = re.compile(r" ?\[(\d{1,3})\]")
ADDRESS = re.compile(r"(?:https?://|www\.)[^\s<>\"']+|[\w.+-]+@[\w-]+\.[\w.-]+", re.IGNORECASE)
FIGURE = re.compile(r"\d+(?:[.,:]\d+)*")
