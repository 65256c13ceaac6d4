"""Presence: who looks at a conversation, who types in it, and who holds it because they began to answer first.

Browsers say it every few seconds. A hold keeps nobody from answering: it tells the others, who may take over.
"""

from datetime import timedelta

from msgspec import Struct

from trunkline.core import clock
from trunkline.core.db import Tx, sql
from trunkline.inbox.events import PresenceChanged

FRESH = timedelta(seconds=45)
"""Who has not been heard of for so long is gone."""
HOLD = timedelta(minutes=2)
"""Who has not typed for so long holds a conversation no more."""


class Present(Struct, frozen=True):
    user_id: int
    name: str
    is_typing: bool
    holds: bool


async def seen(tx: Tx, conversation_id: int, user_id: int, *, typing: bool = False) -> list[Present]:
    """Somebody is there; returns the others. The others hear of it only when that is news."""
    now = clock.now()
    since = now - FRESH
    news = await tx.value(bool, SEEN, tx.account, conversation_id, user_id, typing, since, now, now - HOLD)
    if news:
        tx.record(PresenceChanged(conversation_id))
        await tx.run(FORGET, tx.account, since)
    return await others(tx, conversation_id, user_id)


async def take_over(tx: Tx, conversation_id: int, user_id: int) -> list[Present]:
    """Somebody answers in the place of whoever holds it; returns the others."""
    await tx.run(TAKE_OVER, tx.account, conversation_id, user_id, clock.now())
    tx.record(PresenceChanged(conversation_id))
    return await others(tx, conversation_id, user_id)


async def released(tx: Tx, conversation_id: int, user_id: int) -> None:
    """Somebody has answered, and holds it no more."""
    if await tx.run(RELEASE, tx.account, conversation_id, user_id):
        tx.record(PresenceChanged(conversation_id))


async def left(tx: Tx, conversation_id: int, user_id: int) -> None:
    if await tx.run(LEFT, tx.account, conversation_id, user_id):
        tx.record(PresenceChanged(conversation_id))


async def others(tx: Tx, conversation_id: int, user_id: int) -> list[Present]:
    now = clock.now()
    return await tx.fetch(Present, OTHERS, tx.account, conversation_id, user_id, now - FRESH, now - HOLD)


# Whoever types while nobody else holds it begins to hold it.
SEEN = sql("""
    with before as (
        select is_typing, seen_at from presences where account_id = $1 and conversation_id = $2 and user_id = $3
    ), holder as (
        select from presences
        where account_id = $1 and conversation_id = $2 and user_id <> $3 and seen_at > $5
            and held_since is not null and typed_at > $7
    ), put as (
        insert into presences as p (account_id, conversation_id, user_id, is_typing, seen_at, held_since, typed_at)
        select $1, id, $3, $4, $6, case when $4 and not exists (select from holder) then $6::timestamptz end,
            case when $4 then $6::timestamptz end
        from conversations where account_id = $1 and id = $2 and deleted_at is null
        on conflict (account_id, conversation_id, user_id) do update set
            is_typing = $4, seen_at = $6, typed_at = coalesce(excluded.typed_at, p.typed_at),
            held_since = case when p.typed_at > $7 and p.seen_at > $5 and p.held_since is not null then p.held_since
                else excluded.held_since end
        returning true
    )
    select not exists (select from before where is_typing = $4 and seen_at > $5) from put
""")

TAKE_OVER = sql("""
    with lost as (
        update presences set held_since = null
        where account_id = $1 and conversation_id = $2 and user_id <> $3 and held_since is not null
    )
    insert into presences (account_id, conversation_id, user_id, is_typing, seen_at, held_since, typed_at)
    select $1, id, $3, false, $4, $4, $4 from conversations where account_id = $1 and id = $2 and deleted_at is null
    on conflict (account_id, conversation_id, user_id) do update set seen_at = $4, held_since = $4, typed_at = $4
""")

RELEASE = sql("""
    update presences set held_since = null
    where account_id = $1 and conversation_id = $2 and user_id = $3 and held_since is not null
""")

LEFT = sql("delete from presences where account_id = $1 and conversation_id = $2 and user_id = $3")

# Of two who began at the same moment the first one holds it.
OTHERS = sql("""
    with here as (
        select p.user_id, p.is_typing,
            case when p.held_since is not null and p.typed_at > $5 then
                rank() over (order by case when p.typed_at > $5 then p.held_since end nulls last, p.user_id) end as turn
        from presences p where p.account_id = $1 and p.conversation_id = $2 and p.seen_at > $4
    )
    select h.user_id, coalesce(nullif(u.name, ''), u.email) as name, h.is_typing, h.turn is not distinct from 1 as holds
    from here h join users u on u.id = h.user_id where h.user_id <> $3 order by name
""")

FORGET = sql("delete from presences where account_id = $1 and seen_at < $2")
