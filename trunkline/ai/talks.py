"""Talks: how assistants stand in conversations: which one answers there, whose turn it is, and who took over.

Turns and hearing hold the lock of the conversation meanwhile: by `lock`, or from filing, which has it.
"""

import contextlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from msgspec import Struct

from trunkline.ai import assistants
from trunkline.ai.assistants import Assistant
from trunkline.ai.events import HumanAlerted
from trunkline.core import clock, opaque
from trunkline.core.db import Tx, sql
from trunkline.core.errors import Invalid, NotFound, OutOfCredits
from trunkline.core.events import Happened
from trunkline.inbox import changes, notes, replies
from trunkline.inbox.changes import Changes

Reason = Literal[
    "asked_for_human",
    "model",
    "no_relevant_source",
    "unsupported",
    "failed",
    "unreadable",
    "not_sent",
    "too_many",
    "person",
]
"""Why people look after a conversation: `model` saw that it had better not answer, `person` just took over."""

LAST_WORDS = 500


class Talk(Struct, frozen=True):
    """`is_early` says that somebody may still be writing. `taken` is why no assistant may answer: `off` for now, or
    `person`, as a colleague has written; None when one may."""

    conversation_id: int
    contact_id: int
    channel: str
    assistant_id: int | None
    covered: int
    is_early: bool
    due_at: Any
    taken: str | None


async def lock(tx: Tx, conversation_id: int) -> Talk | None:
    """The talk of a conversation, nobody else's until the commit. None when there is none any more."""
    await tx.run(LOCK, tx.account, conversation_id)
    return await tx.maybe(Talk, LOOK, tx.account, conversation_id)


async def route(tx: Tx, conversation_id: int, assistant_id: int | None) -> None:
    """Let this assistant answer in a conversation from now on.

    Raises NotFound, for "campaign" as integrations call assistants, or for "conversation".
    """
    found = await assistants.get(tx, assistant_id)
    if not await tx.run(ROUTE, tx.account, conversation_id, found.id):
        raise NotFound("conversation", conversation_id)


async def present(tx: Tx, conversations: Sequence[int]) -> dict[int, int]:
    """The assistant of each conversation that has one."""
    return dict(await tx.rows(PRESENT, tx.account, list(conversations)))


async def pause(tx: Tx, conversations: Sequence[int], reason: Reason) -> None:
    """Leave conversations to people until they are closed or resumed."""
    if conversations:
        await tx.run(PAUSE, tx.account, list(conversations), reason)


async def resume(tx: Tx, conversations: Sequence[int], at: datetime | None = None) -> None:
    """Let assistants answer again what is written from now on, or from `at`."""
    if conversations:
        await tx.run(RESUME, tx.account, list(conversations), at or clock.now())


async def resolved(tx: Tx, happened: Sequence[Happened]) -> None:
    """Reaction: who writes after a conversation was closed begins anew, with the assistant."""
    for one in happened:
        await resume(tx, [one.event.id], one.created_at)


async def hand_over(tx: Tx, talk: Talk, assistant: Assistant, reason: Reason, said: str, why: str = "") -> None:
    """Give a conversation to people: they find it open and unread with a note, and the customer is told if wished."""
    await pause(tx, [talk.conversation_id], reason)
    await changes.update(tx, talk.conversation_id, Changes(status="open", is_read=False))
    words = f"{assistant.name} handed this conversation over: {NOTES[reason]}"
    await notes.add(tx, talk.conversation_id, f"{words} {why}".strip(), None)
    tx.record(HumanAlerted(talk.contact_id, talk.conversation_id, assistant.id, reason, said[-LAST_WORDS:]))
    if assistant.handover_text:
        # Whoever cannot be written to, or paid for, has been handed over all the same.
        with contextlib.suppress(Invalid, OutOfCredits):
            await say(tx, talk, assistant, assistant.handover_text)


