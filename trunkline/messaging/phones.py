"""Phones: people at the other end of simulator channels, played by members of the workspace.

What they write takes the way that a provider's call takes; what they see is what the carrier delivered to them.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from msgspec import Struct

from trunkline.channels.base import Attachment, Inbound, Status
from trunkline.core import ids, urns
from trunkline.core.db import Database, Tx, sql
from trunkline.core.errors import Conflict, Invalid, NotFound
from trunkline.core.urns import BadUrn, Urn
from trunkline.messaging import channels, receiving
from trunkline.messaging.channels import Channel
from trunkline.messaging.receiving import Received

MOST = 24
"""Phones on one wall."""

Report = Literal["delivered", "read", "failed"]


class Phone(Struct, frozen=True):
    """`plays` is what its channel pretends to be."""

    id: int
    channel_id: int
    channel: str
    plays: str
    number: str
    """The channel's own address."""
    scheme: str
    path: str
    name: str
    contact_id: int | None

    @property
    def urn(self) -> Urn:
        return Urn(self.scheme, self.path)

    @property
    def address(self) -> str:
        return f"+{self.path}" if self.scheme == "whatsapp" else self.path


class Said(Struct, frozen=True):
    """One message as the phone shows it; `external_id` names it in a report. What was lost on the way is not there."""

    phone_id: int
    id: int
    seq: int
    direction: str
    status: str
    text: str
    subject: str | None
    html: bool
    attachments: list[dict[str, Any]]
    quick_replies: list[Any]
    external_id: str | None
    at: datetime


async def all(tx: Tx) -> list[Phone]:
    """The wall, as it was put together."""
    return await tx.fetch(Phone, ALL, tx.account, None)


async def get(tx: Tx, id: int) -> Phone:
    phone = await tx.maybe(Phone, ALL, tx.account, id)
    if phone is None:
        raise NotFound("phone", id)
    return phone


async def add(tx: Tx, channel_id: int, *, address: str = "", name: str = "") -> Phone:
    """A person at a simulator channel; without an address they get one that belongs to nobody."""
    channel = await channels.get(tx, channel_id)
    if channel.kind != "simulator" or channel.pool:
        raise Invalid({"channel": ["Choose a simulator channel of this workspace."]})
    known = await all(tx)
    if len(known) >= MOST:
        raise Conflict("wall_full", f"There is room for {MOST} phones. Take one off first.")
    urn = _urn(channel.schemes[0], address) if address else _fresh(channel, known)
    id = await tx.value(int, INSERT, tx.account, channel.id, urn.scheme, urn.path, name or f"Person {len(known) + 1}")
    if id is None:
        raise Conflict("phone_exists", "This phone is on the wall already.", field="address")
    return await get(tx, id)


async def remove(tx: Tx, id: int) -> None:
    """Off the wall; the contact and what was said stay."""
    await get(tx, id)
    await tx.run(DELETE, tx.account, id)


async def screens(tx: Tx, limit: int = 30) -> dict[int, list[Said]]:
    """What each phone of the wall shows, the oldest first."""
    found: dict[int, list[Said]] = {}
    for said in await tx.fetch(Said, SCREENS, tx.account, limit):
        found.setdefault(said.phone_id, []).append(said)
    return found


async def letter(tx: Tx, id: int, seq: int) -> str:
    """The HTML of a mail in a phone's mailbox."""
    phone = await get(tx, id)
    html = await tx.value(str, LETTER, tx.account, phone.channel_id, seq, phone.path)
    if html is None:
        raise NotFound("mail", seq)
    return html


async def say(
    database: Database,
    account: int,
    id: int,
    text: str,
    *,
    subject: str | None = None,
    attachments: Sequence[Attachment] = (),
) -> Received:
    """The person writes to the channel."""
    phone, channel = await _connected(database, account, id)
    if not text.strip() and not attachments:
        raise Invalid({"text": ["Write something, or attach a file."]})
    inbound = Inbound(
        urn=phone.urn, text=text, external_id=str(ids.new_uuid()), name=phone.name, subject=subject,
        attachments=attachments,
    )  # fmt: skip
    [received] = await receiving.take(database, channel, [inbound])
    return received


