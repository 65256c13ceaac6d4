"""Cards: conversations as a mirror elsewhere keeps them. Every id is a uuid, the newest comes first."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from trunkline.core.db import Tx, sql


class ConversationCard(Struct, frozen=True):
    """`visitor` is what the chat window told of itself, `name` and `email` what is known of the contact."""

    id: int
    uuid: UUID
    company: UUID | None
    name: str
    email: str | None
    visitor: dict[str, Any] | None
    status: str
    assignee: UUID | None
    is_read: bool
    tags: list[str]
    last_message_at: datetime | None
    created_at: datetime
    updated_at: datetime


async def page(
    tx: Tx,
    channel: str | None = None,
    company_id: int | None = None,
    *,
    after: int | None = None,
    limit: int | None = 500,
) -> list[ConversationCard]:
    """Conversations of a kind of channel, or of all; of one company's people, or of everybody."""
    if company_id is None:
        return await tx.fetch(ConversationCard, PAGE, tx.account, channel, after, limit)
    return await tx.fetch(ConversationCard, OF_COMPANY, tx.account, channel, after, limit, company_id)


async def every(tx: Tx, channel: str | None = None, company_id: int | None = None) -> AsyncIterator[ConversationCard]:
    """All of them, in flat memory."""
    statement, company = (PAGE, ()) if company_id is None else (OF_COMPANY, (company_id,))
    async for rows in tx.stream(statement, tx.account, channel, None, None, *company):
        for row in rows:
            yield ConversationCard(*row)


_COLUMNS = """
    c.id, c.uuid, (select k.uuid from companies k where k.account_id = $1 and k.id = p.company_id) as company,
    p.name, p.email, c.visitor, c.status, (select u.uuid from users u where u.id = c.assignee_id) as assignee,
    c.is_read,
    array(
        select t.name from conversation_tags ct join tags t on t.account_id = $1 and t.id = ct.tag_id
        where ct.account_id = $1 and ct.conversation_id = c.id order by t.name_key
    ) as tags,
    c.last_message_at, c.created_at, c.updated_at
"""

# Ids are given in the order of creation, and the primary key sorts by them.
PAGE = sql(f"""
    select {_COLUMNS} from conversations c join contacts p on p.account_id = c.account_id and p.id = c.contact_id
    where c.account_id = $1 and c.deleted_at is null and ($2::text is null or c.channel = $2)
        and ($3::bigint is null or c.id < $3)
    order by c.id desc limit $4
""")

# Begins at the company's people: they are few, whatever the number of conversations.
OF_COMPANY = sql(f"""
    with c as materialized (
        select c.* from contacts p join conversations c on c.account_id = $1 and c.contact_id = p.id
        where p.account_id = $1 and p.company_id = $5 and c.deleted_at is null and ($2::text is null or c.channel = $2)
            and ($3::bigint is null or c.id < $3)
        order by c.id desc limit $4
    )
    select {_COLUMNS} from c join contacts p on p.account_id = $1 and p.id = c.contact_id order by c.id desc
""")
