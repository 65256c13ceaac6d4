"""Received: the campaigns that reached one contact."""

from datetime import datetime

from msgspec import Struct

from trunkline.core.db import Tx, sql


class Received(Struct, frozen=True):
    """`status` is the message's own."""

    id: int
    name: str
    status: str
    at: datetime


async def by_contact(tx: Tx, contact_id: int, limit: int = 10) -> list[Received]:
    """The newest first."""
    return await tx.fetch(Received, BY_CONTACT, tx.account, contact_id, limit)


BY_CONTACT = sql("""
    select b.id, b.name, m.status, coalesce(m.sent_at, m.created_at) as at
    from messages m join broadcasts b on b.account_id = m.account_id and b.id = m.broadcast_id
    where m.account_id = $1 and m.contact_id = $2 and m.broadcast_id is not null order by m.id desc limit $3
""")