async def report(database: Database, account: int, id: int, external_id: str, status: Report) -> None:
    """The carrier's report on a message to this phone."""
    phone, channel = await _connected(database, account, id)
    async with database.tx(account) as tx:
        if not await tx.value(bool, DELIVERED, tx.account, channel.id, external_id, phone.path):
            raise NotFound("message")
    reason = "undelivered" if status == "failed" else None
    await receiving.take(database, channel, [Status(status=status, external_id=external_id, reason=reason)])


async def _connected(database: Database, account: int, id: int) -> tuple[Phone, Channel]:
    async with database.tx(account) as tx:
        phone = await get(tx, id)
        return phone, await channels.get(tx, phone.channel_id)


def _urn(scheme: str, address: str) -> Urn:
    try:
        return urns.make(scheme, address)
    except BadUrn as error:
        raise Invalid({"address": [str(error)]}) from None


def _fresh(channel: Channel, known: Sequence[Phone]) -> Urn:
    """The next number of a range that is kept for films, or a mailbox of a domain that is kept for examples."""
    scheme, taken = channel.schemes[0], {(phone.channel_id, phone.path) for phone in known}
    for n in range(1, MOST + 2):
        path = FRESH.get(scheme, "person-{n}").format(n=n, number=f"447700900{n:03}")
        if (channel.id, path) not in taken:
            return _urn(scheme, path)
    raise Conflict("wall_full", "Name the number.")


FRESH = {"tel": "+{number}", "whatsapp": "{number}", "mailto": "person-{n}@example.com"}

# A channel that is gone takes its phones with it.
ALL = sql("""
    select p.id, p.channel_id, c.name as channel, c.sends_as as plays, c.address as number, p.scheme, p.path, p.name,
        (select u.contact_id from urns u where u.account_id = $1 and u.scheme = p.scheme and u.path = p.path)
            as contact_id
    from wall_phones p
    join channels c on c.account_id = $1 and c.id = p.channel_id and c.kind = 'simulator' and c.deleted_at is null
    where p.account_id = $1 and ($2::bigint is null or p.id = $2) order by p.id
""")

INSERT = sql("""
    insert into wall_phones (account_id, channel_id, scheme, path, name) values ($1, $2, $3, $4, $5)
    on conflict do nothing returning id
""")

DELETE = sql("delete from wall_phones where account_id = $1 and id = $2")

# A message that the carrier doubled stands there twice, one that it lost not at all.
SCREENS = sql("""
    select p.id as phone_id, m.id, coalesce(o.seq, 0) as seq, m.direction, m.status,
        coalesce(o.body, m.body, '') as text, coalesce(o.subject, m.subject) as subject,
        coalesce(o.html, '') <> '' as html, coalesce(o.attachments, m.attachments, '[]') as attachments,
        coalesce(o.quick_replies, '[]') as quick_replies, o.external_id, coalesce(o.sent_at, m.created_at) as at
    from wall_phones p
    join channels c on c.account_id = $1 and c.id = p.channel_id and c.deleted_at is null
    join urns u on u.account_id = $1 and u.scheme = p.scheme and u.path = p.path
    cross join lateral (
        select m.* from messages m where m.account_id = $1 and m.contact_id = u.contact_id
            and m.channel_id = p.channel_id and m.address = p.path order by m.id desc limit $2
    ) m
    left join simulator_outbox o on o.account_id = $1 and o.channel_id = p.channel_id
        and o.external_id = m.external_id and m.direction = 'out'
    where p.account_id = $1 and (m.direction = 'in' or o.seq is not null)
    order by p.id, m.id, o.seq
""")

LETTER = sql("""
    select html from simulator_outbox where account_id = $1 and channel_id = $2 and seq = $3 and recipient = $4
""")

DELIVERED = sql("""
    select true from simulator_outbox
    where account_id = $1 and channel_id = $2 and external_id = $3 and recipient = $4 limit 1
""")
