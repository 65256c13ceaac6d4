"""An expression as tokens: what they are, where they stand, and what a quoted text says."""

import re
from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

from trunkline.expressions.values import ExpressionError

Kind = Literal["text", "number", "word", "name", "operator", "end"]
"""A `word` is true, false or null."""


class Token(Struct, frozen=True):
    kind: Kind
    written: str
    at: int
    """Where it begins, in characters from the beginning of the expression."""


class SyntaxFault(ExpressionError):
    """The expression cannot be read; `at` is where it went wrong, in characters from its beginning."""

    def __init__(self, text: str, at: int) -> None:
        super().__init__(f"syntax error at character {at + 1}: {text}")
        self.at = at


def tokenise(expression: str) -> Iterator[Token]:
    """Every token and then one `end`. Raises `SyntaxFault` where it meets a character that begins none."""
    at = 0
    for found in SHAPES.finditer(expression):
        if found.start() != at:
            break
        at = found.end()
        yield from _token(found)
    if at < len(expression):
        raise SyntaxFault(f"unexpected {expression[at]!r}", at)
    yield Token("end", "", at)


def unquote(quoted: str) -> str:
    """What a quoted text says. With one escape that means nothing, as in many a pattern, it is taken as it stands."""
    inner = quoted[1:-1]
    if "\\" not in inner:
        return inner
    try:
        return b"".join(map(_bytes, PARTS.finditer(inner))).decode(errors="replace")
    except (ValueError, OverflowError):
        return inner


def _token(found: re.Match[str]) -> Iterator[Token]:
    written, at = found[0], found.start()
    match found.lastgroup:
        case "name" if written.lower() in WORDS:
            yield Token("word", written, at)
        case "name" if not (written[0].isalpha() or written[0] == "_"):
            raise SyntaxFault(f"unexpected {written[0]!r}", at)
        case "text" | "number" | "name" | "operator" as kind:
            yield Token(kind, written, at)
        case _:
            pass  # blanks


def _bytes(part: re.Match[str]) -> bytes:
    """Bytes, because several escapes may make one character."""
    written = part[0]
    if written[0] != "\\":
        return written.encode()
    letter = written[1]
    if letter in "xuU" and len(written) > 2:
        return bytes([int(written[2:], 16)]) if letter == "x" else chr(int(written[2:], 16)).encode()
    if letter in "01234567" and len(written) > 2:
        return bytes([int(written[1:], 8)])
    if letter not in SIMPLE:
        raise ValueError(f"{written} means nothing")
    return SIMPLE[letter].encode()


WORDS = frozenset({"true", "false", "null"})
SHAPES = re.compile(
    r"""(?P<blank>[ \t\r\n]+)
      | (?P<text>"(?:[^"\\]|\\.)*+")
      | (?P<number>[0-9]+(?:\.[0-9]+)?)
      | (?P<name>[^\W0-9]\w*)
      | (?P<operator>=>|!=|<=|>=|[-+*/^=<>&.,()\[\]])""",
    re.VERBOSE | re.DOTALL,
)
PARTS = re.compile(r"[^\\]+|\\(?:[0-7]{3}|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)", re.DOTALL)
SIMPLE = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\", '"': '"'}
