"""Grounds: what a reply is drawn from: what was said, and the passages of the knowledge base that may answer it."""

import re
from collections.abc import Sequence
from typing import Literal

import msgspec
import structlog
from msgspec import Struct

from trunkline.accounts import accounts, settings
from trunkline.ai.place import Place
from trunkline.ai.wire import ModelFailed
from trunkline.contacts import people
from trunkline.core.db import Tx
from trunkline.core.text import clean
from trunkline.inbox import conversations, history
from trunkline.inbox.history import Entry
from trunkline.knowledge import search, vectors
from trunkline.knowledge.search import Passage
from trunkline.knowledge.vectors import Vector

log = structlog.get_logger("ai")

PASSAGES = 5
TURNS = 12
LONGEST_TURN = 10_000
LONGEST_EARLIER = 2000
"""Of what was said before the last word."""


class Turn(Struct, frozen=True):
    """What somebody said. `customer` and `team` are the two sides, whoever of them wrote."""

    side: Literal["customer", "team"]
    text: str


class Ask(Struct, frozen=True, kw_only=True):
    """What to answer: a conversation, or a message with what was said before it.

    `categories` are those of the knowledge base that may answer; none are all.
    """

    conversation_id: int | None = None
    message: str = ""
    history: Sequence[Turn] = ()
    sender_name: str = ""
    subject: str = ""
    categories: Sequence[str] = ()


class Grounds(Struct, frozen=True, kw_only=True):
    """`turns` are oldest first and end with what is to be answered; `question` is that alone."""

    workspace: str
    may_use_model: bool
    name: str
    subject: str
    turns: list[Turn]
    question: str
    passages: list[Passage] = []


async def gather(place: Place, ask: Ask) -> Grounds:
    """Raises NotFound for a conversation that is not the account's. `question` is empty when nobody asks anything."""
    async with place.tx() as tx:
        grounds = await _said(tx, ask)
    if not grounds.question:
        return grounds
    asked = _questions(grounds.question)
    near = await _vector(place, asked[0]) if grounds.may_use_model else None
    async with place.tx() as tx:
        found: list[Passage] = []
        for category in ask.categories or (None,):
            found += await search.find(tx, asked[0], PASSAGES, category, vector=near)
            for question in asked[1:]:
                found += await search.find(tx, question, PASSAGES, category)
    passages = sorted({one.chunk: one for one in sorted(found, key=_score)}.values(), key=_score, reverse=True)
    kept = found[:PASSAGES] if len(asked) == 1 and len(ask.categories) < 2 else passages[:PASSAGES]
    return msgspec.structs.replace(grounds, passages=kept)


async def texts(tx: Tx, conversation_id: int, limit: int) -> list[Turn]:
    """The newest messages of a conversation, oldest first, without notes."""
    part = await history.read(tx, conversation_id, limit=limit * 2)
    said = [_turn(entry) for entry in part.entries if entry.type == "message"]
    return [turn for turn in said if turn.text][-limit:]


async def _said(tx: Tx, ask: Ask) -> Grounds:
    account = await accounts.current(tx)
    turns = [_cut(turn) for turn in ask.history] + [_cut(Turn("customer", ask.message))]
    name, subject = ask.sender_name, ask.subject
    if ask.conversation_id is not None:
        conversation = await conversations.get(tx, ask.conversation_id)
        turns = await texts(tx, conversation.id, TURNS)
        [contact] = await people.get_many(tx, [conversation.contact_id], deleted=True)
        name, subject = contact.first_name or "", conversation.subject or ""
    turns = [turn for turn in turns if turn.text][-TURNS:]
    turns = [*(_cut(turn, LONGEST_EARLIER) for turn in turns[:-1]), *turns[-1:]]
    return Grounds(
        workspace=account.name,
        may_use_model=settings.value(account, "ai_use_model"),
        name=clean(name),
        subject=clean(subject),
        turns=turns,
        question=_question(turns),
    )


def _turn(entry: Entry) -> Turn:
    return _cut(Turn("customer" if entry.direction == "in" else "team", entry.body))


def _cut(turn: Turn, most: int = LONGEST_TURN) -> Turn:
    return Turn(turn.side, clean(turn.text).strip()[:most])


def _question(turns: Sequence[Turn]) -> str:
    """What the customer wrote since the team's last word; without that, what they wrote last."""
    since = max((place for place, turn in enumerate(turns) if turn.side == "team"), default=-1)
    open_ones = [turn.text for turn in turns[since + 1 :]]
    asked = open_ones or [turn.text for turn in turns if turn.side == "customer"][-1:]
    return "\n".join(asked)[-LONGEST_TURN:]


def _questions(text: str) -> list[str]:
    """The whole, and where it says more than that the sentences that ask: a long letter hides its question."""
    asking = [sentence.strip() for sentence in SENTENCE.findall(text) if sentence.rstrip().endswith(ASKING)]
    return [text, *(one for one in asking[:MOST_QUESTIONS] if len(one) < len(text) * 0.8)]


async def _vector(place: Place, question: str) -> Vector | None:
    """Search goes by words alone when the embedding model is away."""
    try:
        return await vectors.of_question(place.database.tools, question)
    except ModelFailed as failed:
        log.warning("search without meaning", reason=failed.reason)
        return None


def _score(passage: Passage) -> float:
    return passage.score


SENTENCE = re.compile(r"[^.!?…。！？\n]+[.!?…。！？]*")
ASKING = ("?", "？")
MOST_QUESTIONS = 3
