"""Joining: the visitor of a chat window turned out to be somebody we know, so what they said there is that one's."""

from collections.abc import Sequence

from trunkline.contacts import people, urns
from trunkline.core.db import Tx, sql
from trunkline.core.events import Happened
from trunkline.core.jobs import job
from trunkline.core.urns import Urn
from trunkline.inbox.events import ConversationDeleted, ConversationsChanged


async def visitors_joined(tx: Tx, happened: Sequence[Happened]) -> None:
    """Reaction: after the messages of theirs that wait for an answer already, hence the same queue and key."""
    for one in happened:
        event = one.event
        join.later(tx, event.contact_id, event.into_id, event.channel_id, event.addresses, key=str(event.contact_id))


@job("chat.join", queue="inbound")
async def join(tx: Tx, contact_id: int, into_id: int, channel_id: int, addresses: list[str]) -> None:
    """Give addresses, messages and conversation of one contact on one channel to another.

    The first one is deleted when nothing else is known of them.
    """
    if contact_id == into_id or len(await tx.column(int, LOCK, tx.account, sorted({contact_id, into_id}))) < 2:
        return
    moved = await urns.remove(tx, contact_id, [Urn("webchat", path) for path in addresses])
    await urns.add(tx, into_id, moved)
    await _join_conversations(tx, contact_id, into_id, channel_id)
    await tx.run(MESSAGES, tx.account, contact_id, into_id, channel_id)
    if not await tx.value(bool, IS_SOMEBODY, tx.account, contact_id):
        await people.delete(tx, [contact_id])


async def _join_conversations(tx: Tx, contact_id: int, into_id: int, channel_id: int) -> None:
    """The other contact's living conversation takes it all in; without one it simply changes hands."""
    living = await tx.rows(LIVING, tx.account, [contact_id, into_id], channel_id)
    homes: dict[int, int] = {contact: id for id, contact in living}
    source, target = homes.get(contact_id), homes.get(into_id)
    if source is None:
        return
    if target is None:
        await tx.run(HAND_OVER, tx.account, source, into_id)
        tx.record(ConversationsChanged([source]))
        return
    await tx.run(TAKE_IN, tx.account, source, target)
    await tx.run(LINKS, tx.account, source, target)
    await tx.run(NOTES, tx.account, source, target)
    await tx.run(TAGS, tx.account, source, target)
    await tx.run(GONE, tx.account, source)
    tx.record(ConversationDeleted(source))
    tx.record(ConversationsChanged([source, target]))


LOCK = sql("""
    select id from contacts where account_id = $1 and id = any($2) and deleted_at is null order by id for no key update
""")

LIVING = sql("""
    select id, contact_id from conversations
    where account_id = $1 and contact_id = any($2) and channel_id = $3 and thread = '' and deleted_at is null
    order by id for update
""")

HAND_OVER = sql("update conversations set contact_id = $3, updated_at = now() where account_id = $1 and id = $2")

TAKE_IN = sql("""
    update conversations t set
        preview = case when s.last_message_at > coalesce(t.last_message_at, '-infinity') then s.preview
            else t.preview end,
        messages_count = t.messages_count + s.messages_count,
        ai_replies_count = t.ai_replies_count + s.ai_replies_count,
        is_ai_handled = t.is_ai_handled or s.is_ai_handled,
        visitor = coalesce(s.visitor, '{}') || coalesce(t.visitor, '{}'),
        is_read = t.is_read and s.is_read,
        assignee_id = coalesce(t.assignee_id, s.assignee_id),
        status = case when s.status = 'open' then 'open' else t.status end,
        resolved_at = case when s.status = 'open' then null else t.resolved_at end,
        snoozed_until = case when s.status = 'open' then null else t.snoozed_until end,
        last_message_at = greatest(t.last_message_at, s.last_message_at), updated_at = now()
    from conversations s where t.account_id = $1 and t.id = $3 and s.account_id = $1 and s.id = $2
""")

LINKS = sql("update messages set conversation_id = $3 where account_id = $1 and conversation_id = $2")

NOTES = sql("update notes set conversation_id = $3 where account_id = $1 and conversation_id = $2")

TAGS = sql("""
    with gone as (delete from conversation_tags where account_id = $1 and conversation_id = $2 returning tag_id)
    insert into conversation_tags (account_id, tag_id, conversation_id) select $1, tag_id, $3 from gone
    on conflict do nothing
""")

GONE = sql("update conversations set deleted_at = now(), updated_at = now() where account_id = $1 and id = $2")

# Broadcasts reach a contact once, so theirs stay where they are.
MESSAGES = sql("""
    update messages set contact_id = $3
    where account_id = $1 and contact_id = $2 and channel_id = $4 and broadcast_id is null
""")

# Whatever a colleague, an import or another channel knows of somebody makes them more than a passer-by.
IS_SOMEBODY = sql("""
    select exists (select from urns where account_id = $1 and contact_id = $2)
        or exists (select from messages where account_id = $1 and contact_id = $2)
        or exists (select from conversations where account_id = $1 and contact_id = $2 and deleted_at is null)
        or exists (select from contact_tags where account_id = $1 and contact_id = $2)
        or exists (select from group_members where account_id = $1 and contact_id = $2)
        or exists (select from contacts where account_id = $1 and id = $2
            and (fields <> '{}' or phone is not null or email is not null or company_id is not null))
""")
