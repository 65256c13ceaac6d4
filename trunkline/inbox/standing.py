"""How things stand with a contact: where they talk, what assistants said, whether anything is open."""

from msgspec import Struct

from trunkline.core.db import Tx, sql


class Standing(Struct, frozen=True):
    """`channel` is the kind where they talked last. `is_concluded`: there were conversations, and all are closed."""

    channel: str | None
    ai_replies_count: int
    is_concluded: bool


async def of_contact(tx: Tx, contact_id: int) -> Standing:
    return await tx.one(Standing, STANDING, tx.account, contact_id)


STANDING = sql("""
    select (array_agg(channel order by last_message_at desc nulls last))[1] as channel,
        coalesce(sum(ai_replies_count), 0)::bigint as ai_replies_count,
        coalesce(bool_and(status in ('closed', 'spam')), false) as is_concluded
    from conversations where account_id = $1 and contact_id = $2 and deleted_at is null
""")
