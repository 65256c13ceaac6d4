"""Undoing: a reply that has not left yet is taken back, and the conversation looks as if it had never been written."""

from trunkline.core.db import Tx, sql
from trunkline.core.errors import Conflict, NotFound
from trunkline.inbox import changes, history
from trunkline.inbox.history import Entry
from trunkline.messaging import sending

UNDONE = "undone"
"""Why such a message is canceled; histories leave it out."""


async def take_back(tx: Tx, message_id: int) -> Entry:
    """Cancel a reply that waits; raises `Conflict` when it has gone already. Returns it, so that it can be mended."""
    if not 0 < message_id < 2**63:
        raise NotFound("message", message_id)
    entry = await history.message(tx, message_id)
    if entry.direction != "out" or not await sending.cancel(tx, [message_id], UNDONE):
        raise Conflict("already_sent", "It has been sent already.")
    await tx.run(RESTORE, tx.account, entry.conversation_id, UNDONE)
    changes.record_changed(tx, [entry.conversation_id])
    return entry


RESTORE = sql("""
    update conversations c set
        messages_count = greatest(c.messages_count - 1, 0),
        preview = coalesce(last.preview, ''),
        last_message_at = coalesce(last.created_at, c.created_at), updated_at = now(),
        waiting_since = coalesce(c.waiting_since, unanswered.since)
    from (select) one
    left join lateral (
        select left(coalesce(nullif(m.body, ''), m.subject, ''), 200) as preview, m.created_at from messages m
        where m.account_id = $1 and m.conversation_id = $2 and m.reason is distinct from $3
        order by m.id desc limit 1
    ) last on true
    cross join lateral (
        select min(i.created_at) as since from messages i
        where i.account_id = $1 and i.conversation_id = $2 and i.direction = 'in' and i.id > coalesce((
            select max(o.id) from messages o
            where o.account_id = $1 and o.conversation_id = $2 and o.direction = 'out' and o.user_id is not null
                and o.reason is distinct from $3), 0)
    ) unanswered
    where c.account_id = $1 and c.id = $2
""")
