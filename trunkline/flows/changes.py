"""Changes: what sprints did to contacts, each kind in one go, the last word of each contact counting."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from trunkline.contacts import changing, fields, groups, people, urns
from trunkline.core.db import Tx
from trunkline.core.urns import Urn
from trunkline.flows import addresses
from trunkline.flows.contact import FieldValue
from trunkline.flows.outcomes import Done
from trunkline.flows.stock import Stock
from trunkline.inbox import tickets
from trunkline.inbox.tickets import NewTicket

Happened = Sequence[tuple[Done, Any]]


async def statuses(tx: Tx, stock: Stock, happened: Happened) -> None:
    wanted: dict[Any, list[int]] = {}
    for contact, status in {one.part.member.id: event.status for one, event in happened}.items():
        wanted.setdefault(status, []).append(contact)
    for status, contacts in wanted.items():
        await people.change_status(tx, contacts, status)


async def names(tx: Tx, stock: Stock, happened: Happened) -> None:
    await people.rename(tx, {one.part.member.id: event.name for one, event in happened})


async def languages(tx: Tx, stock: Stock, happened: Happened) -> None:
    await changing.set_language(tx, {one.part.member.id: event.language for one, event in happened})


async def timezones(tx: Tx, stock: Stock, happened: Happened) -> None:
    await changing.set_timezone(tx, {one.part.member.id: event.timezone for one, event in happened})


async def field_values(tx: Tx, stock: Stock, happened: Happened) -> None:
    values: dict[int, dict[str, Any]] = {}
    for one, event in happened:
        field = stock.assets.fields.get(event.field.key)
        kept = _kept(field.type if field else "text", event.value)
        values.setdefault(one.part.member.id, {})[event.field.key] = kept
    await people.set_fields(tx, values)


async def group_members(tx: Tx, stock: Stock, happened: Happened) -> None:
    """Net of all that happened to a contact: in and out again is nothing. Smart groups see to themselves."""
    latest: dict[tuple[str, int], bool] = {}
    for one, event in happened:
        for group in event.groups_added:
            latest[group.uuid, one.part.member.id] = True
        for group in event.groups_removed:
            latest[group.uuid, one.part.member.id] = False
    moves: dict[tuple[str, bool], list[int]] = {}
    for (uuid, contact), joins in sorted(latest.items()):
        moves.setdefault((uuid, joins), []).append(contact)
    for (uuid, joins), contacts in moves.items():
        group = stock.groups.get(uuid)
        if group and not stock.assets.groups[uuid].query:
            await (groups.add if joins else groups.remove)(tx, group, contacts)


async def all_urns(tx: Tx, stock: Stock, happened: Happened) -> None:
    """Rare, so contact by contact; who was faster keeps an address."""
    for contact, texts in {one.part.member.id: event.urns for one, event in happened}.items():
        found = [addresses.read(text) for text in texts]
        wanted = {Urn(address.scheme, address.path): address.channel_uuid for address in found}
        await urns.replace(tx, contact, list(wanted))
        pinned = {urn: stock.channels[uuid].id for urn, uuid in wanted.items() if uuid in stock.channels}
        await urns.prefer_channel(tx, pinned)


async def opened_tickets(tx: Tx, stock: Stock, happened: Happened) -> None:
    wanted = [
        NewTicket(
            uuid=UUID(event.ticket.uuid),
            contact_id=one.part.member.id,
            topic_id=stock.topics.get(event.ticket.topic.uuid) if event.ticket.topic else None,
            assignee_id=stock.users.get(event.ticket.assignee.uuid) if event.ticket.assignee else None,
            flow_id=one.part.flow_id,
        )
        for one, event in happened
    ]
    await tickets.open_many(tx, wanted)


async def ticket_notes(tx: Tx, stock: Stock, happened: Happened) -> None:
    found = {str(ticket.uuid): ticket for ticket in await tickets.by_uuids(tx, _tickets(happened))}
    for _, event in happened:
        if ticket := found.get(event.ticket_uuid):
            await tickets.add_note(tx, ticket, event.note, None)


async def closed_tickets(tx: Tx, stock: Stock, happened: Happened) -> None:
    await tickets.close(tx, [ticket.id for ticket in await tickets.by_uuids(tx, _tickets(happened))])


async def reopened_tickets(tx: Tx, stock: Stock, happened: Happened) -> None:
    await tickets.reopen(tx, [ticket.id for ticket in await tickets.by_uuids(tx, _tickets(happened))])


async def assigned_tickets(tx: Tx, stock: Stock, happened: Happened) -> None:
    found = {str(ticket.uuid): ticket.id for ticket in await tickets.by_uuids(tx, _tickets(happened))}
    for _, event in happened:
        if event.ticket_uuid in found:
            assignee = stock.users.get(event.assignee.uuid) if event.assignee else None
            await tickets.assign(tx, [found[event.ticket_uuid]], assignee)


async def moved_tickets(tx: Tx, stock: Stock, happened: Happened) -> None:
    found = {str(ticket.uuid): ticket.id for ticket in await tickets.by_uuids(tx, _tickets(happened))}
    for _, event in happened:
        if event.ticket_uuid in found and event.topic.uuid in stock.topics:
            await tickets.change_topic(tx, [found[event.ticket_uuid]], stock.topics[event.topic.uuid])


def _tickets(happened: Happened) -> list[UUID]:
    return [UUID(event.ticket_uuid) for _, event in happened]


def _kept(type: str, value: FieldValue | None) -> Any:
    """A value as contacts keep it: by its field's type where it could be read, else as it was said."""
    if value is None:
        return None
    if type == "number" and value.number is not None:
        return fields.number_text(Decimal(value.number))
    if type == "datetime" and value.datetime is not None:
        return value.datetime.isoformat()
    located = {"state": value.state, "district": value.district, "ward": value.ward}.get(type)
    return located or value.text
