"""Extracts: an answer without a model: sentences of the knowledge base, word for word, with their source."""

import re
from collections.abc import Sequence

from msgspec import Struct

from trunkline.knowledge import words
from trunkline.knowledge.search import Passage

ENOUGH = 0.45
"""Below this, a passage does not answer."""

WHOLE = 320
"""A passage this short is quoted whole."""

SENTENCES = 3
ALIKE = 0.85


class Quote(Struct, frozen=True):
    """`first` and `last` are places in the document's text."""

    number: int
    passage: Passage
    text: str
    first: int
    last: int


def quotes(question: str, passages: Sequence[Passage]) -> list[Quote]:
    """What answers: the best passage, and one of another document that is nearly as good. None when none does."""
    good = [passage for passage in passages if passage.score >= ENOUGH]
    if not good:
        return []
    best = max(good, key=lambda passage: passage.score)
    others = [
        one for one in good if one.document.id != best.document.id and one.score >= ALIKE * best.score
    ][:1]  # fmt: skip
    asked = words.asked(question)
    return [_quote(number, asked, passage) for number, passage in enumerate([best, *others], 1)]


def letter(found: Sequence[Quote]) -> str:
    """The quotes as a text, each with its number, and below them where they are from."""
    said = [f"{quote.text} [{quote.number}]" for quote in found]
    return "\n\n".join([*said, "\n".join(_origin(quote) for quote in found)])


def _origin(quote: Quote) -> str:
    source = quote.passage.document
    return f"[{quote.number}] {source.title}{f' – {source.url}' if source.url else ''}"


def _quote(number: int, asked: Sequence[str], passage: Passage) -> Quote:
    text = passage.text
    first, last = (0, len(text)) if len(text) <= WHOLE else _window(asked, text)
    return Quote(number, passage, text[first:last], passage.first + first, passage.first + last)


def _window(asked: Sequence[str], text: str) -> tuple[int, int]:
    """The neighbouring sentences that say most about what was asked, the fewest of them and the first."""
    places = [match.span() for match in SENTENCE.finditer(text)]
    best, window = -1.0, places[0]
    for at in range(len(places)):
        for many in range(1, SENTENCES + 1):
            first, last = places[at][0], places[min(at + many, len(places)) - 1][1]
            value = _covered(asked, text[first:last]) - many * 0.1
            if value > best and last - first <= WHOLE * 2:
                best, window = value, (first, last)
    return window


def _covered(asked: Sequence[str], text: str) -> int:
    said = set(words.words(text))
    return sum(any(_is_form(word, other) for other in said) for word in asked)


def _is_form(word: str, other: str) -> bool:
    """Whether two words are the same but for their ending."""
    if word == other:
        return True
    stem = max(4, len(word) * 7 // 10)
    return len(word) > 4 and word[:stem] == other[:stem]


SENTENCE = re.compile(r"\S(?:(?!(?<=[.!?…])\s|(?<=[。！？])|\n).)*")
