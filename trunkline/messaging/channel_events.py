"""Channel events: what happens between people and a channel besides messages. Calls, referrals, opt-ins, stops.

They are stored once, however often a provider tells them, and start flows by the triggers that wait for them.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from trunkline.channels.base import ChannelEvent, EventType
from trunkline.contacts import consents, people, urns
from trunkline.core import clock, ids
from trunkline.core.db import Tx, json_text, sql
from trunkline.core.errors import Invalid
from trunkline.core.jobs import Desk, job
from trunkline.core.urns import Urn
from trunkline.messaging import consenting
from trunkline.messaging.channels import Channel
from trunkline.messaging.events import ChannelEventReceived

DAYS = 90
"""How long they are kept."""

LARGEST_EXTRA = 10_000

SOURCE = "channel_event"
"""Where the consent comes from when a provider tells of it; its trigger is the event's own."""

SEEN: frozenset[EventType] = frozenset(
    {"call_in", "call_in_missed", "new_conversation", "referral", "welcome_message", "optin", "optout", "stop_contact"}
)
"""Those by which a person shows that they are there."""


class Occurred(Struct, frozen=True):
    id: int
    uuid: UUID
    type: EventType
    contact_id: int
    contact_uuid: UUID
    contact_name: str
    channel_id: int
    channel_uuid: UUID
    channel_name: str
    extra: dict[str, Any]
    occurred_at: datetime
    created_at: datetime


class Noted(Struct, frozen=True):
    event_id: int
    duplicate: bool
    contact_id: int


class New(Struct, frozen=True, kw_only=True):
    """An event of a contact that is known already."""

    type: EventType
    contact_id: int
    urn: Urn
    extra: dict[str, Any] = {}
    external_id: str | None = None
    occurred_at: datetime | None = None


async def store(tx: Tx, channel: Channel, events: Sequence[ChannelEvent]) -> list[Noted]:
    """Store what a provider told; one answer for each, in order. Strangers become contacts."""
    if any(len(msgspec.json.encode(event.extra)) > LARGEST_EXTRA for event in events):
        raise Invalid({"extra": [f"The extra field may have at most {LARGEST_EXTRA} bytes of JSON."]})
    names = {event.urn: event.name for event in events if event.name}
    contacts = await people.get_or_create(tx, [event.urn for event in events], names=names, source=channel.sends_as)
    news = [
        New(
            type=event.type,
            contact_id=contact,
            urn=event.urn,
            extra=event.extra,
            external_id=event.external_id,
            occurred_at=event.occurred_at,
        )
        for event, (contact, _) in zip(events, contacts, strict=True)
    ]
    return await add(tx, channel, news)


async def add(tx: Tx, channel: Channel, news: Sequence[New]) -> list[Noted]:
    """Store events and what they mean for consent; the triggers follow after the commit. One answer for each."""
    now = clock.now()
    rows = [_row(new, now) for new in news]
    columns = [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(8)]
    stored = await tx.fetch(_Stored, INSERT, tx.account, channel.id, *columns)
    fresh = [(news[row.position - 1], row.id) for row in stored if not row.duplicate]
    known = {row.position: row for row in stored}
    if len(known) < len(news):
        # A repeat: its first copy was committed by somebody else, perhaps just now.
        again = [n for n in range(1, len(news) + 1) if n not in known]
        named = [news[n - 1].external_id or "" for n in again]
        known |= {row.position: row for row in await tx.fetch(_Stored, FIND, tx.account, channel.id, again, named)}
    seen = [new for new, _ in fresh if new.type in SEEN]
    await people.touch(tx, [new.contact_id for new in seen], inbound=now)
    await urns.heard(tx, channel.id, [new.urn for new in seen])
    for new, id in fresh:
        await _consent(tx, channel, new, id)
        tx.record(ChannelEventReceived(id, new.type, new.contact_id, channel.id, new.extra))
    return [Noted(known[n].id, known[n].duplicate, known[n].contact_id) for n in range(1, len(news) + 1)]


async def page(
    tx: Tx,
    *,
    id: int | None = None,
    contact: int | None = None,
    after: datetime | None = None,
    before: datetime | None = None,
    beyond: tuple[datetime, int] | None = None,
    limit: int = 250,
    oldest_first: bool = False,
) -> list[Occurred]:
    """The newest first. `after` and `before` bound the time of storing, both included; `beyond` is the time and id of
    the last one seen.
    """
    mark = beyond or (None, None)
    which = "one" if id is not None else "contact" if contact is not None else "all"
    statement = PAGE[which, beyond is not None, oldest_first]
    return await tx.fetch(Occurred, statement, tx.account, id, contact, after, before, *mark, limit)


