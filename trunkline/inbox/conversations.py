"""Conversations: one living thread with a contact on a channel; on e-mail one per subject or reply chain."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from trunkline.contacts.records import TagRef
from trunkline.core import clock
from trunkline.core.db import Tx, sql
from trunkline.core.errors import Invalid, NotFound
from trunkline.core.ids import new_uuid
from trunkline.inbox import changes, threads
from trunkline.inbox.changes import Changed
from trunkline.inbox.events import (
    ConversationAssigned,
    ConversationDeleted,
    ConversationOpened,
    ConversationReopened,
    ConversationsChanged,
)
from trunkline.messaging.channels import Channel

PREVIEW = 200


class Assignee(Struct, frozen=True):
    id: int
    name: str
    email: str


class Conversation(Struct, frozen=True):
    """`channel` is the kind: email, sms, web_chat …"""

    id: int
    uuid: UUID
    contact_id: int
    channel_id: int
    channel: str
    thread: str
    status: str
    priority: str
    subject: str | None
    preview: str
    sentiment: str | None
    assignee_id: int | None
    assignee_name: str | None
    assignee_email: str | None
    topic_id: int | None
    is_starred: bool
    is_pinned: bool
    is_read: bool
    is_ai_handled: bool
    is_ticket: bool
    messages_count: int
    ai_replies_count: int
    visitor: dict[str, Any] | None
    snoozed_until: datetime | None
    first_response_at: datetime | None
    resolved_at: datetime | None
    last_message_at: datetime | None
    created_at: datetime
    updated_at: datetime
    tagged: list[dict[str, Any]]

    @property
    def tags(self) -> list[TagRef]:
        return msgspec.convert(self.tagged, list[TagRef])

    @property
    def assignee(self) -> Assignee | None:
        if self.assignee_id is None or self.assignee_email is None:
            return None
        return Assignee(self.assignee_id, self.assignee_name or "", self.assignee_email)


class Replied(Struct, frozen=True, kw_only=True):
    """A message that left us in a conversation; `user_id` is who wrote it, None for automations.

    Its words are found by searches when `message_id` names it.
    """

    conversation_id: int
    text: str
    at: datetime
    user_id: int | None = None
    by_ai: bool = False
    message_id: int = 0


async def get(tx: Tx, id: int) -> Conversation:
    found = await get_many(tx, [id])
    if not found:
        raise NotFound("conversation", id)
    return found[0]


async def get_many(tx: Tx, ids: Sequence[int]) -> list[Conversation]:
    """The living ones among these, by id."""
    possible = [id for id in ids if 0 < id < 2**63]
    return await tx.fetch(Conversation, SELECT, tx.account, possible) if possible else []


async def by_uuids(tx: Tx, uuids: Sequence[UUID]) -> list[Conversation]:
    """The living ones among these, by id."""
    return await tx.fetch(Conversation, BY_UUID, tx.account, uuids)


async def start(
    tx: Tx,
    contact_id: int,
    channel: Channel,
    *,
    subject: str | None = None,
    priority: str = "normal",
    user_id: int | None = None,
) -> Conversation:
    """Begin to talk to a contact: the living conversation on that channel, or a new one.

    It is open and belongs to `user_id` afterwards.
    """
    changes.check_priority(priority)
    thread = threads.key(channel.sends_as, subject)
    row = (contact_id, channel.id, channel.sends_as, thread, priority, subject, user_id)
    found = await tx.rows(START, tx.account, new_uuid(), *row)
    if not found:
        raise Invalid({"contact_id": ["The selected contact id is invalid."]})
    [(id, status, is_new)] = found
    if status != "open":
        await changes.reopen(tx, [id], statuses=("pending", "snoozed", "closed", "spam"))
    if is_new:
        tx.record(ConversationOpened(id, contact_id, channel.id, channel.sends_as))
    elif user_id is not None:
        tx.record(ConversationAssigned(id, contact_id, user_id))
    return await get(tx, id)


async def replied(tx: Tx, replies: Sequence[Replied]) -> None:
    """Keep the books after messages went out; call it with each message that is queued in a conversation.

    A person's reply reopens a closed conversation and marks the first response; an automation's does neither.
    """
    if not replies:
        return
    latest = sorted(replies, key=lambda reply: reply.at)
    columns = (
        [reply.conversation_id for reply in latest],
        [reply.text[:PREVIEW] for reply in latest],
        [reply.at for reply in latest],
        [reply.user_id for reply in latest],
        [reply.by_ai for reply in latest],
        [reply.message_id for reply in latest],
    )
    moved = await tx.fetch(Changed, REPLIED, tx.account, *columns)
    for one in moved:
        if one.before == "closed" and one.status == "open":
            tx.record(ConversationReopened(one.id, one.contact_id, one.channel))
    changes.record_changed(tx, [one.id for one in moved])


async def mark_read(tx: Tx, ids: Sequence[int]) -> None:
    """Somebody looked at them."""
    changes.record_changed(tx, await tx.column(int, MARK_READ, tx.account, ids))


async def delete(tx: Tx, id: int) -> None:
    """Put it out of sight for good; the next message of the contact opens a new one."""
    if not await tx.run(DELETE, tx.account, id, clock.now()):
        raise NotFound("conversation", id)
    tx.record(ConversationDeleted(id))
    tx.record(ConversationsChanged([id]))


COLUMNS = """
    c.id, c.uuid, c.contact_id, c.channel_id, c.channel, c.thread, c.status, c.priority, c.subject, c.preview,
    c.sentiment, c.assignee_id, u.name as assignee_name, u.email as assignee_email, c.topic_id, c.is_starred,
    c.is_pinned, c.is_read, c.is_ai_handled, c.is_ticket, c.messages_count, c.ai_replies_count, c.visitor,
    c.snoozed_until, c.first_response_at, c.resolved_at, c.last_message_at, c.created_at, c.updated_at,
    coalesce((
        select jsonb_agg(jsonb_build_object('id', t.id, 'name', t.name, 'color', t.color)
            order by t.name_key, t.id)
        from conversation_tags ct join tags t on t.account_id = ct.account_id and t.id = ct.tag_id
        where ct.account_id = c.account_id and ct.conversation_id = c.id
    ), '[]') as tagged
