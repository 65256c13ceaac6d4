"""Words of a text, and which of them count as the same."""

import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import TypeVar

from trunkline.expressions import collation
from trunkline.expressions.environment import Collation

Forms = tuple[str, ...]
"""The spellings under which a word is known; two words are the same when they share one."""

Result = TypeVar("Result")


def _kept(answer: Callable[[str, Collation], Result]) -> Callable[[str, Collation], Result]:
    """Remember the answers for texts as people write them: many short ones, a few long ones, no longest ones.

    A menu of thirty choices asks for the words of one answer and of thirty constants, again and again.
    """
    short, long = lru_cache(maxsize=4096)(answer), lru_cache(maxsize=16)(answer)

    def kept(text: str, rule: Collation) -> Result:
        length = len(text)
        if length <= SHORT:
            return short(text, rule)
        return long(text, rule) if length <= LONG else answer(text, rule)

    return kept


SHORT = 200
LONG = 10_000


def words(text: str) -> tuple[str, ...]:
    """Runs of letters, marks, numbers, `_` and `'`, and every symbol (an emoji is one) by itself."""
    pattern = ASCII if text.isascii() else _unicode()
    return tuple(pattern.findall(text))


def starts(text: str) -> Iterator[int]:
    """Where each word begins."""
    pattern = ASCII if text.isascii() else _unicode()
    return (found.start() for found in pattern.finditer(text))


def between(text: str, delimiters: str | None) -> list[str]:
    """The parts between any of the delimiting characters, empty ones dropped; without delimiters the words."""
    if not delimiters:
        return list(words(text))
    first = delimiters[0]
    if len(delimiters) > 1:
        text = text.translate(dict.fromkeys(map(ord, delimiters), first))
    return [part for part in text.split(first) if part]


@_kept
def forms(text: str, rule: Collation) -> tuple[Forms, ...]:
    """The forms of each word of `text`, in order."""
    return tuple(collation.forms(word, rule) for word in words(text))


@_kept
def vocabulary(text: str, rule: Collation) -> frozenset[str]:
    """All forms of all words of `text`."""
    return frozenset(form for each in forms(text, rule) for form in each)


def same(a: Forms, b: Forms) -> bool:
    return a == b or not set(a).isdisjoint(b)


@lru_cache(maxsize=1)
def _unicode() -> re.Pattern[str]:
    """Python's own classes know letters and numbers; marks and symbols are looked up once, in 20 ms."""
    marks, symbols = [], []
    for code in (*range(0x80, 0x20000), *range(0xE0100, 0xE01F0)):
        category = unicodedata.category(chr(code))[0]
        if category == "M":
            marks.append(code)
        elif category == "S":
            symbols.append(code)
    # A variation selector dresses the symbol before it and is no word of its own.
    return re.compile(rf"[\w'{_ranges(marks)}]+|[$+<=>^`|~{_ranges(symbols)}][\uFE00-\uFE0F]*")


def _ranges(codes: list[int]) -> str:
    spans: list[list[int]] = []
    for code in codes:
        if spans and spans[-1][1] == code - 1:
            spans[-1][1] = code
        else:
            spans.append([code, code])
    return "".join(f"{chr(first)}-{chr(last)}" for first, last in spans)


ASCII = re.compile(r"[A-Za-z0-9_']+|[$+<=>^`|~]")
