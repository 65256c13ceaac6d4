"""Hearing: which inbound messages assistants answer. One turn answers a burst, some seconds after its last message."""

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from trunkline.ai import assistants, talks, turns
from trunkline.ai.assistants import Assistant
from trunkline.core.db import Tx, sql
from trunkline.messaging.events import MessageReceived


async def hear(tx: Tx, messages: Sequence[MessageReceived]) -> set[int]:
    """Let assistants answer what is theirs, filed messages all; returns those messages. The others are people's."""
    found = await assistants.all_of(tx) if messages else []
    if not any(one.is_active for one in found):
        return set()
    known = {message.id: message for message in messages}
    placed = await tx.fetch(_Placed, PLACED, tx.account, list(known))
    await talks.pause(tx, [one.conversation_id for one in placed if one.taken == "person"], "person")
    chosen: dict[int, tuple[_Placed, Assistant]] = {}
    heard: set[int] = set()
    for one in placed:
        message = known[one.message_id]
        who = assistants.choose(found, message.text, named=message.assistant_id, present=one.assistant_id)
        if who and one.taken is None:
            chosen.setdefault(one.conversation_id, (one, who))
            heard.add(one.message_id)
    if chosen:
        await _await(tx, list(chosen.values()))
    return heard


async def _await(tx: Tx, chosen: Sequence[tuple["_Placed", Assistant]]) -> None:
    """Move the beginnings of turns that wait, and enqueue those that do not yet."""
    contacts = {placed.conversation_id: placed.contact_id for placed, _ in chosen}
    rows = sorted(
        (placed.conversation_id, placed.message_id, who.id, who.wait_seconds, who.most_seconds)
        for placed, who in chosen
    )
    columns = [list(column) for column in zip(*rows, strict=True)]
    for waiting in await tx.fetch(_Waiting, WAIT, tx.account, *columns):
        if waiting.is_new:
            key = turns.key(contacts[waiting.conversation_id])
            turns.take.later(tx, waiting.conversation_id, key=key, at=waiting.due_at)


class _Placed(Struct, frozen=True):
    message_id: int
    conversation_id: int
    contact_id: int
    assistant_id: int | None
    taken: str | None


class _Waiting(Struct, frozen=True):
    conversation_id: int
    due_at: datetime
    is_new: bool


# Who writes from the address of a channel of ours would be answered by ourselves, for ever.
PLACED = sql(f"""
    select m.id as message_id, c.id as conversation_id, c.contact_id, t.assistant_id,
        case when exists (select from channels h
            where h.account_id = $1 and h.address = m.address and h.deleted_at is null) then 'off'
        else {talks.TAKEN} end as taken
    from messages m join {talks.SOURCE} on m.conversation_id = c.id
    where m.account_id = $1 and m.id = any($2::bigint[]) and c.account_id = $1 and c.deleted_at is null
    order by m.id
""")

# A turn that is under way, or tried again, knows its messages by `covered`, which then has to stay. Should the call
# of a turn be lost for good, the wait for it ends after a quarter of an hour.
WAIT = sql("""
    with given as (
        select r.*, now() + make_interval(secs => r.wait) as due_at, now() + make_interval(secs => r.most) as latest
        from unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::int[], $6::int[])
            as r (conversation_id, message_id, assistant_id, wait, most)
    ), waiting as (
        select g.*, t.waiting_since
        from given g left join assistant_talks t on t.account_id = $1 and t.conversation_id = g.conversation_id
            and t.waiting_since > now() - interval '15 minutes'
    ), kept as (
        insert into assistant_talks as t
            (account_id, conversation_id, assistant_id, covered, resumed_after, waiting_since, due_at)
        select $1, conversation_id, assistant_id, message_id - 1, message_id - 1, coalesce(waiting_since, now()),
            case when waiting_since is null then due_at
                else least(due_at, waiting_since + (latest - now())) end
        from waiting order by conversation_id
        on conflict (account_id, conversation_id) do update set
            assistant_id = excluded.assistant_id,
            waiting_since = excluded.waiting_since,
            due_at = excluded.due_at,
            covered = case when excluded.waiting_since < now() or exists (
                    select from assistant_turns u where u.account_id = t.account_id
                        and u.conversation_id = t.conversation_id and u.outcome = 'running')
                then t.covered else greatest(t.covered, excluded.covered) end
        returning t.conversation_id, t.due_at, t.waiting_since
    )
    select conversation_id, due_at, waiting_since = now() as is_new from kept
""")
