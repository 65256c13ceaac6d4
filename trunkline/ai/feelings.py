"""Feelings: how a text sounds, by the words of its language and by signs that need none. No network, no model.

Each word of feeling has a worth from -3 to 3. Negation turns it, other words make it stronger or weaker, what stands
behind a "but" counts more than what stands before it. The sum becomes a score from -1 to 1.
"""

import re
from collections import Counter
from collections.abc import Sequence
from math import sqrt
from typing import Literal

from msgspec import Struct

from trunkline.ai import languages, lexicons
from trunkline.ai.lexicons import Hit, Lexicon
from trunkline.knowledge.words import fold

Feeling = Literal["positive", "neutral", "negative", "unknown"]
Urgency = Literal["low", "medium", "high"]
Method = Literal["model", "lexicon", "emoji", "none"]

EMOTIONS = (
    "anger",
    "frustration",
    "disappointment",
    "sadness",
    "worry",
    "confusion",
    "joy",
    "gratitude",
    "satisfaction",
    "relief",
)
POSITIVE = frozenset(EMOTIONS[6:])

NEUTRAL = 0.25
"""Scores nearer to 0 than this are neutral."""

SOFT = 6.0
TURNED, SOFTENED = -0.75, -0.3
STRONGER, WEAKER = 1.4, 0.6
LOUD = 1.2
BEFORE_BUT, BEHIND_BUT = 0.5, 1.4
REACH = 3
"""How many words before a feeling a negation may stand."""


class Mood(Struct, frozen=True, kw_only=True):
    """How a text sounds. `unknown` has neither score nor urgency: nobody here can read it.

    `confidence` grows with the number of words that speak; it is no probability. `language` is an ISO 639-3 code.
    """

    sentiment: Feeling
    score: float | None
    emotions: list[str]
    urgency: Urgency | None
    confidence: float
    method: Method
    language: str | None


class _Reading(Struct, frozen=True):
    total: float
    cues: int
    emotions: list[str]
    urgency: int


class _Token(Struct, frozen=True):
    """A word, folded; `clause` tells which belong together, `is_loud` that it is shouted."""

    word: str
    clause: int
    is_loud: bool


UNKNOWN = Mood(
    sentiment="unknown", score=None, emotions=[], urgency=None, confidence=0.0, method="none", language=None
)  # fmt: skip


def read(text: str) -> Mood:
    """Judge a text; where its language is none of `lexicons.JUDGED`, its signs alone; without any, not at all."""
    text = text.replace("’", "'")
    worth, shown = _signs(text)
    tokens = _tokens(text)
    codes = [] if languages.is_foreign(text) else languages.guess([token.word for token in tokens])
    judged = [lexicons.lexicons()[code] for code in codes if code in lexicons.JUDGED]
    if not judged:
        return _by_signs(worth, shown, codes[0] if codes else None)
    moods = [_mood(_words(lexicon, tokens, text), worth, shown, text, lexicon.code) for lexicon in judged]
    if len(moods) == 1:
        return moods[0]
    best = max(moods, key=lambda mood: mood.confidence)
    told = {mood.sentiment for mood in moods if mood.confidence >= 0.5} or {best.sentiment}
    if len(told) > 1:
        return UNKNOWN
    return Mood(
        sentiment=best.sentiment, score=best.score, emotions=best.emotions, urgency=best.urgency,
        confidence=round(best.confidence * 0.8, 2), method="lexicon", language=None,
    )  # fmt: skip


def _mood(reading: _Reading, worth: float, shown: list[str], text: str, code: str) -> Mood:
    total = reading.total + worth
    score = _score(total * (1 + 0.1 * min(3, text.count("!"))))
    emotions = _strongest([*reading.emotions, *shown], score)
    cues = reading.cues + (worth != 0)
    return Mood(
        sentiment=_feeling(score),
        score=score,
        emotions=emotions,
        urgency=_urgency(reading.urgency, score, emotions, text),
        confidence=round(min(0.9, 0.4 + 0.15 * cues), 2),
        method="lexicon",
        language=code,
    )


def _by_signs(worth: float, shown: list[str], code: str | None) -> Mood:
    if worth == 0 and not shown:
        return Mood(
            sentiment="unknown", score=None, emotions=[], urgency=None, confidence=0.0, method="none", language=code
        )  # fmt: skip
    score = _score(worth)
    return Mood(
        sentiment=_feeling(score), score=score, emotions=_strongest(shown, score), urgency="low", confidence=0.4,
        method="emoji", language=code,
    )  # fmt: skip


