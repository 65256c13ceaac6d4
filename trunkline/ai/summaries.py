"""Summaries: what a contact's latest conversation was about; a model writes it, or its weightiest sentences stand."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

import msgspec
from msgspec import Struct

from trunkline.accounts import accounts, settings
from trunkline.ai import checks, grounds, models, prompts, spend
from trunkline.ai.events import ConversationSummarised
from trunkline.ai.extracts import SENTENCE
from trunkline.ai.grounds import Turn
from trunkline.ai.spend import Work
from trunkline.ai.wire import ModelFailed
from trunkline.core.db import Tx, sql
from trunkline.core.errors import Conflict
from trunkline.core.jobs import Desk, job
from trunkline.knowledge import words
from trunkline.knowledge.stopwords import STOPWORDS

MESSAGES = 100
LONGEST = 1000
"""Characters of a message that a model reads."""

MOST_TOKENS = 400
MOST_SENTENCES = 5
LONGEST_SENTENCE = 240


class Summary(Struct, frozen=True):
    conversation_id: int
    text: str
    at: datetime


async def request(tx: Tx, contact_id: int) -> None:
    """Have the contact's latest conversation summarised soon. It costs no credits; the event tells when it is done."""
    summarise.later(tx, contact_id, key=f"summary:{contact_id}")


async def of(tx: Tx, conversations: Sequence[int]) -> dict[int, Summary]:
    """The latest summary of each conversation that has one."""
    found = await tx.fetch(Summary, OF, tx.account, list(conversations))
    return {one.conversation_id: one for one in found}


@job("conversation.summarise", apart=True)
async def summarise(desk: Desk, contact_id: int) -> None:
    """Read the latest conversation and keep what it was about; nothing happens where nobody said anything."""
    async with desk.tx() as tx:
        id = await tx.value(int, LATEST, tx.account, contact_id)
        turns = await grounds.texts(tx, id, MESSAGES) if id is not None else []
        account = await accounts.current(tx)
    text = ""
    if turns and settings.value(account, "ai_use_model") and models.is_configured(desk.tools.settings):
        text = await _written(desk, account.name, turns)
    text = text or extract(turns)
    async with desk.tx() as tx:
        if id is not None and text and await tx.run(KEEP, tx.account, id, text):
            tx.record(ConversationSummarised(contact_id, id, text))
        await desk.finish(tx)


async def _written(desk: Desk, workspace: str, turns: Sequence[Turn]) -> str:
    """What the model says; empty when it fails or the month's limit is reached."""
    config = desk.tools.settings
    rules = prompts.render("summary", workspace=workspace)
    said = [{"from": turn.side, "text": turn.text[:LONGEST]} for turn in turns]
    given = msgspec.json.encode({"conversation": said}).decode()
    asked = models.estimate(rules) + models.estimate(given)
    most = spend.cost(config, asked, MOST_TOKENS)
    work = Work(kind="summary", provider=models.PROVIDER, tokens=asked + MOST_TOKENS, cost=most)
    try:
        async with spend.counted(desk, work) as outcome:
            http = await desk.tools.operators_http()
            answer = await models.complete(http, config, rules, given, MOST_TOKENS)
            spend.take(outcome, answer, config)
            outcome.ok = True
    except (ModelFailed, Conflict):
        return ""
    return checks.check(answer.text, 0, [given]).text


def extract(turns: Sequence[Turn]) -> str:
    """The sentences that say most, each with its side, in their order; the customer's first is always there."""
    sentences = [(turn.side, _cut(found[0])) for turn in turns for found in SENTENCE.finditer(turn.text)]
    weights = Counter(word for _, part in sentences for word in set(_telling(part)))
    values = [sum(weights[word] for word in set(_telling(part))) ** 0.5 for _, part in sentences]
    first = next((at for at, (side, _) in enumerate(sentences) if side == "customer"), 0)
    ranked = sorted(range(len(sentences)), key=lambda at: (at != first, -values[at], at))
    seen: set[str] = set()
    kept: list[int] = []
    for at in ranked:
        told = " ".join(words.words(sentences[at][1]))
        if told not in seen and len(kept) < MOST_SENTENCES:
            seen.add(told)
            kept.append(at)
    return "\n".join(f"{NAMES[sentences[at][0]]}: {sentences[at][1]}" for at in sorted(kept))


def _telling(text: str) -> list[str]:
    return [word for word in words.words(text) if word not in STOPWORDS and len(word) > 1]


def _cut(sentence: str) -> str:
    sentence = " ".join(sentence.split())
    return sentence if len(sentence) <= LONGEST_SENTENCE else sentence[: LONGEST_SENTENCE - 1] + "…"


NAMES = {"customer": "Customer", "team": "Team"}

LATEST = sql("""
    select id from conversations where account_id = $1 and contact_id = $2 and deleted_at is null
    order by last_message_at desc nulls last, id desc limit 1
""")

KEEP = sql("""
    update conversations set summary = $3, summarised_at = now(), updated_at = now()
    where account_id = $1 and id = $2 and deleted_at is null
""")

OF = sql("""
    select id as conversation_id, summary as text, summarised_at as at from conversations
    where account_id = $1 and id = any($2::bigint[]) and deleted_at is null and summary is not null
""")
