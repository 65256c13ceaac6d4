"""History: what was said in a conversation, messages and notes in one sequence."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from msgspec import Struct

from trunkline.core.db import Tx, sql
from trunkline.core.errors import NotFound

NEWEST = (2**63 - 1, 2**63 - 1)


class Entry(Struct, frozen=True):
    """A message or a note. `direction` is in or out; `user_id` is the colleague who wrote it, if one did."""

    type: Literal["message", "note"]
    id: int
    uuid: UUID
    conversation_id: int
    direction: str
    status: str
    body: str
    html: str | None
    subject: str | None
    attachments: list[dict[str, Any]]
    contact_id: int | None
    user_id: int | None
    user_name: str | None
    reason: str | None
    error: str | None
    created_at: datetime
    sent_at: datetime | None
    delivered_at: datetime | None
    read_at: datetime | None
    scheduled_at: datetime | None = None


class Part(Struct, frozen=True):
    """A stretch of a history, oldest first. `earlier` goes back into `read`; None at the very beginning."""

    entries: list[Entry]
    earlier: tuple[int, int] | None


async def read(tx: Tx, conversation_id: int, *, before: tuple[int, int] = NEWEST, limit: int = 200) -> Part:
    """The newest entries, or those before an earlier part."""
    if not (0 < conversation_id < 2**63 and await tx.value(bool, EXISTS, tx.account, conversation_id)):
        raise NotFound("conversation", conversation_id)
    below_message, below_note = before
    messages = await tx.fetch(Entry, MESSAGES, tx.account, conversation_id, below_message, limit + 1)
    notes = await tx.fetch(Entry, NOTES, tx.account, conversation_id, below_note, limit + 1)
    entries = _newest_first(messages, notes)
    if len(entries) <= limit:
        return Part(entries[::-1], None)
    shown = entries[:limit]
    message = min((entry.id for entry in shown if entry.type == "message"), default=below_message)
    note = min((entry.id for entry in shown if entry.type == "note"), default=below_note)
    return Part(shown[::-1], (message, note))


async def latest_answer(tx: Tx, conversation_id: int, after: int, *, but: int) -> str | None:
    """Who of the colleagues, `but` one, wrote to the contact behind the message `after`; None if nobody did."""
    return await tx.value(str, ANSWERED, tx.account, conversation_id, after, but)


async def message(tx: Tx, id: int) -> Entry:
    """One message as an entry."""
    entry = await tx.maybe(Entry, MESSAGE, tx.account, id)
    if entry is None:
        raise NotFound("message", id)
    return entry


async def note(tx: Tx, id: int) -> Entry:
    """One note as an entry."""
    entry = await tx.maybe(Entry, NOTE, tx.account, id)
    if entry is None:
        raise NotFound("note", id)
    return entry


async def address(tx: Tx, message_id: int) -> str | None:
    """The contact's address of a message."""
    return await tx.value(str, ADDRESS, tx.account, message_id)


def _newest_first(messages: list[Entry], notes: list[Entry]) -> list[Entry]:
    """Merge two lists without reordering either: each is paged by its own ids."""
    merged: list[Entry] = []
    m = n = 0
    while m < len(messages) and n < len(notes):
        if messages[m].created_at > notes[n].created_at:
            merged.append(messages[m])
            m += 1
        else:
            merged.append(notes[n])
            n += 1
    return merged + messages[m:] + notes[n:]


_MESSAGE = """
    select 'message' as type, m.id, m.uuid, m.conversation_id, m.direction, m.status,
        coalesce(m.body, '') as body, m.html, m.subject, coalesce(m.attachments, '[]') as attachments,
        m.contact_id, m.user_id, u.name as user_name, m.reason, m.error, m.created_at, m.sent_at,
        m.delivered_at, m.read_at, m.scheduled_at
    from messages m left join users u on u.id = m.user_id
"""

_NOTE = """
    select 'note' as type, n.id, n.uuid, n.conversation_id, 'out' as direction, '' as status, n.body,
        null::text as html, null::text as subject, '[]'::jsonb as attachments, null::bigint as contact_id,
        n.user_id, u.name as user_name, null::text as reason, null::text as error, n.created_at,
        null::timestamptz as sent_at, null::timestamptz as delivered_at, null::timestamptz as read_at,
        null::timestamptz as scheduled_at
    from notes n left join users u on u.id = n.user_id
"""

EXISTS = sql("select true from conversations where account_id = $1 and id = $2 and deleted_at is null")

MESSAGES = sql(f"""
    {_MESSAGE} where m.account_id = $1 and m.conversation_id = $2 and m.id < $3
        and (m.status <> 'canceled' or m.reason is distinct from 'undone')
    order by m.id desc limit $4
""")

NOTES = sql(f"""
    {_NOTE} where n.account_id = $1 and n.conversation_id = $2 and n.id < $3 order by n.id desc limit $4
""")

ANSWERED = sql("""
    select coalesce(nullif(u.name, ''), u.email) from messages m join users u on u.id = m.user_id
    where m.account_id = $1 and m.conversation_id = $2 and m.id > $3 and m.user_id <> $4
        and m.direction = 'out' and m.status <> 'canceled'
    order by m.id desc limit 1
""")

MESSAGE = sql(f"{_MESSAGE} where m.account_id = $1 and m.id = $2 and m.conversation_id is not null")

ADDRESS = sql("select address from messages where account_id = $1 and id = $2")

NOTE = sql(f"{_NOTE} where n.account_id = $1 and n.id = $2")
