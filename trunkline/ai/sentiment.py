"""Sentiment: how somebody feels about what they write of; by the model where there is one, else by lexicons."""

import re

import msgspec
import structlog
from msgspec import Struct

from trunkline.accounts import accounts, settings
from trunkline.ai import feelings, grounds, models, prompts, spend
from trunkline.ai.feelings import EMOTIONS, Feeling, Mood, Urgency
from trunkline.ai.place import Place
from trunkline.ai.spend import Work
from trunkline.ai.wire import ModelFailed
from trunkline.core import clock
from trunkline.core.db import Tx, sql
from trunkline.core.errors import Conflict, Invalid
from trunkline.inbox import changes

log = structlog.get_logger("ai")

MESSAGES = 5
LONGEST = 10_000
MOST_TOKENS = 200


class _Told(Struct, frozen=True):
    """What a model says of a text."""

    sentiment: Feeling
    score: float
    emotions: list[str] = []
    urgency: Urgency = "low"
    language: str | None = None


async def analyze(place: Place, text: str | None = None, *, conversation_id: int | None = None) -> Mood:
    """Judge a text, or what the customer wrote last in a conversation, which then keeps the result.

    When the model fails or the month's cap is reached, the lexicons judge; `method` says who did.
    """
    async with place.tx() as tx:
        may_use_model = settings.value(await accounts.current(tx), "ai_use_model")
        text = text if conversation_id is None else await _said(tx, conversation_id)
    assert text is not None
    mood = await _by_model(place, text) if may_use_model else None
    if mood is None:
        mood = await _by_lexicon(place, text)
    if conversation_id is not None and mood.sentiment != "unknown":
        async with place.tx() as tx:
            await keep(tx, conversation_id, mood.sentiment)
    return mood


async def keep(tx: Tx, conversation_id: int, sentiment: Feeling) -> None:
    """Write it on the conversation."""
    if await tx.run(KEEP, tx.account, conversation_id, sentiment):
        changes.record_changed(tx, [conversation_id])


async def _said(tx: Tx, conversation_id: int) -> str:
    """What the customer wrote in the newest messages, oldest first."""
    turns = await grounds.texts(tx, conversation_id, MESSAGES * 4)
    said = [turn.text for turn in turns if turn.side == "customer"][-MESSAGES:]
    if not said:
        raise Invalid({"conversation_id": ["The customer has not written anything in this conversation."]})
    return "\n".join(said)[-LONGEST:]


async def _by_lexicon(place: Place, text: str) -> Mood:
    began = clock.monotonic()
    async with spend.counted(place, Work(kind="sentiment")) as outcome:
        mood = feelings.read(text)
        outcome.ok, outcome.confidence = True, None if mood.sentiment == "unknown" else mood.confidence
        outcome.elapsed_ms = round((clock.monotonic() - began) * 1000)
    return mood


async def _by_model(place: Place, text: str) -> Mood | None:
    tools = place.database.tools
    if not models.is_configured(tools.settings):
        return None
    rules, given = prompts.render("sentiment"), msgspec.json.encode({"text": text}).decode()
    asked = models.estimate(rules) + models.estimate(given)
    most = spend.cost(tools.settings, asked, MOST_TOKENS)
    work = Work(kind="sentiment", provider=models.PROVIDER, tokens=asked + MOST_TOKENS, cost=most)
    try:
        async with spend.counted(place, work) as outcome:
            said = await models.complete(await tools.operators_http(), tools.settings, rules, given, MOST_TOKENS)
            spend.take(outcome, said, tools.settings)
            mood = _read(said.text)
            outcome.ok, outcome.confidence = True, mood.confidence
    except (ModelFailed, Conflict) as error:
        log.warning("sentiment without the model", reason=error.message)
        return None
    return mood


def _read(text: str) -> Mood:
    """What the model told, if it is what was asked for."""
    found = OBJECT.search(text)
    try:
        told = msgspec.json.decode(found[0] if found else b"", type=_Told)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise ModelFailed("The answer cannot be read.") from None
    if not -1 <= told.score <= 1 or told.sentiment == "unknown":
        raise ModelFailed("The answer cannot be read.")
    return Mood(
        sentiment=told.sentiment,
        score=round(told.score, 2),
        emotions=[name for name in dict.fromkeys(told.emotions) if name in EMOTIONS][:3],
        urgency=told.urgency,
        confidence=0.8,
        method="model",
        language=told.language if told.language and LANGUAGE.fullmatch(told.language) else None,
    )


OBJECT = re.compile(r"\{.*\}", re.DOTALL)
LANGUAGE = re.compile(r"[a-z]{3}")

KEEP = sql("""
    update conversations set sentiment = $3, updated_at = now()
    where account_id = $1 and id = $2 and deleted_at is null and sentiment is distinct from $3
""")
