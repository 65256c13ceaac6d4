"""Speaking: what an assistant says to a question: a model's words if they hold, else quotes of the knowledge base."""

import re
from collections.abc import Sequence
from typing import Any, Literal

import msgspec
from msgspec import Struct

from trunkline.ai import checks, extracts, prompts
from trunkline.ai.assistants import Assistant
from trunkline.ai.grounds import Grounds
from trunkline.ai.talks import Reason
from trunkline.ai.wire import ModelFailed
from trunkline.core.text import clean
from trunkline.knowledge.search import Passage

LONGEST = {"sms": 480, "whatsapp": 2000, "email": 5000}
LONGEST_ELSEWHERE = 2000
"""Characters of an answer: three parts of an SMS, a screen or two elsewhere."""

LONGEST_WHY = 300


class Words(Struct, frozen=True):
    """What is sent, and what it is drawn from; `model` is None for what was quoted without one."""

    text: str
    sources: list[dict[str, Any]]
    documents: list[int]
    confidence: float
    model: str | None = None


class Refused(Struct, frozen=True):
    """There is nothing to say: people must answer. `why` is what the model told colleagues."""

    reason: Reason
    why: str = ""


class _Told(Struct, frozen=True):
    action: Literal["answer", "hand_over"] = "answer"
    text: str | None = ""
    reason: str | None = ""


def prompt(found: Grounds, assistant: Assistant, channel: str) -> tuple[str, str]:
    """What the model is told and what it is given. What others wrote is in the second alone, as strings of JSON."""
    wishes = assistant.instructions.strip()
    rules = prompts.render(
        "assistant",
        workspace=found.workspace,
        tone=prompts.tones()[assistant.tone],
        instructions=f"\nThe team of the workspace tells you:\n{wishes}" if wishes else "",
        limit=str(limit(channel)),
    )
    given = {
        "customer": found.name,
        "subject": found.subject,
        "conversation": [{"from": turn.side, "text": turn.text} for turn in found.turns],
        "sources": [_source(number, passage) for number, passage in enumerate(found.passages, 1)],
    }
    return rules, msgspec.json.encode(given).decode()


def judged(answer: str, model: str, found: Grounds, given: str, assistant: Assistant, channel: str) -> Words | Refused:
    """A model's answer, held against what it was given. What nothing bears out is not sent."""
    told = _read(answer)
    if told.action == "hand_over":
        return Refused("model", clean(told.reason or "").strip()[:LONGEST_WHY])
    checked = checks.check(clean(told.text or ""), len(found.passages), [given, assistant.instructions])
    if not checked.text:
        raise ModelFailed("The model wrote nothing.")
    if checked.unsupported:
        return quoted(found, channel, otherwise="unsupported")
    cited = [(number, found.passages[number - 1]) for number in checked.cited]
    best = max((passage.score for _, passage in cited), default=0.2)
    # Numbers of sources say nothing to customers, who do not see the list; it is kept with the turn.
    text = _fitted(CITATION.sub("", checked.text).strip(), limit(channel))
    return Words(text, [_kept(number, one) for number, one in cited], _documents(cited), round(best, 2), model)


def quoted(found: Grounds, channel: str, *, otherwise: Reason = "no_relevant_source") -> Words | Refused:
    """What the knowledge base says word for word, with where it says so; refused when it does not answer."""
    quotes = extracts.quotes(found.question, found.passages)
    if not quotes:
        return Refused(otherwise)
    most = limit(channel)
    text = extracts.letter(quotes)
    if len(text) > most:
        quotes = quotes[:1]
        text = extracts.letter(quotes)
    cited = [(quote.number, quote.passage) for quote in quotes]
    sources = [_kept(quote.number, quote.passage, quote.first, quote.last) for quote in quotes]
    return Words(_fitted(text, most), sources, _documents(cited), round(quotes[0].passage.score, 2))


def limit(channel: str) -> int:
    return LONGEST.get(channel, LONGEST_ELSEWHERE)


def _read(answer: str) -> _Told:
    """The object that was asked for. Small models forget it and just write: that is an answer, too."""
    text = FENCE.sub("", answer).strip()
    if not text.startswith("{"):
        return _Told(text=text)
    try:
        return msgspec.json.decode(text, type=_Told)
    except msgspec.DecodeError:
        raise ModelFailed("The answer cannot be read.") from None


def _fitted(text: str, most: int) -> str:
    """Cut behind the last sentence that fits, at least behind a word."""
    if len(text) <= most:
        return text
    cut = text[:most]
    ends = [match.end() for match in SENTENCE_END.finditer(cut)]
    if ends and ends[-1] > most // 2:
        return cut[: ends[-1]].strip()
    return cut[: most - 1].rsplit(" ", 1)[0].rstrip() + "…"


def _source(number: int, passage: Passage) -> dict[str, Any]:
    source = passage.document
    told = {"number": number, "title": source.title, "heading": passage.heading, "text": passage.text}
    return told | ({"url": source.url} if source.url else {})


def _kept(number: int, passage: Passage, first: int | None = None, last: int | None = None) -> dict[str, Any]:
    return {
        "number": number,
        "document_id": passage.document.id,
        "title": passage.document.title,
        "first": passage.first if first is None else first,
        "last": passage.last if last is None else last,
        "score": round(passage.score, 3),
    }


def _documents(cited: Sequence[tuple[int, Passage]]) -> list[int]:
    return sorted({passage.document.id for _, passage in cited})


FENCE = re.compile(r"\A\s*```(?:json)?\s*|\s*```\s*\Z")
CITATION = re.compile(r" ?\[\d{1,3}\]")
SENTENCE_END = re.compile(r"[.!?…。！？](?=\s|\Z)|\n")
