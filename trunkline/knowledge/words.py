"""Words as search compares them: without accents and case, in any script; texts and questions become index terms.

PostgreSQL's own parser depends on the server's locale and knows no scripts without spaces, so words are found here
and reach it as finished `tsvector` and `tsquery` texts.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator

from msgspec import Struct

from trunkline.core.text import clean
from trunkline.knowledge.stopwords import STOPWORDS

MOST_TERMS = 24
LONGEST = 64
MOST_PLACES = 40
LAST_PLACE = 16_383  # PostgreSQL counts no further
EXACTLY = 0.35
"""What the very word counts beside its beginning."""


class Term(Struct, frozen=True):
    """A word of a question, as a `tsquery` text, and how much it counts."""

    query: str
    weight: float


def fold(text: str) -> str:
    """`Şcoală`, `ȘCOALĂ` and `scoala` are one; so are full-width and usual letters, `straße` and `strasse`."""
    if text.isascii():
        return text.lower()
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return unicodedata.normalize("NFC", MARKS.sub("", plain)).translate(LETTERS)


def words(text: str) -> Iterator[str]:
    """The words of a text, folded; pairs of signs where words have no spaces between them."""
    for match in WORD.finditer(fold(text)):
        word = match[0]
        if not UNSPACED.search(word):
            yield word[:LONGEST]
            continue
        for run in RUNS.findall(word):
            if len(run) > 1 and UNSPACED.match(run):
                yield from (run[at : at + 2] for at in range(len(run) - 1))
            else:
                yield run[:LONGEST]


def vector(*parts: tuple[str, str]) -> str:
    """The `tsvector` of texts with their weights: `vector(("Returns", "A"), ("Within 30 days …", "D"))`."""
    places: dict[str, list[str]] = {}
    place = 0
    for text, weight in parts:
        for word in words(text):
            place = min(place + 1, LAST_PLACE)
            found = places.setdefault(word, [])
            if len(found) < MOST_PLACES:
                found.append(f"{place}{weight}")
    return " ".join(f"'{word}':{','.join(found)}" for word, found in places.items())


def asked(question: str) -> list[str]:
    """The different words of a question that say something; all of them when none does."""
    found = list(dict.fromkeys(words(clean(question))))
    return [word for word in found if word not in STOPWORDS][:MOST_TERMS] or found[:MOST_TERMS]


def terms(asked: Iterable[str]) -> list[Term]:
    """Each word by its beginning, so that its other forms are found too, and a little more for the word itself."""
    found: list[Term] = []
    for word in asked:
        if (stem := _beginning(word)) == word:
            found.append(Term(f"'{word}'", 1 + EXACTLY))
        else:
            found += [Term(f"'{stem}':*", 1), Term(f"'{word}'", EXACTLY)]
    return found


def _beginning(word: str) -> str:
    """Endings are mostly short, whatever the language; numbers and short words have none."""
    size = len(word)
    if size < 5 or not word.isalpha():
        return word
    return word[: max(4, size - (1 if size < 7 else 2 if size < 8 else 3 if size < 10 else 4))]


# Accents of Latin, Greek and Cyrillic, and the vowel points of Hebrew and Arabic. Signs of Indic scripts are letters.
MARKS = re.compile("[\u0300-\u036f\u0591-\u05bd\u05bf\u064b-\u065f\u0670]")
LETTERS = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ς": "σ"})
_SIGNS = "\u0900-\u0dff\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"
WORD = re.compile(rf"(?:[^\W_]|[{_SIGNS}])+")
_NO_SPACES = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
UNSPACED = re.compile(f"[{_NO_SPACES}]")
RUNS = re.compile(f"[{_NO_SPACES}]+|[^{_NO_SPACES}]+")