def _words(lexicon: Lexicon, tokens: Sequence[_Token], text: str) -> _Reading:
    words = [token.word for token in tokens]
    hits = list(lexicon.feelings.hits(words))
    taken = {place for hit in hits for place in range(hit.at, hit.at + hit.size)}
    worths = {hit.at: _worth(lexicon, tokens, hit, taken) for hit in hits if hit.value}
    if not _asks(lexicon, words, text):
        worths |= {hit.at: 1.5 for hit in lexicon.courtesy.hits(words) if hit.at not in taken}
    turn = max((place for place, word in enumerate(words) if word in lexicon.contrast), default=None)
    total = sum(worth * _weight(place, turn, worths) for place, worth in worths.items())
    emotions = [hit.value for hit in lexicon.emotions.hits(words) if not _is_negated(lexicon, tokens, hit)]
    urgent = [URGENT[hit.value] for hit in lexicon.urgency.hits(words) if not _is_negated(lexicon, tokens, hit)]
    return _Reading(total, len(worths), emotions, max(urgent, default=0))


def _worth(lexicon: Lexicon, tokens: Sequence[_Token], hit: Hit, taken: set[int]) -> float:
    worth = float(hit.value)
    if _is_negated(lexicon, tokens, hit, taken):
        worth *= TURNED if worth > 0 else SOFTENED
    worth *= _degree(lexicon, tokens, hit)
    return worth * LOUD if tokens[hit.at].is_loud else worth


def _degree(lexicon: Lexicon, tokens: Sequence[_Token], hit: Hit) -> float:
    """Stronger or weaker by the words right before."""
    before = [token.word for token in tokens[max(0, hit.at - 2) : hit.at] if token.clause == tokens[hit.at].clause]
    if any(True for _ in lexicon.dampeners.hits(before)):
        return WEAKER
    return STRONGER if any(True for _ in lexicon.intensifiers.hits(before)) else 1.0


def _is_negated(lexicon: Lexicon, tokens: Sequence[_Token], hit: Hit, taken: set[int] | None = None) -> bool:
    """By a word of the same clause close before it, or close behind where the language does that.

    A negation that is part of a phrase has done its work there.
    """
    last = hit.at + hit.size
    if any(token.word in lexicon.negations for token in tokens[hit.at : last]):
        return False
    near = [*range(max(0, hit.at - REACH), hit.at), *range(last, min(len(tokens), last + lexicon.after))]
    clause = tokens[hit.at].clause
    return any(
        tokens[place].word in lexicon.negations and tokens[place].clause == clause and place not in (taken or ())
        for place in near
    )


def _asks(lexicon: Lexicon, words: Sequence[str], text: str) -> bool:
    """Whether thanks are mere politeness."""
    return "?" in text or any(True for _ in lexicon.requests.hits(words))


def _weight(place: int, turn: int | None, worths: dict[int, float]) -> float:
    if turn is None or not any(other > turn for other in worths):
        return 1.0
    return BEHIND_BUT if place > turn else BEFORE_BUT


def _signs(text: str) -> tuple[float, list[str]]:
    """What emoji say together, and the emotions they show."""
    known = lexicons.signs()
    found = [sign for sign in SIGN.findall(text.replace("\ufe0f", "")) if sign in known.worth]
    worth = sum(known.worth[sign] for sign in found[:MOST_SIGNS])
    return worth, [known.emotions[sign] for sign in found if sign in known.emotions]


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    clause = 0
    for match in WORD.finditer(text):
        if match["stop"]:
            clause += 1
            continue
        is_loud = len(match[0]) > 2 and match[0].isupper() and not text.isupper()
        found += [_Token(part, clause, is_loud) for part in lexicons.parts(fold(match[0])) if part]
        if len(found) >= MOST_WORDS:
            break
    return found


def _score(total: float) -> float:
    return round(total / sqrt(total * total + SOFT), 2)


def _feeling(score: float) -> Feeling:
    return "positive" if score > NEUTRAL else "negative" if score < -NEUTRAL else "neutral"


def _strongest(emotions: Sequence[str], score: float) -> list[str]:
    """Up to three, the most frequent first; what speaks against the whole is left out."""
    fitting = [one for one in emotions if abs(score) <= NEUTRAL or (one in POSITIVE) == (score > 0)]
    counted = Counter(fitting)
    return sorted(counted, key=lambda one: (-counted[one], EMOTIONS.index(one)))[:3]


def _urgency(level: int, score: float, emotions: Sequence[str], text: str) -> Urgency:
    if level < 1 and score < -0.6 and (text.count("!") >= 3 or {"anger", "frustration"}.intersection(emotions)):
        level = 1
    return ("low", "medium", "high")[level]


URGENT = {"medium": 1, "high": 2}
WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*|(?P<stop>[.!?…,;:\n()]+)")
SIGN = re.compile(
    "|".join(re.escape(sign) for sign in sorted(lexicons.signs().worth, key=len, reverse=True))
)  # fmt: skip
MOST_WORDS, MOST_SIGNS = 2000, 5
