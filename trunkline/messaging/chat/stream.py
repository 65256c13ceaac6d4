"""The stream of a visitor: what was said in their window, numbered so that whoever was cut off misses nothing.

A number is given under a lock of the visitor's row, which lasts until the commit: numbers become visible in order.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from trunkline.core.db import Tx, sql
from trunkline.messaging import statuses

PAGE = 200
MOST_NAMED = 20
"""Streams that one wake-up names; a larger batch wakes all."""


class Entry(Struct, frozen=True):
    """One message in a visitor's stream; `direction` is ours: "in" is what the visitor wrote.

    `told_id` is the id that the visitor's program gave the message.
    """

    seq: int
    uuid: UUID
    direction: str
    text: str
    attachments: list[dict[str, Any]]
    quick_replies: list[Any]
    status: str
    told_id: str | None
    created_at: datetime


async def since(tx: Tx, visitor_id: int, seq: int, limit: int = PAGE) -> list[Entry]:
    """What came after a number, in order."""
    return await tx.fetch(Entry, SINCE, tx.account, visitor_id, seq, limit)


async def before(tx: Tx, visitor_id: int, seq: int | None, limit: int = PAGE) -> list[Entry]:
    """What stands before a number, or the end of the stream, oldest first."""
    return (await tx.fetch(Entry, BEFORE, tx.account, visitor_id, seq or 2**62, limit))[::-1]


async def of_message(tx: Tx, message_id: int) -> Entry | None:
    return await tx.maybe(Entry, OF_MESSAGE, tx.account, message_id)


async def append(tx: Tx, entries: Sequence[tuple[int, int]]) -> None:
    """Add messages to streams, as (visitor, message) in order. One that stands in a stream already stays there."""
    if not entries:
        return
    visitors, messages = (list(column) for column in zip(*entries, strict=True))
    await tx.run(LOCK, tx.account, sorted(set(visitors)))
    await tx.run(APPEND, tx.account, visitors, messages)
    wake(tx, set(visitors))


async def show(tx: Tx, channel_id: int, messages: Sequence[tuple[int, str]]) -> set[int]:
    """Add messages, as (message, address), to the streams behind the addresses; returns those that have one."""
    rows = await tx.rows(ADDRESSED, tx.account, channel_id, list({address for _, address in messages}))
    homes: dict[str, int] = dict(rows)
    found = [(homes[address], id) for id, address in messages if address in homes]
    await append(tx, found)
    return {id for _, id in found}


async def move(tx: Tx, source: int, target: int) -> None:
    """Put all that stands in one stream at the end of another. Lock both visitors before."""
    await tx.run(MOVE, tx.account, source, target)
    wake(tx, {source, target})


async def mark_read(tx: Tx, visitor_id: int, seq: int) -> None:
    """The visitor has seen everything up to a number; what we sent counts as read."""
    seen = await tx.column(int, READ, tx.account, visitor_id, seq)
    if seen:
        await statuses.apply_many(tx, [statuses.Change(id, "read") for id in seen])


def wake(tx: Tx, visitors: set[int]) -> None:
    """Tell the web processes, after the commit, whose streams have grown."""
    for name in [topic(id) for id in sorted(visitors)] if len(visitors) <= MOST_NAMED else [EVERYBODY]:
        tx.wake(name)


def topic(visitor_id: int) -> str:
    return f"chat:{visitor_id}"


EVERYBODY = "chat:*"

COLUMNS = """
    e.seq, m.uuid, m.direction, coalesce(m.body, '') as text, coalesce(m.attachments, '[]') as attachments,
    coalesce(m.quick_replies, '[]') as quick_replies, m.status,
    case when m.direction = 'in' then split_part(m.external_id, ':', 2) end as told_id, m.created_at
"""

SOURCE = "chat_entries e join messages m on m.account_id = e.account_id and m.id = e.message_id"

SINCE = sql(f"""
    select {COLUMNS} from {SOURCE} where e.account_id = $1 and e.visitor_id = $2 and e.seq > $3 order by e.seq limit $4
""")

BEFORE = sql(f"""
    select {COLUMNS} from {SOURCE}
    where e.account_id = $1 and e.visitor_id = $2 and e.seq < $3 order by e.seq desc limit $4
""")

OF_MESSAGE = sql(f"select {COLUMNS} from {SOURCE} where e.account_id = $1 and e.message_id = $2")

ADDRESSED = sql("""
    select address, coalesce(merged_into, id) from chat_visitors
    where account_id = $1 and channel_id = $2 and address = any($3)
""")

# One order for everybody, so that two who add at once wait for each other instead of locking up.
LOCK = sql("select from chat_visitors where account_id = $1 and id = any($2::bigint[]) order by id for update")

APPEND = sql("""
    with given as (
        select g.visitor_id, g.message_id, row_number() over (partition by g.visitor_id order by g.position) as place,
            count(*) over (partition by g.visitor_id) as number
        from unnest($2::bigint[], $3::bigint[]) with ordinality as g (visitor_id, message_id, position)
        where not exists (select from chat_entries e where e.account_id = $1 and e.message_id = g.message_id)
    ), grown as (
        update chat_visitors v set seq = v.seq + g.number
        from (select distinct visitor_id, number from given) g where v.account_id = $1 and v.id = g.visitor_id
        returning v.id, v.seq - g.number as base
    )
    insert into chat_entries (account_id, visitor_id, seq, message_id)
    select $1, g.visitor_id, grown.base + g.place, g.message_id
    from given g join grown on grown.id = g.visitor_id
    on conflict (account_id, message_id) do nothing
""")

MOVE = sql("""
    with moved as (
        select seq, row_number() over (order by seq) as place, count(*) over () as number
        from chat_entries where account_id = $1 and visitor_id = $2
    ), grown as (
        update chat_visitors set seq = seq + (select count(*) from moved) where account_id = $1 and id = $3
        returning seq
    )
    update chat_entries e set visitor_id = $3, seq = grown.seq - moved.number + moved.place
    from moved, grown where e.account_id = $1 and e.visitor_id = $2 and e.seq = moved.seq
""")

READ = sql("""
    with known as (
        select id, read_seq, least($3, seq) as seq from chat_visitors where account_id = $1 and id = $2 for update
    ), noted as (
        update chat_visitors v set read_seq = known.seq from known
        where v.account_id = $1 and v.id = known.id and known.seq > known.read_seq
    )
    select m.id from known
    join chat_entries e on e.account_id = $1 and e.visitor_id = known.id and e.seq > known.read_seq
        and e.seq <= known.seq
    join messages m on m.account_id = $1 and m.id = e.message_id and m.direction = 'out'
    order by m.id
""")
