"""Messages as they are read: one, several, or what was said with a contact."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from trunkline.core import clock
from trunkline.core.db import Tx, sql
from trunkline.core.errors import NotFound


class Message(Struct, frozen=True):
    """`channel` is the kind (sms, email …); `text`, `html` and `subject` are a broadcast's own until it was rendered.

    `metadata` holds what programs gave along: `metadata`, and `callback_url` for what becomes of it.
    """

    id: int
    uuid: UUID
    direction: str
    status: str
    channel: str
    channel_id: int
    conversation_id: int | None
    contact_id: int
    scheme: str
    address: str
    kind: str
    text: str
    html: str | None
    subject: str | None
    attachments: list[dict[str, Any]]
    template_id: int | None
    broadcast_id: int | None
    batch: str | None
    user_id: int | None
    segments: int
    credits: int
    reason: str | None
    error: str | None
    provider_code: str | None
    metadata: dict[str, Any]
    created_at: datetime
    scheduled_at: datetime | None
    sent_at: datetime | None
    delivered_at: datetime | None
    read_at: datetime | None
    failed_at: datetime | None
    external_id: str | None

    @property
    def is_scheduled(self) -> bool:
        """Whether it waits for its moment rather than for its turn."""
        return self.status == "queued" and self.scheduled_at is not None and self.scheduled_at > clock.now()

    @property
    def shown_address(self) -> str:
        """The other side's address as people write it."""
        return f"+{self.address}" if self.scheme == "whatsapp" else self.address


async def get(tx: Tx, id: int) -> Message:
    found = await get_many(tx, [id])
    if not found:
        raise NotFound("message", id)
    return found[0]


async def get_many(tx: Tx, ids: Sequence[int]) -> list[Message]:
    """The messages in the order of `ids`, each once; unknown ones are left out."""
    wanted = [id for id in ids if 0 < id < 2**63]
    by_id = {message.id: message for message in await tx.fetch(Message, BY_IDS, tx.account, wanted)} if wanted else {}
    return [by_id[id] for id in dict.fromkeys(ids) if id in by_id]


async def of_contact(tx: Tx, contact_id: int, *, before: int | None = None, limit: int = 50) -> list[Message]:
    """What was said with a contact, the newest first; `before` is the id of the last one seen."""
    return await tx.fetch(Message, OF_CONTACT, tx.account, contact_id, before, limit)


_SELECT = """
    select m.id, m.uuid, m.direction, m.status, c.sends_as as channel, m.channel_id, m.conversation_id, m.contact_id,
        m.scheme, m.address, m.kind, coalesce(m.body, b.body, '') as text,
        case when m.body is null then b.html else m.html end as html, coalesce(m.subject, b.subject) as subject,
        coalesce(m.attachments, '[]') as attachments, m.template_id, m.broadcast_id, m.batch, m.user_id, m.segments,
        m.credits, m.reason, m.error, m.provider_code, coalesce(m.metadata, '{}') as metadata, m.created_at,
        m.scheduled_at, m.sent_at, m.delivered_at, m.read_at, m.failed_at, m.external_id
    from messages m
    join channels c on c.account_id in ($1, 0) and c.id = m.channel_id
    left join broadcasts b on b.account_id = m.account_id and b.id = m.broadcast_id
"""

BY_IDS = sql(f"{_SELECT} where m.account_id = $1 and m.id = any($2)")

OF_CONTACT = sql(f"""
    {_SELECT} where m.account_id = $1 and m.contact_id = $2 and ($3::bigint is null or m.id < $3)
    order by m.id desc limit $4
""")