@job("channel_events.prune", apart=True)
async def prune(desk: Desk) -> None:
    """Delete old ones of all accounts, in portions."""
    while True:
        async with desk.database.system() as tx:
            if await tx.run(PRUNE, DAYS) < 5000:
                return


async def _consent(tx: Tx, channel: Channel, new: New, id: int) -> None:
    """What somebody told the provider counts like a word to us. A yes that is older than a stop does not lift it."""
    kind, address = channel.sends_as, new.urn.path
    told = {"event": id, "type": new.type}
    if new.type in ("optout", "stop_contact"):
        await consenting.stop(tx, new.contact_id, kind, address, source=SOURCE, evidence=told)
    if new.type != "optin":
        return
    if new.occurred_at is None or not await consents.stopped_since(tx, kind, address, new.occurred_at):
        await consenting.start(tx, new.contact_id, kind, address, source=SOURCE, evidence=told)


def _row(new: New, now: datetime) -> tuple[object, ...]:
    return (
        ids.new_uuid(),
        new.type,
        new.contact_id,
        new.urn.scheme,
        new.urn.path,
        json_text(new.extra),
        new.external_id,
        new.occurred_at or now,
    )


class _Stored(Struct, frozen=True):
    position: int
    id: int
    contact_id: int
    duplicate: bool


INSERT = sql("""
    with told as (
        select * from unnest($3::uuid[], $4::text[], $5::bigint[], $6::text[], $7::text[], $8::text[], $9::text[],
            $10::timestamptz[]) with ordinality
            as t (uuid, type, contact_id, scheme, address, extra, external_id, occurred_at, position)
    ), stored as (
        insert into channel_events (account_id, channel_id, uuid, type, contact_id, scheme, address, extra, external_id,
            occurred_at)
        select $1, $2, uuid, type, contact_id, scheme, address, extra::jsonb, external_id, occurred_at
        from told order by position
        on conflict (account_id, channel_id, external_id) where external_id is not null do nothing
        returning id, uuid, contact_id
    )
    select t.position, s.id, s.contact_id, false as duplicate from stored s join told t on t.uuid = s.uuid
    order by s.id
""")

FIND = sql("""
    select wanted.position, e.id, e.contact_id, true as duplicate
    from unnest($3::bigint[], $4::text[]) as wanted (position, external_id)
    join channel_events e on e.account_id = $1 and e.channel_id = $2 and e.external_id = wanted.external_id
""")

_PAGE = """
    select e.id, e.uuid, e.type, e.contact_id, c.uuid as contact_uuid, c.name as contact_name, e.channel_id,
        h.uuid as channel_uuid, h.name as channel_name, e.extra, e.occurred_at, e.created_at
    from channel_events e
    join contacts c on c.account_id = $1 and c.id = e.contact_id and c.deleted_at is null
    join channels h on h.account_id in ($1, 0) and h.id = e.channel_id
    where e.account_id = $1 and {whose}
        and e.created_at >= coalesce($4::timestamptz, '-infinity')
        and e.created_at <= coalesce($5::timestamptz, 'infinity') and {behind}
    order by e.created_at {direction}, e.id {direction} limit $8
"""
_WHOSE = {
    "one": "e.id = $2 and ($3::bigint is null or e.contact_id = $3)",
    "contact": "$2::bigint is null and e.contact_id = $3",
    "all": "$2::bigint is null and $3::bigint is null",
}
_BEHIND = "(e.created_at, e.id) {sign} ($6::timestamptz, $7::bigint)"
_NOWHERE = "$6::timestamptz is null and $7::bigint is null"
PAGE = {
    (which, behind, oldest_first): sql(
        _PAGE.format(whose=whose, behind=_BEHIND.format(sign=sign) if behind else _NOWHERE, direction=direction)
    )
    for which, whose in _WHOSE.items()
    for behind in (False, True)
    for oldest_first, direction, sign in ((False, "desc", "<"), (True, "asc", ">"))
}

PRUNE = sql(
    """
    delete from channel_events where (account_id, id) in (
        select account_id, id from channel_events where created_at < now() - make_interval(days => $1) limit 5000)
    """,
    system=True,
)
