"""Languages: which one a text is in, by its frequent words; or an honest None."""

import re
from collections import defaultdict
from collections.abc import Sequence

from trunkline.ai import lexicons

ENOUGH = 200
"""Words that are looked at."""

CLEARLY = 1.25
"""How much more evidence the best language needs than the second."""


def guess(words: Sequence[str]) -> list[str]:
    """ISO 639-3 codes, the likeliest first: one when it is clear, several when short words fit several, else none.

    A language that is recognised but cannot be judged comes out alone, so that nobody mistakes it for another.
    """
    evidence = _evidence(words[:ENOUGH])
    if not evidence:
        return []
    ranked = sorted(evidence.items(), key=lambda one: -one[1])
    best, most = ranked[0]
    close = [code for code, value in ranked if value * CLEARLY > most]
    if best not in lexicons.JUDGED and len(close) > 1 and most < 1:
        return [code for code in close if code in lexicons.JUDGED]
    return [best] if len(close) == 1 else [code for code in close if code in lexicons.JUDGED] or [best]


def is_foreign(text: str) -> bool:
    """Whether most letters are of scripts that no language here is written in."""
    letters = [letter for letter in text if letter.isalpha()]
    return bool(letters) and sum(LATIN.match(letter) is None for letter in letters) * 2 > len(letters)


def _evidence(words: Sequence[str]) -> dict[str, float]:
    """A word that many languages share says little; words of feeling count besides frequent ones."""
    found: dict[str, float] = defaultdict(float)
    for word in words:
        speakers = [code for code, known in lexicons.function_words().items() if word in known]
        for code in speakers:
            found[code] += 1 / len(speakers)
    matched: dict[int, list[str]] = {}
    for code, lexicon in lexicons.lexicons().items():
        for kind in (lexicon.feelings, lexicon.courtesy, lexicon.requests, lexicon.urgency):
            for hit in kind.hits(words):
                matched.setdefault(hit.at, []).append(code)
    for codes in matched.values():
        for code in set(codes):
            found[code] += 0.8 / len(set(codes))
    return found


LATIN = re.compile(r"[A-Za-z\u00aa-\u024f\u1e00-\u1eff]")
