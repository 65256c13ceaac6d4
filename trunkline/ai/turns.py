"""Turns: an assistant answers what a customer wrote since the last answer, once, whatever crashes in between.

A turn begins in one transaction and ends in another; the model is asked between them. What it costs is put aside before
and taken with the answer. The call of the job is the fence: who lost it to somebody else cannot end the turn.
"""

from datetime import timedelta

from msgspec import Struct

from trunkline.ai import assistants, spend, talks, thinking
from trunkline.ai.assistants import Assistant
from trunkline.ai.events import AssistantsOutOfCredits
from trunkline.ai.grounds import Ask, Turn
from trunkline.ai.speaking import Refused, Words
from trunkline.ai.talks import Talk
from trunkline.ai.thinking import Begun
from trunkline.ai.usage import Outcome
from trunkline.ai.wire import ModelFailed
from trunkline.contacts import people
from trunkline.core import clock
from trunkline.core.db import Tx, sql
from trunkline.core.errors import Invalid, OutOfCredits
from trunkline.core.jobs import Desk, job
from trunkline.inbox import conversations
from trunkline.knowledge import documents

HISTORY = 60
"""Messages of a conversation that are looked at."""


def key(contact_id: int) -> str:
    """Turns with one person are taken one after the other."""
    return f"assistant:{contact_id}"


@job("assistant.turn", queue="inbound", apart=True)
async def take(desk: Desk, conversation_id: int) -> None:
    """Answer what waits in a conversation, or hand it to people."""
    turn = await _begin(desk, conversation_id)
    if turn is None:
        return
    outcome = Outcome()
    try:
        said = await thinking.think(desk, turn, outcome)
        await _end(desk, turn, said, outcome)
    except OutOfCredits:
        await _rest(desk, turn, outcome)
    except ModelFailed:
        await _try_again(desk, turn, outcome)


async def _begin(desk: Desk, conversation_id: int) -> Begun | None:
    """Note that the turn is under way; None when there is nothing to answer, or not yet, or not for an assistant."""
    async with desk.tx() as tx:
        talk = await talks.lock(tx, conversation_id)
        if talk and talk.is_early:
            take.later(tx, conversation_id, key=desk.call.key, at=talk.due_at)
            await desk.finish(tx)
            return None
        turn = await _open(tx, talk) if talk else None
        if turn is None:
            await _leave(tx, conversation_id)
            await desk.finish(tx)
        return turn


async def _open(tx: Tx, talk: Talk) -> Begun | None:
    assistant = await _assistant(tx, talk)
    said = await tx.fetch(_Said, SAID, tx.account, talk.conversation_id, HISTORY)
    asked = [one for one in said if one.direction == "in" and one.id > talk.covered]
    if talk.taken == "person":
        await talks.pause(tx, [talk.conversation_id], "person")
    if talk.taken or assistant is None or not asked:
        return None
    row = await tx.one(
        _Row, OPEN, tx.account, talk.conversation_id, assistant.id, asked[0].id, asked[-1].id, len(asked)
    )
    if row.call_id is not None:
        await spend.finish(tx, row.call_id, Outcome())  # of a try that a crash cut off
    await tx.run(BEGUN, tx.account, talk.conversation_id)
    return Begun(
        id=row.id,
        talk=talk,
        assistant=assistant,
        asked=[one.body for one in asked],
        last=asked[-1].id,
        ask=await _ask(tx, talk, assistant, said),
        tries=row.tries,
        lately=await tx.value(int, LATELY, tx.account, talk.conversation_id, thinking.MOST_TURNS + 1) or 0,
    )


async def _assistant(tx: Tx, talk: Talk) -> Assistant | None:
    """The one that was chosen, if it still answers; else the default one."""
    present = talk.assistant_id
    return assistants.choose(await assistants.all_of(tx), "", named=None, present=present)


async def _ask(tx: Tx, talk: Talk, assistant: Assistant, said: list["_Said"]) -> Ask:
    conversation = await conversations.get(tx, talk.conversation_id)
    [contact] = await people.get_many(tx, [talk.contact_id], deleted=True)
    history = [one for one in said if one.direction == "out" or one.id <= talk.covered]
    return Ask(
        message="\n".join(one.body for one in said if one not in history),
        history=[Turn("customer" if one.direction == "in" else "team", one.body) for one in history],
        sender_name=contact.first_name or "",
        subject=conversation.subject or "",
        categories=assistant.categories,
    )


async def _end(desk: Desk, turn: Begun, said: Words | Refused, outcome: Outcome) -> None:
    try:
        await _settle(desk, turn, said, outcome)
    except Invalid:
        # No address, no window, opted out: nothing that another try would mend.
        await _settle(desk, turn, Refused("not_sent"), outcome)


