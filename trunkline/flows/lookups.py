"""Which parts of the context a template looks up: `@fields.age` and `@(contact.fields["age"])` are two ways to one."""

from collections.abc import Container, Iterator, Sequence
from functools import lru_cache

from trunkline.expressions.scanner import Piece, scan
from trunkline.expressions.tokens import SyntaxFault, Token, tokenise, unquote

Path = tuple[str, ...]

# Nothing else leads to things that a workspace has.
ROOTS = frozenset({"child", "contact", "fields", "globals", "parent"})


def lookups(template: str, roots: frozenset[str] = ROOTS) -> tuple[Path, ...]:
    """Paths in lower case, as often as they are written. What cannot be read looks nothing up."""
    return _read(template, roots) if "@" in template else ()


@lru_cache(maxsize=2048)
def _read(template: str, roots: frozenset[str]) -> tuple[Path, ...]:
    return tuple(_found(template, roots))


def _found(template: str, roots: Container[str]) -> Iterator[Path]:
    for piece in scan(template, roots):
        if isinstance(piece, Piece):
            try:
                yield from _paths(list(tokenise(piece.inside)), roots)
            except SyntaxFault:
                continue


def _paths(tokens: Sequence[Token], roots: Container[str]) -> Iterator[Path]:
    for place, token in enumerate(tokens):
        is_root = place == 0 or tokens[place - 1].written != "."
        if token.kind == "name" and is_root and token.written.lower() in roots:
            yield (token.written.lower(), *_keys(tokens, place + 1))


def _keys(tokens: Sequence[Token], place: int) -> Iterator[str]:
    """The keys after a root, as far as they are written out."""
    while place + 1 < len(tokens):
        if tokens[place].written == ".":
            yield tokens[place + 1].written.lower()
            place += 2
        elif _is_quoted_key(tokens[place : place + 3]):
            yield unquote(tokens[place + 1].written).lower()
            place += 3
        else:
            return


def _is_quoted_key(tokens: Sequence[Token]) -> bool:
    return [token.written for token in tokens[::2]] == ["[", "]"] and tokens[1].kind == "text"
