"""Replies: drafts for people to read, correct and send. Nothing here sends anything.

With a model, the model writes from what it is given; without one, the knowledge base is quoted word for word, and
where it does not answer the draft is refused.
"""

from collections.abc import Callable, Sequence
from typing import Any, Literal

import msgspec
from msgspec import Struct

from trunkline.ai import checks, extracts, grounds, models, prompts, spend
from trunkline.ai.extracts import Quote
from trunkline.ai.grounds import Ask, Grounds
from trunkline.ai.place import Place
from trunkline.ai.spend import LOCAL, Work
from trunkline.core import clock
from trunkline.core.errors import Invalid
from trunkline.knowledge import documents
from trunkline.knowledge.search import Passage

Tone = Literal["professional", "friendly", "concise"]

EXTRACTIVE = "extractive"
MOST_TOKENS = 800
UNSURE = 0.2
"""The confidence in a draft that cites nothing."""


class Source(Struct, frozen=True):
    """What a draft cites. `first` and `last` are places in the document's text."""

    number: int
    passage: Passage
    first: int
    last: int


class Draft(Struct, frozen=True, kw_only=True):
    """`[1]` in the text stands for the source with that number. `cost` is in millionths of the operator's money.

    `unsupported` are figures and addresses of a model's text that neither sources nor conversation bear out; such
    addresses are taken out of the text.
    """

    text: str
    model: str
    provider: str
    confidence: float
    sources: list[Source]
    elapsed_ms: int
    tokens_in: int = 0
    tokens_out: int = 0
    cost: int = 0
    unsupported: list[str] = []


async def draft(
    place: Place,
    ask: Ask,
    *,
    tone: Tone = "professional",
    instructions: str = "",
    told: Callable[[str], None] | None = None,
) -> Draft:
    """Draft a reply. `instructions` are the team's own; `told` gets a model's text, unchecked, as it is written.

    Raises NotFound, OutOfCredits, Conflict `ai_cap_reached`, ModelFailed, and Invalid `no_answer` when there is
    nothing to answer or, without a model, nothing to answer it with.
    """
    began = clock.monotonic()
    found = await grounds.gather(place, ask)
    if not found.question:
        raise Invalid(message="There is nothing to answer yet.", code="no_answer")
    if found.may_use_model and models.is_configured(place.database.tools.settings):
        made = await _written(place, found, tone, instructions, told)
    else:
        made = await _extracted(place, found, began)
    async with place.tx() as tx:
        await documents.cited(tx, list({source.passage.document.id for source in made.sources}))
    return made


async def _extracted(place: Place, found: Grounds, began: float) -> Draft:
    quotes = extracts.quotes(found.question, found.passages)
    if not quotes:
        raise Invalid(message="The knowledge base does not answer this.", code="no_answer")
    confidence = round(quotes[0].passage.score, 2)
    async with spend.counted(place, Work(kind="reply", is_charged=True)) as outcome:
        outcome.ok, outcome.confidence = True, confidence
        outcome.elapsed_ms = round((clock.monotonic() - began) * 1000)
    return Draft(
        text=extracts.letter(quotes),
        model=EXTRACTIVE,
        provider=LOCAL,
        confidence=confidence,
        sources=[_quoted(quote) for quote in quotes],
        elapsed_ms=outcome.elapsed_ms,
    )


async def _written(
    place: Place, found: Grounds, tone: Tone, instructions: str, told: Callable[[str], None] | None
) -> Draft:
    tools = place.database.tools
    rules, given = prompt(found, tone, instructions)
    asked = models.estimate(rules) + models.estimate(given)
    most = spend.cost(tools.settings, asked, MOST_TOKENS)
    work = Work(
        kind="reply", provider=models.PROVIDER, tokens=asked + MOST_TOKENS, cost=most, is_charged=True
    )  # fmt: skip
    async with spend.counted(place, work) as outcome:
        http = await tools.operators_http()
        said = await models.complete(http, tools.settings, rules, given, MOST_TOKENS, told=told)
        spend.take(outcome, said, tools.settings)
        checked = checks.check(said.text, len(found.passages), [given, instructions])
        if not checked.text:
            raise models.ModelFailed("The model wrote nothing.")
        sources = [_cited(number, found.passages[number - 1]) for number in checked.cited]
        outcome.ok, outcome.confidence = True, _confidence(sources, checked.unsupported)
    return Draft(
        text=checked.text,
        model=said.model,
        provider=models.PROVIDER,
        confidence=outcome.confidence,
        sources=sources,
        elapsed_ms=outcome.elapsed_ms,
        tokens_in=outcome.tokens_in,
        tokens_out=outcome.tokens_out,
        cost=outcome.cost,
        unsupported=checked.unsupported,
    )


def prompt(found: Grounds, tone: Tone, instructions: str) -> tuple[str, str]:
    """What the model is told and what it is given. What others wrote is in the second alone, as strings of JSON."""
    wishes = f"\nThe team member who asks for this draft adds:\n{instructions.strip()}" if instructions.strip() else ""
    rules = prompts.render("reply", workspace=found.workspace, tone=prompts.tones()[tone], instructions=wishes)
    given: dict[str, Any] = {
        "customer": found.name,
        "subject": found.subject,
        "conversation": [{"from": turn.side, "text": turn.text} for turn in found.turns],
        "sources": [_told(number, passage) for number, passage in enumerate(found.passages, 1)],
    }
    return rules, msgspec.json.encode(given).decode()


def _told(number: int, passage: Passage) -> dict[str, Any]:
    source = passage.document
    told = {"number": number, "title": source.title, "heading": passage.heading, "text": passage.text}
    return told | ({"url": source.url} if source.url else {})


def _confidence(sources: Sequence[Source], unsupported: Sequence[str]) -> float:
    """How well the best cited source covers the question, half of it where something is borne out by nothing."""
    best = max((source.passage.score for source in sources), default=UNSURE)
    return round(best / 2 if unsupported else best, 2)


def _quoted(quote: Quote) -> Source:
    return Source(quote.number, quote.passage, quote.first, quote.last)


def _cited(number: int, passage: Passage) -> Source:
    return Source(number, passage, passage.first, passage.last)