async def say(tx: Tx, talk: Talk, assistant: Assistant, text: str) -> int:
    """Queue a message of an assistant and return its id. Integrations see which campaign it is of."""
    marks: dict[str, Any] = {}
    if talk.channel != "email":
        marks["campaign_id"] = opaque.write(tx.database.tools.vault, assistants.OPAQUE, assistant.id)
    sent = await replies.reply(tx, talk.conversation_id, text, user_id=None, by_ai=True, marks=marks)
    return sent.id


NOTES: dict[str, str] = {
    "asked_for_human": "the customer asks for a person.",
    "model": "a person had better answer.",
    "no_relevant_source": "the knowledge base does not answer this.",
    "unsupported": "what was drafted named facts that no source bears out.",
    "failed": "no answer came about after several tries.",
    "unreadable": "there is no text in the message.",
    "not_sent": "the answer could not be sent.",
    "too_many": "it has answered very often within an hour, perhaps another machine.",
}

LOCK = sql("select id from conversations where account_id = $1 and id = $2 for no key update")

TAKEN = """
    case
        when c.status not in ('open', 'pending') or c.assignee_id is not null or t.paused_at is not null
            or not p.bot_active or p.do_not_disturb or p.status <> 'active' or p.deleted_at is not null
            or exists (select from tickets k where k.account_id = $1 and k.contact_id = c.contact_id
                and k.status = 'open')
            then 'off'
        when exists (select from (
                select o.direction, o.user_id, o.created_at from messages o
                where o.account_id = $1 and o.conversation_id = c.id and o.id > greatest(t.covered, t.resumed_after, 0)
                order by o.id desc limit 50) o
            where o.direction = 'out' and o.user_id is not null
                and (t.conversation_id is not null or o.created_at > now() - interval '24 hours'))
            then 'person'
    end
"""
"""Where no assistant has spoken yet, a colleague's word counts for a day; afterwards until the end of the talk."""

SOURCE = """
    conversations c join contacts p on p.account_id = $1 and p.id = c.contact_id
    left join assistant_talks t on t.account_id = $1 and t.conversation_id = c.id
"""

LOOK = sql(f"""
    select c.id as conversation_id, c.contact_id, c.channel, t.assistant_id, t.covered,
        coalesce(t.due_at > clock_timestamp(), false) as is_early, t.due_at, {TAKEN} as taken
    from {SOURCE}
    where c.account_id = $1 and c.id = $2 and c.deleted_at is null and t.conversation_id is not null
""")

ROUTE = sql("""
    insert into assistant_talks as t (account_id, conversation_id, assistant_id, covered, resumed_after)
    select $1, c.id, $3, newest.id, newest.id
    from conversations c cross join lateral (
        select coalesce(max(m.id), 0) as id from messages m where m.account_id = $1 and m.conversation_id = c.id
    ) newest
    where c.account_id = $1 and c.id = $2 and c.deleted_at is null
    on conflict (account_id, conversation_id) do update set assistant_id = excluded.assistant_id
""")

PRESENT = sql("""
    select t.conversation_id, t.assistant_id from assistant_talks t
    join assistants a on a.account_id = $1 and a.id = t.assistant_id and a.deleted_at is null
    where t.account_id = $1 and t.conversation_id = any($2::bigint[])
""")

PAUSE = sql("""
    insert into assistant_talks as t (account_id, conversation_id, paused_at, reason)
    select $1, id, now(), $3 from unnest($2::bigint[]) as given (id) order by id
    on conflict (account_id, conversation_id) do update set
        paused_at = coalesce(t.paused_at, excluded.paused_at), reason = coalesce(t.reason, excluded.reason)
""")

RESUME = sql("""
    update assistant_talks t set paused_at = null, reason = null, covered = newest.id, resumed_after = newest.id
    from unnest($2::bigint[]) as given (id) cross join lateral (
        select coalesce(max(m.id), 0) as id from messages m
        where m.account_id = $1 and m.conversation_id = given.id and m.created_at <= $3
    ) newest
    where t.account_id = $1 and t.conversation_id = given.id
""")
