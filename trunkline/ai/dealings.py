"""What assistants had to do with a contact: which ones, who talks now, what it took."""

from msgspec import Struct

from trunkline.billing import metering, prices
from trunkline.core.db import Tx, sql


class Dealing(Struct, frozen=True):
    """An assistant that a conversation belongs to, the latest conversation first."""

    assistant_id: int
    name: str


class Dealings(Struct, frozen=True):
    """`current` talks in the contact's latest conversation. `credits` were taken for the answers, if they are paid."""

    all: list[Dealing]
    current: Dealing | None
    credits: int


async def of_contact(tx: Tx, contact_id: int) -> Dealings:
    rows = await tx.rows(TALKS, tx.account, contact_id)
    talks = [Dealing(id, name) if id is not None else None for id, name in rows]
    known = list(dict.fromkeys(talk for talk in talks if talk))
    answered = await tx.value(int, ANSWERED, tx.account, contact_id) or 0
    price = prices.ASSISTANT_TURN if await metering.is_metered(tx) else 0
    return Dealings(known, talks[0] if talks else None, answered * price)


TALKS = sql("""
    select a.id, a.name from conversations c
    left join assistant_talks t on t.account_id = $1 and t.conversation_id = c.id
    left join assistants a on a.account_id = $1 and a.id = t.assistant_id and a.deleted_at is null
    where c.account_id = $1 and c.contact_id = $2 and c.deleted_at is null
    order by c.last_message_at desc nulls last, c.id desc
""")

ANSWERED = sql("""
    select count(*) from assistant_turns t
    join conversations c on c.account_id = $1 and c.id = t.conversation_id
    where t.account_id = $1 and c.contact_id = $2 and t.outcome = 'answered'
""")
