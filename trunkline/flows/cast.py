"""The cast: contacts as the engine sees them, locked until the commit, with what the host knows beside them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from msgspec import Struct

from trunkline.contacts import fields
from trunkline.core import clock
from trunkline.core.db import Tx, sql
from trunkline.flows import assets
from trunkline.flows.contact import Contact, FieldValue, Ticket
from trunkline.flows.stock import Stock
from trunkline.flows.waiting import Waiting
from trunkline.messaging import recipients


class Member(Struct):
    """`silent` are channels that may send this contact templates only, `stopped` URNs that must not be written to."""

    id: int
    contact: Contact
    waiting: Waiting | None
    stopped: frozenset[str] = frozenset()
    silent: frozenset[str] = frozenset()


async def lock(tx: Tx, ids: Iterable[int]) -> None:
    """Nobody else runs these contacts before the commit. Whoever locks contacts does so first, and in order."""
    await tx.run(LOCK, tx.account, sorted(set(ids)))


async def load(tx: Tx, stock: Stock, ids: Sequence[int], *, locked: bool = False) -> dict[int, Member]:
    """The living contacts among `ids`, locked unless they are already."""
    wanted = sorted(set(ids))
    if not locked:
        await lock(tx, wanted)
    members = {}
    for row in await tx.fetch(_Row, LOAD, tx.account, wanted):
        members[row.id] = Member(row.id, _contact(stock, row), _waiting(row), frozenset(row.stopped))
    await _note_silence(tx, stock, members)
    return members


async def _note_silence(tx: Tx, stock: Stock, members: Mapping[int, Member]) -> None:
    """Whom a channel with a reply window may only send templates."""
    for uuid, channel in stock.channels.items():
        reached = [
            member.id
            for member in members.values()
            if any(urn.partition(":")[0] in channel.schemes for urn in member.contact.urns)
        ]
        for id in await recipients.silent(tx, channel, reached):
            members[id].silent |= {uuid}


class _Row(Struct, frozen=True):
    id: int
    uuid: str
    name: str
    language: str
    status: Any
    timezone: str
    created_at: datetime
    last_seen_at: datetime | None
    fields: dict[str, Any]
    urns: list[str]
    channels: list[int | None]
    stopped: list[str]
    groups: list[int]
    ticket: str | None
    topic_id: int | None
    assignee_id: int | None
    session: UUID | None
    type: str | None
    flow_id: int | None
    version: int | None
    state: bytes | None
    wait: str | None
    timeout_at: datetime | None
    expires_at: datetime | None


def _waiting(row: _Row) -> Waiting | None:
    if row.session is None or row.state is None or row.expires_at is None:
        return None
    return Waiting(
        row.id,
        row.session,
        row.type or "",
        row.flow_id or 0,
        row.version or 0,
        row.state,
        row.wait or "",
        row.timeout_at,
        row.expires_at,
    )


def _contact(stock: Stock, row: _Row) -> Contact:
    known = stock.assets
    groups = (stock.group_uuids.get(id) for id in row.groups)
    return Contact(
        uuid=row.uuid,
        id=row.id,
        name=row.name,
        language=row.language,
        status=row.status,
        timezone=row.timezone,
        created_on=row.created_at,
        last_seen_on=row.last_seen_at,
        urns=[_urn(stock, urn, channel) for urn, channel in zip(row.urns, row.channels, strict=True)],
        groups=[known.groups[uuid].ref for uuid in groups if uuid],
        fields={
            key: value
            for key, given in row.fields.items()
            if key in known.fields and (value := _value(known.fields[key], given))
        },
        tickets=[_ticket(stock, row)] if row.ticket else [],
    )


def _urn(stock: Stock, urn: str, channel: int | None) -> str:
    uuid = stock.channel_uuids.get(channel) if channel else None
    return f"{urn}?channel={uuid}" if uuid else urn


def _value(field: assets.Field, given: Any) -> FieldValue | None:
    """A stored value as far as its field's type needs it."""
    if given is None or given == "":
        return None
    text = given if isinstance(given, str) else fields.as_json(given)
    match fields.read(field.type, text):  # type: ignore[arg-type]
        case Decimal() as number:
            return FieldValue(text, number=int(number) if number == number.to_integral_value() else number)
        case datetime() as moment:
            return FieldValue(text, datetime=moment)
    match field.type:
        case "state":
            return FieldValue(text, state=text)
        case "district":
            return FieldValue(text, district=text)
        case "ward":
            return FieldValue(text, ward=text)
    return FieldValue(text)


def _ticket(stock: Stock, row: _Row) -> Ticket:
    topic = stock.topic_uuids.get(row.topic_id or 0)
    assignee = stock.user_uuids.get(row.assignee_id or 0)
    return Ticket(
        uuid=row.ticket or "",
        topic=stock.assets.topics[topic].ref if topic else None,
        assignee=stock.assets.users[assignee].ref if assignee else None,
        last_activity_on=clock.now(),
    )


LOCK = sql("""
    select id from contacts where account_id = $1 and id = any($2::bigint[]) order by id for no key update
""")

LOAD = sql("""
    select c.id, c.uuid::text, c.name, coalesce(c.language, '') as language, c.status,
        coalesce(c.timezone, '') as timezone, c.created_at, c.last_seen_at, c.fields,
        array(select u.scheme || ':' || u.path from urns u where u.account_id = $1 and u.contact_id = c.id
            order by u.priority, u.id) as urns,
        array(select u.channel_id from urns u where u.account_id = $1 and u.contact_id = c.id
            order by u.priority, u.id) as channels,
        array(select s.kind || ':' || s.address from urns u join suppressions s on s.account_id = $1
            and s.address = case u.scheme when 'whatsapp' then '+' || u.path else u.path end
            where u.account_id = $1 and u.contact_id = c.id) as stopped,
        array(select m.group_id from group_members m where m.account_id = $1 and m.contact_id = c.id
            order by m.group_id) as groups,
        t.uuid::text as ticket, t.topic_id, t.assignee_id, w.uuid as session, w.type, w.flow_id, w.version, w.state,
        w.wait, w.timeout_at, w.expires_at
    from contacts c
    left join tickets t on t.account_id = $1 and t.contact_id = c.id and t.status = 'open'
    left join flow_sessions w on w.account_id = $1 and w.contact_id = c.id
    where c.account_id = $1 and c.id = any($2::bigint[]) and c.deleted_at is null
""")
