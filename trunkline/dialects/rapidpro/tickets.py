"""Tickets: what colleagues see to."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from trunkline.accounts import users
from trunkline.contacts import people
from trunkline.core.db import Tx
from trunkline.dialects.base import Paged
from trunkline.dialects.rapidpro import lists, reading
from trunkline.dialects.rapidpro.dialect import rapidpro
from trunkline.dialects.rapidpro.wire import Moment, Ref, UserRef, moment, moment_or_none
from trunkline.dialects.walking import Place, Walk
from trunkline.flows import stored
from trunkline.inbox import tickets, topics
from trunkline.inbox.tickets import Ticket


class TicketOut(Struct, frozen=True):
    """`body` is what older servers told; it is always null."""

    uuid: UUID
    contact: Ref | None
    status: str
    topic: Ref | None
    body: str | None
    assignee: UserRef | None
    opened_on: Moment
    opened_by: UserRef | None
    opened_in: Ref | None
    modified_on: Moment
    closed_on: Moment | None


class TicketQuery(Struct):
    uuid: Annotated[str | None, Meta(description="Only the ticket with this UUID.")] = None
    ticket: Annotated[str | None, Meta(description="The same under its older name.")] = None
    contact: Annotated[str | None, Meta(description="Only tickets of this contact, by UUID.")] = None
    reverse: Annotated[str | None, Meta(description="true: the oldest change first.")] = None


class _Named(Struct):
    """What the tickets of a page belong to, by id."""

    contacts: dict[int, Ref]
    topics: dict[int, Ref]
    users: dict[int, UserRef]
    flows: dict[int, Ref]


@rapidpro.get("/tickets.json")
async def list_tickets(tx: Tx, walk: Walk, query: TicketQuery) -> Paged[TicketOut]:
    """List tickets, the last changed first."""
    uuid = reading.uuid(query.uuid) or reading.uuid(query.ticket, "ticket")
    contact = await _contact(tx, query.contact) if query.contact else None
    if query.contact and contact is None:
        return Paged([])
    oldest_first = reading.flag(query.reverse) or False
    if uuid is not None:
        found = [each for each in await tickets.by_uuids(tx, [uuid]) if contact in (None, each.contact_id)]
        page = await walk.page(lists.walked(found, _place), _place, oldest_first=oldest_first)
    else:
        page = await walk.page(
            lambda span: tickets.page(
                tx, contact=contact, cursor=span.after, limit=span.limit, oldest_first=span.oldest_first
            ),
            _place,
            oldest_first=oldest_first,
        )
    return Paged(await _shapes(tx, page.rows), next=page.next, previous=page.previous)


async def _contact(tx: Tx, text: str) -> int | None:
    uuid = reading.loose_uuid(text)
    found = await people.by_uuid(tx, [uuid]) if uuid else {}
    return next((each.id for each in found.values()), None)


async def _shapes(tx: Tx, rows: Sequence[Ticket]) -> list[TicketOut]:
    if not rows:
        return []
    contacts = await people.get_many(tx, list({row.contact_id for row in rows}))
    flows = await stored.by_ids(tx, list({row.flow_id for row in rows if row.flow_id}))
    named = _Named(
        contacts={each.id: Ref(each.uuid, each.name or None) for each in contacts},
        topics={each.id: Ref(each.uuid, each.name) for each in await topics.all_of(tx)},
        users={each.id: UserRef(each.email, each.name or each.email) for each in await users.members(tx)},
        flows={each.id: Ref(each.uuid, each.name) for each in flows},
    )
    return [_shape(row, named) for row in rows]


def _shape(ticket: Ticket, named: _Named) -> TicketOut:
    kind, _, opener = ticket.opened_by.partition(":")
    return TicketOut(
        uuid=ticket.uuid,
        contact=named.contacts.get(ticket.contact_id),
        status=ticket.status,
        topic=named.topics.get(ticket.topic_id or 0),
        body=None,
        assignee=named.users.get(ticket.assignee_id or 0),
        opened_on=moment(ticket.opened_at),
        opened_by=named.users.get(int(opener)) if kind == "user" and opener.isdigit() else None,
        opened_in=named.flows.get(ticket.flow_id or 0),
        modified_on=moment(ticket.modified_at),
        closed_on=moment_or_none(ticket.closed_at),
    )


def _place(ticket: Ticket) -> Place:
    return ticket.modified_at, ticket.id
