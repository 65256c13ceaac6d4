"""Lexicons: the words that show feelings in each language that can be judged, as files beside this one."""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, lru_cache
from importlib import resources
from itertools import chain
from typing import Any

from msgspec import Struct

from trunkline.knowledge.words import fold

JUDGED = ("eng", "ron", "spa", "fra", "deu")


class Hit(Struct, frozen=True):
    """A phrase of a lexicon in a text: `size` words from `at` on. What it means is its `value`."""

    at: int
    size: int
    value: Any


class Phrases:
    """Phrases with their values. A word may end in `*` for any ending, `#` is a number."""

    def __init__(self, groups: Mapping[Any, str]) -> None:
        self._by_word: dict[str, list[tuple[tuple[str, ...], Any]]] = {}
        self._by_beginning: dict[str, list[tuple[tuple[str, ...], Any]]] = {}
        self._candidates = lru_cache(1024)(self._found)
        for value, phrases in groups.items():
            for phrase in phrases.split():
                self._add(tuple(_spelt(phrase)), value)

    def _add(self, phrase: tuple[str, ...], value: Any) -> None:
        first = phrase[0]
        kept = self._by_beginning if first.endswith("*") else self._by_word
        kept.setdefault(first.removesuffix("*"), []).append((phrase, value))

    def at(self, words: Sequence[str], at: int) -> Hit | None:
        """The longest phrase that begins here; of equal ones the one that spells its words out."""
        best: Hit | None = None
        for phrase, value in self._candidates(words[at]):
            size = len(phrase)
            if (best is None or size > best.size) and size <= len(words) - at and _fits(phrase, words[at : at + size]):
                best = Hit(at, size, value)
        return best

    def hits(self, words: Sequence[str]) -> Iterator[Hit]:
        """From left to right, each word in one phrase at most."""
        at = 0
        while at < len(words):
            hit = self.at(words, at)
            if hit:
                yield hit
            at += hit.size if hit else 1

    def _found(self, word: str) -> list[tuple[tuple[str, ...], Any]]:
        beginnings = (self._by_beginning.get(word[:size], ()) for size in range(len(word), 1, -1))
        return [*self._by_word.get(word, ()), *chain.from_iterable(beginnings)]


class Lexicon(Struct, frozen=True):
    """One language. `after` is how many words behind a feeling may still negate it."""

    code: str
    function: frozenset[str]
    feelings: Phrases
    courtesy: Phrases
    requests: Phrases
    negations: frozenset[str]
    intensifiers: Phrases
    dampeners: Phrases
    contrast: frozenset[str]
    emotions: Phrases
    urgency: Phrases
    after: int


class Signs(Struct, frozen=True):
    """Emoji and the like: what they are worth, and the emotions they show."""

    worth: dict[str, float]
    emotions: dict[str, str]


@cache
def lexicons() -> dict[str, Lexicon]:
    return {code: _lexicon(code) for code in JUDGED}


@cache
def function_words() -> dict[str, frozenset[str]]:
    """Frequent words of all languages that are recognised, judged or not."""
    others = {code: frozenset(fold(listed).split()) for code, listed in _read("others").items()}
    return {code: lexicon.function for code, lexicon in lexicons().items()} | others


@cache
def signs() -> Signs:
    read = _read("emoji")
    emotions = read.pop("emotions")
    return Signs(
        {sign: float(worth) for worth, listed in read.items() for sign in listed.split()},
        {sign: name for name, listed in emotions.items() for sign in listed.split()},
    )


def _lexicon(code: str) -> Lexicon:
    read = _read(code)
    return Lexicon(
        code=code,
        function=frozenset(fold(read["function"]).split()),
        feelings=Phrases({float(worth): listed for worth, listed in read["words"].items()}),
        courtesy=Phrases({True: read["courtesy"]}),
        requests=Phrases({True: read["requests"]}),
        negations=frozenset(fold(read["negations"]).split()),
        intensifiers=Phrases({True: read["intensifiers"]}),
        dampeners=Phrases({True: read["dampeners"]}),
        contrast=frozenset(fold(read["contrast"]).split()),
        emotions=Phrases(read["emotions"]),
        urgency=Phrases(read["urgency"]),
        after=read.get("after", 0),
    )


def _spelt(phrase: str) -> list[str]:
    """The words of a phrase as texts have them."""
    return [word for part in fold(phrase).split("_") for word in parts(part)]


def parts(word: str) -> list[str]:
    """French elisions are words of their own, English contractions are not."""
    return [word] if "'" not in word or ENGLISH.intersection([word.rpartition("'")[2]]) else word.split("'")


def _fits(phrase: Sequence[str], words: Sequence[str]) -> bool:
    return all(
        word.isdecimal() or word in NUMBERS
        if wanted == "#"
        else word.startswith(wanted[:-1])
        if wanted.endswith("*")
        else word == wanted
        for wanted, word in zip(phrase, words, strict=True)
    )


@cache
def _read(name: str) -> dict[str, Any]:
    return tomllib.loads((resources.files(__name__) / f"{name}.toml").read_text("utf-8"))


ENGLISH = frozenset(["t", "m", "s", "ve", "re", "ll", "d"])
_NUMBERS = """
    two three four five six seven several doua doi trei patru cinci sase sapte cateva dos tres cuatro cinco seis siete
    varias varios deux trois quatre cinq six sept plusieurs zwei drei vier funf sechs sieben mehreren
"""
NUMBERS = frozenset(_NUMBERS.split())
