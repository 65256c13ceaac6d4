"""What others are told of messages: snapshots read in one statement for a whole batch."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from trunkline.core.db import Tx, sql


class Outgoing(Struct, frozen=True):
    """A message of ours. `broadcast_id` is its campaign, `batch` the request that it came with."""

    id: int
    channel: str
    scheme: str
    address: str
    contact_id: int
    template_key: str | None
    batch: str | None
    broadcast_id: int | None
    reason: str | None
    error: str | None
    provider_code: str | None
    segments: int
    credits: int

    @property
    def shown_address(self) -> str:
        return shown(self.scheme, self.address)


class Incoming(Struct, frozen=True):
    """A message to us; `to` is the address of the channel."""

    id: int
    channel: str
    scheme: str
    address: str
    to: str
    contact_id: int
    conversation_id: int | None
    text: str
    attachments: list[dict[str, Any]]
    created_at: datetime

    @property
    def shown_address(self) -> str:
        return shown(self.scheme, self.address)


class Spoken(Struct, frozen=True):
    """A message of a conversation with its words, in either direction."""

    id: int
    external_id: str | None
    direction: str
    channel: str
    scheme: str
    address: str
    contact_id: int
    conversation_id: int | None
    text: str
    at: datetime

    @property
    def shown_address(self) -> str:
        return shown(self.scheme, self.address)


async def outgoing(tx: Tx, ids: Sequence[int]) -> dict[int, Outgoing]:
    """Messages of ours by id; what is unknown is left out, and calls, which have events of their own."""
    return {one.id: one for one in await tx.fetch(Outgoing, OUTGOING, tx.account, list(set(ids)))}


async def incoming(tx: Tx, ids: Sequence[int]) -> dict[int, Incoming]:
    """Messages to us by id; reactions to messages are not messages."""
    return {one.id: one for one in await tx.fetch(Incoming, INCOMING, tx.account, list(set(ids)))}


async def spoken(tx: Tx, ids: Sequence[int]) -> dict[int, Spoken]:
    """Messages by id; of ours those that were handed over, no campaigns' ones, and of others' no reactions."""
    return {one.id: one for one in await tx.fetch(Spoken, SPOKEN, tx.account, list(set(ids)))}


async def callbacks(tx: Tx, ids: Sequence[int]) -> dict[int, str]:
    """The URLs that messages named to be told what becomes of them."""
    return dict(await tx.rows(CALLBACKS, tx.account, list(set(ids)))) if ids else {}


async def last_mails(tx: Tx, whom: Sequence[tuple[int, str]]) -> dict[tuple[int, str], Outgoing]:
    """By contact and address the mail that made somebody stop: the one they named, or else the last one."""
    contacts, addresses = [contact for contact, _ in whom], [address for _, address in whom]
    ids = await tx.column(int, LAST_MAILS, tx.account, contacts, addresses)
    found = await outgoing(tx, ids)
    return {(one.contact_id, one.address): one for one in found.values()}


def shown(scheme: str, address: str) -> str:
    """An address as people write it."""
    return f"+{address}" if scheme == "whatsapp" else address


OUTGOING = sql("""
    select m.id, c.sends_as as channel, m.scheme, m.address, m.contact_id, t.key as template_key, m.batch,
        coalesce((select b.drip_id from broadcasts b where b.account_id = $1 and b.id = m.broadcast_id),
            m.broadcast_id) as broadcast_id,
        m.reason, m.error, m.provider_code, m.segments, m.credits
    from messages m
    join channels c on c.account_id in ($1, 0) and c.id = m.channel_id
    left join templates t on t.account_id = $1 and t.id = m.template_id
    where m.account_id = $1 and m.id = any($2::bigint[]) and m.direction = 'out' and m.kind <> 'call'
""")

INCOMING = sql("""
    select m.id, c.sends_as as channel, m.scheme, m.address, c.address as to, m.contact_id, m.conversation_id,
        coalesce(m.body, '') as text, coalesce(m.attachments, '[]') as attachments, m.created_at
    from messages m
    join channels c on c.account_id in ($1, 0) and c.id = m.channel_id
    where m.account_id = $1 and m.id = any($2::bigint[]) and m.direction = 'in' and m.kind <> 'reaction'
""")

SPOKEN = sql("""
    select m.id, m.external_id, m.direction, c.sends_as as channel, m.scheme, m.address, m.contact_id,
        m.conversation_id, coalesce(m.body, '') as text, coalesce(m.sent_at, m.created_at) as at
    from messages m
    join channels c on c.account_id in ($1, 0) and c.id = m.channel_id
    where m.account_id = $1 and m.id = any($2::bigint[]) and m.kind <> 'reaction'
        and (m.direction = 'in' or (m.sent_at is not null and m.broadcast_id is null))
""")

CALLBACKS = sql("""
    select id, metadata ->> 'callback_url' from messages
    where account_id = $1 and id = any($2::bigint[]) and metadata ->> 'callback_url' is not null
""")

LAST_MAILS = sql("""
    select coalesce(named.id, last.id) from unnest($2::bigint[], $3::text[]) as whom (contact_id, address)
    left join suppressions s on s.account_id = $1 and s.kind = 'email' and s.address = whom.address
    left join lateral (
        select m.id from messages m where m.account_id = $1 and m.contact_id = whom.contact_id
            and m.address = whom.address and m.id::text = s.evidence ->> 'message'
        limit 1
    ) named on true
    left join lateral (
        select m.id from messages m where m.account_id = $1 and m.contact_id = whom.contact_id
            and m.direction = 'out' and m.scheme = 'mailto' and m.address = whom.address
        order by m.id desc limit 1
    ) last on true
    where coalesce(named.id, last.id) is not null
""")
