"""Chat sessions: stretches of conversations from their opening to their closing, as integrations ask for them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from msgspec import Struct

from trunkline.core.db import Tx, sql
from trunkline.messaging import messages
from trunkline.messaging.messages import Message

Status = Literal["open", "closed"]
MOST_MESSAGES = 200
"""Messages of one session that are given along, the newest ones."""


class Session(Struct, frozen=True):
    """`channel` is the kind. `summary` was written during the session or after its end."""

    id: int
    conversation_id: int
    contact_id: int
    channel: str
    since: datetime | None
    started_at: datetime
    ended_at: datetime | None
    messages_count: int
    summary: str | None

    @property
    def status(self) -> Status:
        return "open" if self.ended_at is None else "closed"


async def recent(tx: Tx, since: datetime, *, status: Status | None = None, limit: int = 100) -> list[Session]:
    """Sessions in which something happened after `since`, those that began last come first."""
    return await tx.fetch(Session, RECENT, tx.account, since, status, limit)


async def of_contact(tx: Tx, contact_id: int, *, status: Status | None = None, limit: int = 100) -> list[Session]:
    """The sessions of a contact, those that began last come first."""
    return await tx.fetch(Session, OF_CONTACT, tx.account, contact_id, status, limit)


async def said(tx: Tx, sessions: Sequence[Session]) -> dict[int, list[Message]]:
    """The messages of each session, oldest first."""
    ids = [session.id for session in sessions]
    rows = await tx.rows(SAID, tx.account, ids, MOST_MESSAGES)
    known = {message.id: message for message in await messages.get_many(tx, [message for _, message in rows])}
    found: dict[int, list[Message]] = {id: [] for id in ids}
    for session, message in rows:
        found[session].append(known[message])
    return found


async def latest(tx: Tx, conversation_ids: Sequence[int]) -> dict[int, int]:
    """The last session of each conversation, by the conversation."""
    return dict(await tx.rows(LATEST, tx.account, list(set(conversation_ids))))


_WITHIN = """
    m.account_id = $1 and m.conversation_id = s.conversation_id
        and (s.since is null or m.created_at > s.since) and (s.ended_at is null or m.created_at <= s.ended_at)
"""

_COLUMNS = f"""
    s.id, s.conversation_id, s.contact_id, c.channel, s.since, s.started_at, s.ended_at,
    (select count(*) from messages m where {_WITHIN}) as messages_count,
    case when c.summarised_at >= s.started_at and not exists (
        select from chat_sessions later where later.account_id = $1 and later.conversation_id = s.conversation_id
            and later.id > s.id and later.started_at <= c.summarised_at) then c.summary end as summary
"""

# Two short walks along indexes: what is open and was spoken in, and what has ended.
RECENT = sql(f"""
    with found as (
        (select o.id from conversations c
            join chat_sessions o on o.account_id = $1 and o.conversation_id = c.id and o.ended_at is null
            where c.account_id = $1 and c.deleted_at is null and c.last_message_at >= $2
                and $3::text is distinct from 'closed'
            order by c.last_message_at desc limit $4)
        union all
        (select e.id from chat_sessions e
            where e.account_id = $1 and e.ended_at >= $2 and $3::text is distinct from 'open'
            order by e.ended_at desc limit $4)
    )
    select {_COLUMNS} from chat_sessions s
    join conversations c on c.account_id = $1 and c.id = s.conversation_id and c.deleted_at is null
    where s.account_id = $1 and s.id in (select id from found) order by s.id desc limit $4
""")

OF_CONTACT = sql(f"""
    select {_COLUMNS} from chat_sessions s
    join conversations c on c.account_id = $1 and c.id = s.conversation_id and c.deleted_at is null
    where s.account_id = $1 and s.contact_id = $2
        and ($3::text is null or (s.ended_at is null) = ($3::text = 'open'))
    order by s.id desc limit $4
""")

SAID = sql(f"""
    select s.id, said.id from chat_sessions s
    cross join lateral (select m.id from messages m where {_WITHIN} order by m.id desc limit $3) said
    where s.account_id = $1 and s.id = any($2::bigint[]) order by s.id, said.id
""")

LATEST = sql("""
    select conversation_id, max(id) from chat_sessions
    where account_id = $1 and conversation_id = any($2::bigint[]) group by conversation_id
""")
