"""What assistants had to do with a contact: which ones, who talks now, what their turns cost."""

from msgspec import Struct

from trunkline.core.db import Tx, sql


class Dealing(Struct, frozen=True):
    """An assistant that a conversation belongs to, the latest conversation first."""

    assistant_id: int
    name: str


class Dealings(Struct, frozen=True):
    """`current` talks in the contact's latest conversation."""

    all: list[Dealing]
    current: Dealing | None
    credits: int


async def of_contact(tx: Tx, contact_id: int) -> Dealings:
    rows = await tx.rows(TALKS, tx.account, contact_id)
    talks = [Dealing(id, name) if id is not None else None for id, name in rows]
    known = list(dict.fromkeys(talk for talk in talks if talk))
    credits = await tx.value(int, CREDITS, tx.account, contact_id)
    return Dealings(known, talks[0] if talks else None, credits or 0)


TALKS = sql("""
    select a.id, a.name from conversations c
    left join assistant_talks t on t.account_id = $1 and t.conversation_id = c.id
    left join assistants a on a.account_id = $1 and a.id = t.assistant_id and a.deleted_at is null
    where c.account_id = $1 and c.contact_id = $2 and c.deleted_at is null
    order by c.last_message_at desc nulls last, c.id desc
""")

CREDITS = sql("""
    select sum(u.credits)::bigint from conversations c
    join assistant_turns u on u.account_id = $1 and u.conversation_id = c.id
    where c.account_id = $1 and c.contact_id = $2 and c.deleted_at is null
""")