async def _settle(desk: Desk, turn: Begun, said: Words | Refused, outcome: Outcome) -> None:
    """Say it, or hand over, and pay for it, in one transaction that ends the turn.

    Who stepped in while the model was thinking goes first: then nothing is said.
    """
    async with desk.tx() as tx:
        talk = await talks.lock(tx, turn.talk.conversation_id)
        outcome.ok = isinstance(said, Words) and talk is not None and talk.taken is None
        outcome.confidence = said.confidence if isinstance(said, Words) else None
        await _pay(tx, turn, outcome)
        if talk is None or talk.taken:
            await _leave(tx, turn.talk.conversation_id)
        elif isinstance(said, Words):
            sent = await talks.say(tx, talk, turn.assistant, said.text)
            await documents.cited(tx, said.documents)
            await tx.run(AWAKE, tx.account)
            await _close(tx, turn, "answered", outcome, reply=sent, said=said)
        else:
            await talks.hand_over(tx, talk, turn.assistant, said.reason, "\n".join(turn.asked), said.why)
            await _close(tx, turn, "handed_over", outcome, reason=said.reason)
        await desk.finish(tx)


async def _rest(desk: Desk, turn: Begun, outcome: Outcome) -> None:
    """Nothing to pay with: people find the message unread, and hear once why."""
    outcome.ok = False
    async with desk.tx() as tx:
        await talks.lock(tx, turn.talk.conversation_id)
        await _pay(tx, turn, outcome)
        await _close(tx, turn, "no_credits", outcome)
        if await tx.run(REST, tx.account):
            tx.record(AssistantsOutOfCredits(turn.talk.contact_id, turn.talk.conversation_id))
        await desk.finish(tx)


async def _try_again(desk: Desk, turn: Begun, outcome: Outcome) -> None:
    """Later, with what has been written meanwhile; the turn stays open."""
    outcome.ok = False
    async with desk.tx() as tx:
        await _pay(tx, turn, outcome)
        await tx.run(FAILED, tx.account, turn.id)
        at = clock.now() + timedelta(seconds=thinking.pause(turn.tries))
        take.later(tx, turn.talk.conversation_id, key=desk.call.key, at=at)
        await desk.finish(tx)


async def _pay(tx: Tx, turn: Begun, outcome: Outcome) -> None:
    """Take what was put aside, or without success give it back."""
    call = await tx.value(int, CALL, tx.account, turn.id)
    if call is not None:
        await spend.finish(tx, call, outcome)


async def _leave(tx: Tx, conversation_id: int) -> None:
    """Somebody else looks after it: whatever was begun ends without a word."""
    await tx.run(BEGUN, tx.account, conversation_id)
    for call in await tx.column(int, LEAVE, tx.account, conversation_id):
        if call:
            await spend.finish(tx, call, Outcome())


async def _close(
    tx: Tx,
    turn: Begun,
    name: str,
    outcome: Outcome,
    *,
    reason: str | None = None,
    reply: int | None = None,
    said: Words | None = None,
) -> None:
    drawn = (said.model, said.sources, said.confidence) if said else (None, [], None)
    used = (outcome.tokens_in, outcome.tokens_out)
    await tx.run(CLOSE, tx.account, turn.id, name, reason, reply, *drawn, *used)
    await tx.run(COVER, tx.account, turn.talk.conversation_id, turn.last)


class _Said(Struct, frozen=True):
    id: int
    direction: str
    body: str


class _Row(Struct, frozen=True):
    id: int
    tries: int
    call_id: int | None


SAID = sql("""
    select id, direction, body from (
        select id, direction, coalesce(body, '') as body from messages
        where account_id = $1 and conversation_id = $2 and kind in ('text', 'html')
        order by id desc limit $3
    ) newest order by id
""")

OPEN = sql("""
    insert into assistant_turns as t
        (account_id, conversation_id, assistant_id, first_message, last_message, messages_count)
    values ($1, $2, $3, $4, $5, $6)
    on conflict (account_id, conversation_id) where outcome = 'running' do update set
        assistant_id = excluded.assistant_id, last_message = excluded.last_message,
        messages_count = excluded.messages_count
    returning id, tries, call_id
""")

LATELY = sql("""
    select count(*) from (
        select from assistant_turns
        where account_id = $1 and conversation_id = $2 and started_at > now() - interval '1 hour'
        order by id desc limit $3
    ) latest
""")

BEGUN = sql("""
    update assistant_talks set waiting_since = null, due_at = null where account_id = $1 and conversation_id = $2
""")

CALL = sql("select call_id from assistant_turns where account_id = $1 and id = $2 and outcome = 'running'")

FAILED = sql("""
    update assistant_turns set tries = tries + 1, call_id = null
    where account_id = $1 and id = $2 and outcome = 'running'
""")

LEAVE = sql("""
    update assistant_turns set outcome = 'left', ended_at = now()
    where account_id = $1 and conversation_id = $2 and outcome = 'running' returning call_id
""")

CLOSE = sql("""
    update assistant_turns set outcome = $3, reason = $4, reply_id = $5, model = $6, sources = $7, confidence = $8,
        tokens_in = $9, tokens_out = $10, ended_at = now()
    where account_id = $1 and id = $2 and outcome = 'running'
""")

COVER = sql("""
    update assistant_talks set covered = greatest(covered, $3)
    where account_id = $1 and conversation_id = $2
""")

REST = sql("insert into assistant_rests (account_id) values ($1) on conflict do nothing")

AWAKE = sql("delete from assistant_rests where account_id = $1")
