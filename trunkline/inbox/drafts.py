"""Drafts: what somebody began to write in a conversation and has not sent; kept for them alone, on every device."""

from datetime import datetime
from typing import Any, Literal

from msgspec import Struct

from trunkline.core.db import Tx, json_text, sql

Kind = Literal["reply", "note"]


class Draft(Struct, frozen=True):
    """`content` is what the composer holds: text, subject, copies, files."""

    kind: Kind
    content: dict[str, Any]
    updated_at: datetime


async def get(tx: Tx, conversation_id: int, user_id: int) -> Draft | None:
    return await tx.maybe(Draft, SELECT, tx.account, user_id, conversation_id)


async def keep(tx: Tx, conversation_id: int, user_id: int, kind: Kind, content: dict[str, Any]) -> None:
    """Keep it in place of an earlier one."""
    await tx.run(UPSERT, tx.account, user_id, conversation_id, kind, json_text(content))


async def forget(tx: Tx, conversation_id: int, user_id: int) -> None:
    await tx.run(DELETE, tx.account, user_id, conversation_id)


SELECT = sql("""
    select kind, content, updated_at from inbox_drafts where account_id = $1 and user_id = $2 and conversation_id = $3
""")

UPSERT = sql("""
    insert into inbox_drafts (account_id, user_id, conversation_id, kind, content)
    select $1, $2, id, $4, $5::text::jsonb from conversations where account_id = $1 and id = $3 and deleted_at is null
    on conflict (account_id, user_id, conversation_id)
        do update set kind = excluded.kind, content = excluded.content, updated_at = now()
""")

DELETE = sql("delete from inbox_drafts where account_id = $1 and user_id = $2 and conversation_id = $3")
