"""Filing: every inbound message goes into the one living conversation of its contact and channel, in bulk."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from trunkline.core.db import Tx, sql
from trunkline.core.errors import NotFound
from trunkline.core.ids import new_uuid
from trunkline.inbox import changes, sharing, threads
from trunkline.inbox.changes import RESTING
from trunkline.inbox.conversations import PREVIEW
from trunkline.inbox.events import CHUNK, ConversationOpened, MessagesFiled
from trunkline.inbox.threads import FiledMessage

Key = tuple[int, int, str]


async def file(tx: Tx, messages: Sequence[FiledMessage]) -> list[int]:
    """File messages; returns their conversations, one per message, in order.

    A closed or snoozed conversation opens again. A message that is filed already stays where it is.
    """
    if not messages:
        return []
    homes = await _homes(tx, messages)
    fresh = {message.id: message for message in messages if homes[message.id] is None}
    if fresh:
        homes.update(await _file(tx, list(fresh.values())))
    return [homes[message.id] or 0 for message in messages]


async def _file(tx: Tx, messages: list[FiledMessage]) -> dict[int, int]:
    found = await threads.keys(tx, messages)
    keys = {m.id: (m.contact_id, m.channel_id, found[m.id]) for m in messages}
    bundles: dict[Key, list[FiledMessage]] = {}
    for message in sorted(messages, key=lambda message: message.received_at):
        bundles.setdefault(keys[message.id], []).append(message)
    # One order for everybody, so that two who file at once wait for each other instead of locking up.
    rows = [_row(key, bundles[key]) for key in sorted(bundles)]
    filed = await tx.fetch(_Filed, UPSERT, tx.account, *(list(column) for column in zip(*rows, strict=True)))
    if resting := [one.id for one in filed if one.status in RESTING]:
        await changes.reopen(tx, resting)
    homes = {(one.contact_id, one.channel_id, one.thread): one.id for one in filed}
    pairs = [(message.id, homes[keys[message.id]]) for message in messages]
    await tx.run(LINK, tx.account, [id for id, _ in pairs], [home for _, home in pairs])
    for one in filed:
        if one.is_new:
            tx.record(ConversationOpened(one.id, one.contact_id, one.channel_id, one.channel))
    for start in range(0, len(pairs), CHUNK):
        tx.record(MessagesFiled(pairs[start : start + CHUNK]))
    new, again = [one.id for one in filed if one.is_new], [one.id for one in filed if one.status == "closed"]
    await sharing.arrived(tx, new, again)
    return dict(pairs)


class _Filed(Struct, frozen=True):
    id: int
    contact_id: int
    channel_id: int
    thread: str
    channel: str
    status: str
    is_new: bool


async def _homes(tx: Tx, messages: Sequence[FiledMessage]) -> dict[int, int | None]:
    """Where the messages are already; locked, so that nobody files them at the same time."""
    ids, contacts, channels = zip(*((m.id, m.contact_id, m.channel_id) for m in messages), strict=True)
    homes = dict(await tx.rows(HOMES, tx.account, ids, contacts, channels))
    for id in ids:
        if id not in homes:
            raise NotFound("message", id)
    return homes


def _row(key: Key, bundle: list[FiledMessage]) -> tuple[object, ...]:
    last = bundle[-1]
    subject = next((message.subject for message in bundle if message.subject), None)
    text = last.text or last.subject or ""
    return (
        new_uuid(),
        *key,
        last.sends_as,
        subject,
        text[:PREVIEW],
        len(bundle),
        _visitor(bundle),
        last.received_at,
    )


def _visitor(bundle: list[FiledMessage]) -> dict[str, Any] | None:
    seen = [message.visitor for message in bundle if message.visitor]
    return {name: value for visitor in seen for name, value in visitor.items()} if seen else None


HOMES = sql("""
    select m.id, m.conversation_id
    from unnest($2::bigint[], $3::bigint[], $4::bigint[]) as r (id, contact_id, channel_id)
    join messages m on m.account_id = $1 and m.id = r.id and m.contact_id = r.contact_id
        and m.channel_id = r.channel_id and m.direction = 'in'
    order by m.id for update of m
""")

UPSERT = sql("""
    insert into conversations as c (account_id, uuid, contact_id, channel_id, thread, channel, subject,
        preview, messages_count, visitor, last_message_at, waiting_since)
    select $1, r.uuid, r.contact_id, r.channel_id, r.thread, r.channel, r.subject, r.preview, r.number,
        r.visitor, r.at, r.at
    from unnest($2::uuid[], $3::bigint[], $4::bigint[], $5::text[], $6::text[], $7::text[], $8::text[],
        $9::int[], $10::jsonb[], $11::timestamptz[]) with ordinality
        as r (uuid, contact_id, channel_id, thread, channel, subject, preview, number, visitor, at, position)
    order by r.position
    on conflict (account_id, contact_id, channel_id, thread) where deleted_at is null do update set
        subject = coalesce(c.subject, excluded.subject),
        preview = case when excluded.last_message_at >= c.last_message_at then excluded.preview
            else c.preview end,
        messages_count = c.messages_count + excluded.messages_count,
        visitor = case when excluded.visitor is null then c.visitor
            else coalesce(c.visitor, '{}') || excluded.visitor end,
        last_message_at = greatest(c.last_message_at, excluded.last_message_at),
        waiting_since = case when c.status = 'closed' then excluded.waiting_since
            else coalesce(c.waiting_since, excluded.waiting_since) end,
        is_read = false,
        updated_at = now()
    returning c.id, c.contact_id, c.channel_id, c.thread, c.channel, c.status, c.xmax = 0 as is_new
""")

# What was said can be searched from now on.
LINK = sql("""
    with linked as (
        update messages m set conversation_id = r.conversation_id
        from unnest($2::bigint[], $3::bigint[]) as r (id, conversation_id)
        where m.account_id = $1 and m.id = r.id returning m.id, m.conversation_id, m.body
    )
    insert into message_words (account_id, message_id, conversation_id, words)
    select $1, id, conversation_id, to_tsvector('simple', left(body, 20000)) from linked where body <> ''
    on conflict do nothing
""")
