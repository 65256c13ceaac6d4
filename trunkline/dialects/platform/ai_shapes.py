"""What drafted replies and sentiment look like on the platform's wire."""

from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct

from trunkline.ai import usage
from trunkline.ai.feelings import Feeling, Method, Mood, Urgency
from trunkline.ai.replies import Draft, Source, Tone
from trunkline.dialects.platform.conversation_shapes import Id

MOST_TEXT = 10_000

Text = Annotated[str, Meta(max_length=MOST_TEXT, examples=["Where is my order? I have been waiting for two weeks."])]


class TurnIn(Struct):
    """`user` is the customer, `assistant` your side."""

    role: Literal["user", "assistant"]
    content: Annotated[str, Meta(max_length=MOST_TEXT)]


class DraftIn(Struct):
    """One of `conversation_id` and `message` is needed. The other fields tell more of a message that stands alone."""

    conversation_id: Id | None = None
    message: Text | None = None
    conversation_history: Annotated[list[TurnIn], Meta(max_length=100)] = []
    sender_name: Annotated[str, Meta(max_length=255)] | None = None
    subject: Annotated[str, Meta(max_length=500)] | None = None
    tone: Tone = "professional"
    instructions: Annotated[str, Meta(max_length=2000)] | None = None


class SourceOut(Struct):
    """What `[number]` in the reply stands for: the places `start` to `end` in the text of a document."""

    number: int
    document_id: int
    document_uuid: UUID
    chunk_id: int
    title: str
    url: str | None
    start: int
    end: int
    score: float


class DraftOut(Struct):
    """`model` is extractive for a reply that quotes the knowledge base; `provider` is then local.

    `confidence` goes from 0 to 1. `cost` is in the money that the operator's prices are in. `unsupported` lists figures
    and addresses of the reply that are in no source and not in the conversation; such addresses are taken out of it.
    """

    reply: str
    tokens_used: int
    model: str
    confidence: float
    provider: str
    tokens_in: int
    tokens_out: int
    cost: float
    response_time_ms: int
    sources_used: list[SourceOut]
    unsupported: list[str]


class SentimentIn(Struct):
    """One of `text` and `conversation_id` is needed."""

    text: Text | None = None
    conversation_id: Id | None = None


class SentimentOut(Struct):
    """`method` says who judged: model, lexicon (words of a language that is known), emoji, or none.

    With none, `sentiment` is unknown, and `score` and `urgency` are null. `language` is an ISO 639-3 code, null where
    it is not clear. `confidence` grows with the number of words that speak; it is no probability.
    """

    sentiment: Feeling
    score: float | None
    emotions: list[str]
    urgency: Urgency | None
    confidence: float
    method: Method
    language: str | None


def draft(made: Draft) -> DraftOut:
    return DraftOut(
        reply=made.text,
        tokens_used=made.tokens_in + made.tokens_out,
        model=made.model,
        confidence=made.confidence,
        provider=made.provider,
        tokens_in=made.tokens_in,
        tokens_out=made.tokens_out,
        cost=usage.money(made.cost),
        response_time_ms=made.elapsed_ms,
        sources_used=[_source(source) for source in made.sources],
        unsupported=made.unsupported,
    )


def mood(found: Mood) -> SentimentOut:
    return SentimentOut(
        sentiment=found.sentiment,
        score=found.score,
        emotions=found.emotions,
        urgency=found.urgency,
        confidence=found.confidence,
        method=found.method,
        language=found.language,
    )


def _source(source: Source) -> SourceOut:
    passage = source.passage
    return SourceOut(
        number=source.number,
        document_id=passage.document.id,
        document_uuid=passage.document.uuid,
        chunk_id=passage.chunk,
        title=passage.document.title,
        url=passage.document.url,
        start=source.first,
        end=source.last,
        score=round(passage.score, 2),
    )