"""

SOURCE = "conversations c left join users u on u.id = c.assignee_id"

SELECT = sql(f"""
    select {COLUMNS} from {SOURCE}
    where c.account_id = $1 and c.id = any($2::bigint[]) and c.deleted_at is null order by c.id
""")

BY_UUID = sql(f"""
    select {COLUMNS} from {SOURCE}
    where c.account_id = $1 and c.uuid = any($2::uuid[]) and c.deleted_at is null order by c.id
""")

START = sql("""
    insert into conversations as c (account_id, uuid, contact_id, channel_id, channel, thread, priority,
        subject, assignee_id, is_read, last_message_at)
    select $1, $2, p.id, $4, $5, $6, $7, $8, $9, true, now()
    from contacts p where p.account_id = $1 and p.id = $3 and p.deleted_at is null
    on conflict (account_id, contact_id, channel_id, thread) where deleted_at is null do update set
        priority = excluded.priority, subject = coalesce(excluded.subject, c.subject),
        assignee_id = coalesce(excluded.assignee_id, c.assignee_id), updated_at = now()
    returning c.id, c.status, c.xmax = 0 as is_new
""")

REPLIED = sql("""
    with given as (
        select * from unnest($2::bigint[], $3::text[], $4::timestamptz[], $5::bigint[], $6::boolean[], $7::bigint[])
            with ordinality as r (id, preview, at, user_id, by_ai, message_id, position)
    ), said as (
        insert into message_words (account_id, message_id, conversation_id, words)
        select $1, m.id, m.conversation_id, to_tsvector('simple', left(m.body, 20000))
        from given join messages m on m.account_id = $1 and m.id = given.message_id
        where m.body <> '' and m.conversation_id is not null
        on conflict do nothing
    ), reply as (
        select id, count(*) as number, count(*) filter (where by_ai) as ai, max(at) as at,
            min(at) filter (where user_id is not null) as answered_at,
            (array_agg(user_id order by position) filter (where user_id is not null))[1] as answered_by,
            (array_agg(preview order by position desc))[1] as preview
        from given group by id
    ), old as (
        select c.id, c.status from conversations c
        where c.account_id = $1 and c.id in (select id from reply) and c.deleted_at is null
        order by c.id for update
    ), responded as (
        insert into responders as r (account_id, conversation_id, user_id, last_on)
        select $1, id, user_id, account_day($1, max(at)) from given
        where user_id is not null and id in (select id from old) group by id, user_id order by id, user_id
        on conflict (account_id, conversation_id, user_id) do update set last_on = excluded.last_on
            where r.last_on < excluded.last_on
    )
    update conversations c set
        preview = reply.preview,
        last_message_at = greatest(c.last_message_at, reply.at),
        messages_count = c.messages_count + reply.number,
        ai_replies_count = c.ai_replies_count + reply.ai,
        is_ai_handled = c.is_ai_handled or reply.ai > 0,
        waiting_since = case when reply.answered_at is null then c.waiting_since end,
        first_response_at = coalesce(c.first_response_at, reply.answered_at),
        first_response_by = case when c.first_response_at is null then reply.answered_by else c.first_response_by end,
        status = case when reply.answered_at is not null and c.status = 'closed' then 'open'
            else c.status end,
        resolved_at = case when reply.answered_at is not null and c.status = 'closed' then null
            else c.resolved_at end,
        updated_at = now()
    from reply, old where c.account_id = $1 and c.id = reply.id and old.id = c.id
    returning c.id, c.contact_id, c.channel, old.status as before, c.status
""")

MARK_READ = sql("""
    update conversations set is_read = true
    where account_id = $1 and id = any($2::bigint[]) and not is_read and deleted_at is null returning id
""")

DELETE = sql("""
    update conversations set deleted_at = $3, updated_at = $3
    where account_id = $1 and id = $2 and deleted_at is null
""")
