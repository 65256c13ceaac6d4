"""Tokens of a query: words, quoted texts, operators, parentheses."""

import re
import unicodedata
from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

from trunkline.contacts.query.conditions import Operator
from trunkline.contacts.query.errors import QueryError
from trunkline.core import text as texts


class Token(Struct, frozen=True):
    """`value` of an operator is its symbol, that of a quoted text what it says."""

    kind: Literal["word", "quoted", "operator", "and", "or", "(", ")", "end"]
    value: str
    at: int


def tokens(text: str) -> Iterator[Token]:
    """The tokens in order, the last one an `end`."""
    if texts.has_forbidden(text):
        raise QueryError("syntax", "The query holds a character that cannot be stored.")
    at = 0
    while True:
        at = SPACE.match(text, at).end()  # pyright: ignore[reportOptionalMemberAccess]
        if at == len(text):
            yield Token("end", "", at)
            return
        token, at = _next(text, at)
        yield token


def _next(text: str, at: int) -> tuple[Token, int]:
    if found := OPERATOR.match(text, at):
        return Token("operator", found[0], at), found.end()
    if found := QUOTED.match(text, at):
        return Token("quoted", unquoted(found[0][1:-1]), at), found.end()
    if text[at] in "()":
        return Token(text[at], text[at], at), at + 1  # pyright: ignore[reportArgumentType]
    end = _end_of_word(text, at)
    if end == at:
        what = "a text without its closing quote" if text[at] == '"' else f"{text[at]!r}"
        raise QueryError("syntax", f"The query cannot be read: {what} at position {at + 1}.")
    word = text[at:end]
    match word.lower():
        case "and" | "or" as joint:
            return Token(joint, word, at), end
        case "has" | "is" as alias:
            return Token("operator", ALIASES[alias], at), end
    return Token("word", word, at), end


def _end_of_word(text: str, at: int) -> int:
    """Behind the letters, digits and marks of a bare text."""
    while at < len(text):
        if found := BARE.match(text, at):
            at = found.end()
        elif unicodedata.category(text[at])[0] == "M":  # vowel signs of many scripts
            at += 1
        else:
            break
    return at


def quoted(value: str) -> str:
    return '"' + "".join(ESCAPES.get(letter) or letter for letter in value) + '"'


def unquoted(inner: str) -> str:
    """What stands between quotes, its escapes resolved. One that is unknown leaves the whole as it was typed."""
    if "\\" not in inner:
        return inner
    out: list[str] = []
    at = 0
    while at < len(inner):
        found = PIECE.match(inner, at)
        said = _said(found) if found else None
        if found is None or said is None:
            return inner
        out.append(said)
        at = found.end()
    return "".join(out)


def _said(piece: re.Match[str]) -> str | None:
    plain, letter, digits = piece.groups()
    if plain:
        return plain
    if letter:
        return LETTERS.get(letter)
    point = int(digits[1:], 16)
    return chr(point) if point <= 0x10FFFF and point and not 0xD800 <= point < 0xE000 else None


SPACE = re.compile(r"\s*")
OPERATOR = re.compile(r"!=|>=|<=|[=~<>]")
QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
BARE = re.compile(r"[\w.+/'@:-]+")
ALIASES: dict[str, Operator] = {"has": "~", "is": "="}
PIECE = re.compile(r"([^\\]+)|\\(?:([^xuU])|(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}))", re.DOTALL)
LETTERS = {"n": "\n", "r": "\r", "t": "\t", "a": "\a", "b": "\b", "f": "\f", "v": "\v", '"': '"', "\\": "\\"}
ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
