"""Notes: what colleagues tell each other about a conversation; the contact never sees them."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from trunkline.core.db import Tx, sql
from trunkline.core.errors import Invalid, NotFound
from trunkline.core.ids import new_uuid
from trunkline.core.text import clean
from trunkline.inbox.events import NoteAdded

MAX_LENGTH = 10_000


class Note(Struct, frozen=True):
    """`body` is plain text. `user_id` is None for automations."""

    id: int
    uuid: UUID
    conversation_id: int
    user_id: int | None
    user_name: str | None
    body: str
    created_at: datetime


async def add(tx: Tx, conversation_id: int, body: str, user_id: int | None) -> Note:
    """Write a note. The conversation's status and preview stay as they are."""
    if not body.strip():
        raise Invalid({"body": ["The body field is required."]})
    if len(body) > MAX_LENGTH:
        raise Invalid({"body": [f"The body field must not be greater than {MAX_LENGTH} characters."]})
    columns = (new_uuid(), conversation_id, user_id, clean(body))
    note = await tx.maybe(Note, INSERT, tx.account, *columns) if 0 < conversation_id < 2**63 else None
    if note is None:
        raise NotFound("conversation", conversation_id)
    tx.record(NoteAdded(note.id, conversation_id, user_id))
    return note


async def all_of(tx: Tx, conversation_id: int, limit: int = 200) -> list[Note]:
    """The newest notes of a conversation, oldest first."""
    return (await tx.fetch(Note, SELECT, tx.account, conversation_id, limit))[::-1]


INSERT = sql("""
    with conversation as (
        update conversations set updated_at = now()
        where account_id = $1 and id = $3 and deleted_at is null returning id
    ), note as (
        insert into notes (account_id, uuid, conversation_id, user_id, body)
        select $1, $2, id, $4, $5 from conversation
        returning id, uuid, conversation_id, user_id, body, created_at
    )
    select n.id, n.uuid, n.conversation_id, n.user_id, u.name as user_name, n.body, n.created_at
    from note n left join users u on u.id = n.user_id
""")

SELECT = sql("""
    select n.id, n.uuid, n.conversation_id, n.user_id, u.name as user_name, n.body, n.created_at
    from notes n
    join conversations c on c.account_id = n.account_id and c.id = n.conversation_id and c.deleted_at is null
    left join users u on u.id = n.user_id
    where n.account_id = $1 and n.conversation_id = $2 order by n.id desc limit $3
""")
