"""Thinking: what an assistant comes to, between the transactions of a turn: a model's words, a quote, or no answer."""

from msgspec import Struct

from trunkline.ai import grounds, models, speaking, spend, wishes
from trunkline.ai.assistants import Assistant
from trunkline.ai.grounds import Ask, Grounds
from trunkline.ai.speaking import Refused, Words
from trunkline.ai.spend import Work
from trunkline.ai.talks import Talk
from trunkline.ai.usage import Outcome
from trunkline.core.db import sql
from trunkline.core.errors import Conflict
from trunkline.core.jobs import SUSPECT_LOST, Desk

MOST_TOKENS = 900
PAUSES = (10, 45)
"""Seconds until a model is asked again that gave nothing of use; then the knowledge base is quoted."""

MOST_FAILURES = 3
MOST_TURNS = 30
"""Within an hour in one conversation: two machines that answer each other must come to an end."""


class Begun(Struct, frozen=True, kw_only=True):
    """A turn under way. `asked` are the messages that it answers, `ask` what the answer is drawn from.

    `lately` counts the turns of the conversation within the last hour, this one too.
    """

    id: int
    talk: Talk
    assistant: Assistant
    asked: list[str]
    last: int
    ask: Ask
    tries: int
    lately: int


async def think(desk: Desk, turn: Begun, outcome: Outcome) -> Words | Refused:
    """What to say; `outcome` takes what the model used. What it costs is put aside under the turn.

    Raises OutOfCredits, and ModelFailed when the model should be asked again.
    """
    if not any(text.strip() for text in turn.asked):
        return Refused("unreadable")
    if any(map(wishes.asks_for_human, turn.asked)):
        return Refused("asked_for_human")
    if desk.call.failures >= MOST_FAILURES or desk.call.lost >= SUSPECT_LOST:
        return Refused("failed")
    if turn.lately > MOST_TURNS:
        return Refused("too_many")
    found = await grounds.gather(desk, turn.ask)
    if found.may_use_model and models.is_configured(desk.tools.settings) and turn.tries <= len(PAUSES):
        said = await _written(desk, turn, found, outcome)
        if said is not None:
            return said
    said = speaking.quoted(found, turn.talk.channel, otherwise="failed" if turn.tries else "no_relevant_source")
    if isinstance(said, Words):
        await _put_aside(desk, turn, Work(kind="reply", is_charged=True))
    return said


def pause(tries: int) -> int:
    """Seconds until the next try."""
    return PAUSES[tries] if tries < len(PAUSES) else 0


async def _written(desk: Desk, turn: Begun, found: Grounds, outcome: Outcome) -> Words | Refused | None:
    """What the model says; None when the month's limit of its use is reached."""
    config, channel = desk.tools.settings, turn.talk.channel
    rules, given = speaking.prompt(found, turn.assistant, channel)
    asked = models.estimate(rules) + models.estimate(given)
    most = spend.cost(config, asked, MOST_TOKENS)
    work = Work(kind="reply", provider=models.PROVIDER, tokens=asked + MOST_TOKENS, cost=most, is_charged=True)
    try:
        await _put_aside(desk, turn, work)
    except Conflict:
        return None
    said = await models.complete(await desk.tools.operators_http(), config, rules, given, MOST_TOKENS)
    spend.take(outcome, said, config)
    return speaking.judged(said.text, said.model, found, given, turn.assistant, channel)


async def _put_aside(desk: Desk, turn: Begun, work: Work) -> None:
    """What the turn may take. Raises OutOfCredits, and Conflict at the month's limit."""
    async with desk.tx() as tx:
        call = await spend.begin(tx, work)
        await tx.run(PAID, tx.account, turn.id, call)


PAID = sql("update assistant_turns set call_id = $3 where account_id = $1 and id = $2 and outcome = 'running'")
