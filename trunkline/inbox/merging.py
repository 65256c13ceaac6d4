"""Merging: two conversations with one contact become one; the other disappears with all that was said put in order."""

from collections.abc import Sequence

from trunkline.core.db import Tx, sql
from trunkline.core.errors import Conflict
from trunkline.inbox import conversations
from trunkline.inbox.events import ConversationDeleted, ConversationsChanged


async def merge(tx: Tx, into: int, others: Sequence[int]) -> None:
    """Put others into a conversation. All must be with the same contact."""
    others = sorted(set(others) - {into})
    await tx.column(int, LOCK, tx.account, sorted([into, *others]))
    target = await conversations.get(tx, into)
    for source in [await conversations.get(tx, id) for id in others]:
        if source.contact_id != target.contact_id:
            raise Conflict("other_contact", "Only conversations with the same contact can be merged.")
        await take_in(tx, source.id, target.id)


async def take_in(tx: Tx, source: int, target: int) -> None:
    """Move messages, notes and tags; the source is deleted. Both are locked already."""
    await tx.run(TAKE_IN, tx.account, source, target)
    await tx.run(LINKS, tx.account, source, target)
    await tx.run(NOTES, tx.account, source, target)
    await tx.run(MENTIONS, tx.account, source, target)
    await tx.run(TAGS, tx.account, source, target)
    await tx.run(GONE, tx.account, source)
    tx.record(ConversationDeleted(source))
    tx.record(ConversationsChanged([source, target]))


LOCK = sql("""
    select id from conversations where account_id = $1 and id = any($2::bigint[]) order by id for update
""")

MENTIONS = sql("update note_mentions set conversation_id = $3 where account_id = $1 and conversation_id = $2")

TAKE_IN = sql("""
    update conversations t set
        preview = case when s.last_message_at > coalesce(t.last_message_at, '-infinity') then s.preview
            else t.preview end,
        messages_count = t.messages_count + s.messages_count,
        ai_replies_count = t.ai_replies_count + s.ai_replies_count,
        is_ai_handled = t.is_ai_handled or s.is_ai_handled,
        visitor = coalesce(s.visitor, '{}') || coalesce(t.visitor, '{}'),
        is_read = t.is_read and s.is_read,
        waiting_since = least(t.waiting_since, s.waiting_since),
        assignee_id = coalesce(t.assignee_id, s.assignee_id),
        status = case when s.status = 'open' then 'open' else t.status end,
        resolved_at = case when s.status = 'open' then null else t.resolved_at end,
        snoozed_until = case when s.status = 'open' then null else t.snoozed_until end,
        last_message_at = greatest(t.last_message_at, s.last_message_at), updated_at = now()
    from conversations s where t.account_id = $1 and t.id = $3 and s.account_id = $1 and s.id = $2
""")

LINKS = sql("""
    with moved as (
        update messages set conversation_id = $3 where account_id = $1 and conversation_id = $2 returning id
    )
    update message_words set conversation_id = $3 where account_id = $1 and message_id in (select id from moved)
""")

NOTES = sql("update notes set conversation_id = $3 where account_id = $1 and conversation_id = $2")

TAGS = sql("""
    with gone as (delete from conversation_tags where account_id = $1 and conversation_id = $2 returning tag_id)
    insert into conversation_tags (account_id, tag_id, conversation_id) select $1, tag_id, $3 from gone
    on conflict do nothing
""")

GONE = sql("update conversations set deleted_at = now(), updated_at = now() where account_id = $1 and id = $2")
