"""Where in a text the expressions are: `@name.part`, `@( … )`, and `@@` for a plain @."""

import re
from collections.abc import Container, Iterator

from msgspec import Struct


class Piece(Struct, frozen=True):
    """An expression in a template: `source` as written there, `inside` without the @ and the outer brackets."""

    source: str
    inside: str


def scan(text: str, tops: Container[str]) -> Iterator[str | Piece]:
    """The literal texts and expressions of a template, in order. Every text is a template; nothing is refused."""
    literal = ""
    for part in _parts(text, tops):
        if isinstance(part, str):
            literal += part
            continue
        if literal:
            yield literal
        literal = ""
        yield part
    if literal:
        yield literal


def _parts(text: str, tops: Container[str]) -> Iterator[str | Piece]:
    at = 0
    while (found := text.find("@", at)) >= 0:
        yield text[at:found]
        match text[found + 1 : found + 2]:
            case "@":
                yield "@"
                at = found + 2
                continue
            case "(":
                end = _closing(text, found + 1)
                # What is never closed reaches to the end, whatever is in it.
                yield Piece(text[found:end], text[found + 2 : end - 1]) if end else text[found:]
                at = end or len(text)
            case _:
                path = PATH.match(text, found + 1)
                known = path is not None and path[0].partition(".")[0].lower() in tops
                at = path.end() if path else found + 1
                yield Piece(text[found:at], text[found + 1 : at]) if known else text[found:at]
    yield text[at:]


def _closing(text: str, opening: int) -> int:
    """Just after the bracket that closes the one at `opening`, 0 if none does. Brackets in quotes do not count."""
    depth = 0
    for found in BRACKETS.finditer(text, opening):
        if found[0] == "(":
            depth += 1
        elif found[0] == ")":
            depth -= 1
            if depth == 0:
                return found.end()
        elif found[0] == '"':
            return 0
    return 0


# A letter, a number of any script, or an underscore; a dot belongs to the path only with something after it.
PATH = re.compile(r"\w+(?:\.\w+)*")
QUOTED = r'"(?:[^"\\]|\\.)*+"'
# The last branch is a quote that nothing closes.
BRACKETS = re.compile(rf'[()]|{QUOTED}|"', re.DOTALL)
