"""Presence: who looks at a conversation and who types in it, as their browsers say every few seconds."""

from datetime import timedelta

from msgspec import Struct

from trunkline.core import clock
from trunkline.core.db import Tx, sql
from trunkline.inbox.events import PresenceChanged

FRESH = timedelta(seconds=45)
"""Who has not been heard of for so long is gone."""


class Present(Struct, frozen=True):
    user_id: int
    name: str
    is_typing: bool


async def seen(tx: Tx, conversation_id: int, user_id: int, *, typing: bool = False) -> list[Present]:
    """Somebody is there; returns the others. The others hear of it only when that is news."""
    since = clock.now() - FRESH
    news = await tx.value(bool, SEEN, tx.account, conversation_id, user_id, typing, since, clock.now())
    if news:
        tx.record(PresenceChanged(conversation_id))
        await tx.run(FORGET, tx.account, since)
    return await others(tx, conversation_id, user_id)


async def left(tx: Tx, conversation_id: int, user_id: int) -> None:
    if await tx.run(LEFT, tx.account, conversation_id, user_id):
        tx.record(PresenceChanged(conversation_id))


async def others(tx: Tx, conversation_id: int, user_id: int) -> list[Present]:
    return await tx.fetch(Present, OTHERS, tx.account, conversation_id, user_id, clock.now() - FRESH)


SEEN = sql("""
    with before as (
        select is_typing, seen_at from presences where account_id = $1 and conversation_id = $2 and user_id = $3
    ), put as (
        insert into presences (account_id, conversation_id, user_id, is_typing, seen_at)
        select $1, id, $3, $4, $6 from conversations where account_id = $1 and id = $2 and deleted_at is null
        on conflict (account_id, conversation_id, user_id) do update set is_typing = $4, seen_at = $6
        returning true
    )
    select not exists (select from before where is_typing = $4 and seen_at > $5) from put
""")

LEFT = sql("delete from presences where account_id = $1 and conversation_id = $2 and user_id = $3")

OTHERS = sql("""
    select p.user_id, coalesce(nullif(u.name, ''), u.email) as name, p.is_typing
    from presences p join users u on u.id = p.user_id
    where p.account_id = $1 and p.conversation_id = $2 and p.user_id <> $3 and p.seen_at > $4 order by name
""")

FORGET = sql("delete from presences where account_id = $1 and seen_at < $2")
