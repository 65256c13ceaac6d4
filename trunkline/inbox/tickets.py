"""Tickets: what colleagues should see to. A contact has one open ticket at most."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from trunkline.contacts import standard
from trunkline.core.db import Tx, sql
from trunkline.core.errors import NotFound
from trunkline.core.events import Happened
from trunkline.inbox import assignment, notes
from trunkline.inbox.events import TicketClosed, TicketOpened


class Ticket(Struct, frozen=True):
    id: int
    uuid: UUID
    contact_id: int
    conversation_id: int | None
    topic_id: int | None
    assignee_id: int | None
    status: str
    flow_id: int | None
    opened_by: str
    opened_at: datetime
    modified_at: datetime
    closed_at: datetime | None


class NewTicket(Struct, frozen=True, kw_only=True):
    uuid: UUID
    contact_id: int
    topic_id: int | None = None
    assignee_id: int | None = None
    flow_id: int | None = None


async def open_many(tx: Tx, wanted: Sequence[NewTicket]) -> list[Ticket]:
    """Open tickets; who has an open one keeps it. The contact's latest conversation becomes theirs and is opened."""
    if not wanted:
        return []
    await standard.ensure(tx)
    fields = ("uuid", "contact_id", "topic_id", "assignee_id", "flow_id")
    columns = ([getattr(one, name) for one in wanted] for name in fields)
    opened = await tx.fetch(Ticket, OPEN, tx.account, tx.actor, *columns)
    await tx.run(MARK, tx.account, [one.conversation_id for one in opened if one.conversation_id])
    for ticket in opened:
        if ticket.assignee_id and ticket.conversation_id:
            await assignment.assign_many(tx, [ticket.conversation_id], ticket.assignee_id)
        tx.record(TicketOpened(ticket.id, ticket.contact_id, ticket.topic_id, ticket.assignee_id))
    return opened


async def get(tx: Tx, uuid: UUID) -> Ticket:
    found = await by_uuids(tx, [uuid])
    if not found:
        raise NotFound("ticket", uuid)
    return found[0]


async def by_uuids(tx: Tx, uuids: Sequence[UUID]) -> list[Ticket]:
    return await tx.fetch(Ticket, BY_UUIDS, tx.account, list(uuids))


async def open_of(tx: Tx, contacts: Sequence[int]) -> dict[int, Ticket]:
    """The open ticket of each contact that has one."""
    return {ticket.contact_id: ticket for ticket in await tx.fetch(Ticket, OPEN_OF, tx.account, list(contacts))}


async def close(tx: Tx, ids: Sequence[int]) -> list[int]:
    """Close tickets and return those that were open."""
    closed = await tx.fetch(Ticket, CLOSE, tx.account, list(ids))
    for ticket in closed:
        tx.record(TicketClosed(ticket.id, ticket.contact_id, str(ticket.uuid), ticket.topic_id, ticket.assignee_id))
    return [ticket.id for ticket in closed]


async def reopen(tx: Tx, ids: Sequence[int]) -> list[int]:
    """Open closed tickets again, unless the contact has an open one meanwhile. Returns those that are open now."""
    return await tx.column(int, REOPEN, tx.account, list(ids))


async def assign(tx: Tx, ids: Sequence[int], user_id: int | None) -> list[int]:
    """Give tickets, and their conversations, to somebody or to nobody; returns which changed."""
    rows = await tx.rows(ASSIGN, tx.account, list(ids), user_id)
    await assignment.assign_many(tx, [conversation for _, conversation in rows if conversation], user_id)
    return [id for id, _ in rows]


async def change_topic(tx: Tx, ids: Sequence[int], topic_id: int) -> list[int]:
    return await tx.column(int, MOVE, tx.account, list(ids), topic_id)


async def add_note(tx: Tx, ticket: Ticket, body: str, user_id: int | None) -> bool:
    """Write a note where the ticket's talk is, or the contact's latest; False when they never talked."""
    home = ticket.conversation_id or await tx.value(int, LATEST, tx.account, ticket.contact_id)
    if home is None:
        return False
    await notes.add(tx, home, body, user_id)
    await tx.run(TOUCH, tx.account, ticket.id)
    return True


async def page(
    tx: Tx,
    *,
    contact: int | None = None,
    status: str | None = None,
    cursor: tuple[datetime, int] | None = None,
    limit: int = 250,
    oldest_first: bool = False,
) -> list[Ticket]:
    """Behind (modified_at, id) by the time of their last change, the newest first."""
    at, id = cursor or (None, None)
    return await tx.fetch(Ticket, PAGE[cursor is not None, oldest_first], tx.account, at, id, limit, contact, status)


async def close_with_conversation(tx: Tx, happened: Sequence[Happened]) -> None:
    """Reaction: a closed conversation closes the ticket that lives in it."""
    conversations: list[Any] = [one.event.id for one in happened]
    await close(tx, await tx.column(int, IN_CONVERSATIONS, tx.account, conversations))


_COLUMNS = """id, uuid, contact_id, conversation_id, topic_id, assignee_id, status, flow_id, opened_by, opened_at,
    modified_at, closed_at"""

OPEN = sql(f"""
    insert into tickets (account_id, uuid, contact_id, conversation_id, topic_id, assignee_id, flow_id, opened_by)
    select $1, n.uuid, n.contact_id, (
            select c.id from conversations c
            where c.account_id = $1 and c.contact_id = n.contact_id and c.deleted_at is null
            order by c.last_message_at desc nulls last, c.id desc limit 1),
        coalesce(n.topic_id, (select t.id from topics t where t.account_id = $1 and t.name_key = 'general')),
        n.assignee_id, n.flow_id, $2
    from unnest($3::uuid[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[])
        as n (uuid, contact_id, topic_id, assignee_id, flow_id)
    on conflict (account_id, contact_id) where status = 'open' do nothing
    returning {_COLUMNS}
""")

MARK = sql("""
    update conversations c set is_ticket = true, updated_at = now(),
        status = case when c.status in ('closed', 'snoozed') then 'open' else c.status end,
        resolved_at = case when c.status = 'closed' then null else c.resolved_at end,
        snoozed_until = case when c.status = 'snoozed' then null else c.snoozed_until end,
        topic_id = t.topic_id
    from tickets t
    where c.account_id = $1 and c.id = any($2::bigint[]) and t.account_id = $1 and t.conversation_id = c.id
        and t.status = 'open'
""")

BY_UUIDS = sql(f"select {_COLUMNS} from tickets where account_id = $1 and uuid = any($2::uuid[]) order by id")

OPEN_OF = sql(f"""
    select {_COLUMNS} from tickets where account_id = $1 and contact_id = any($2::bigint[]) and status = 'open'
""")

CLOSE = sql(f"""
    update tickets set status = 'closed', closed_at = now(), modified_at = now()
    where account_id = $1 and id = any($2::bigint[]) and status = 'open' returning {_COLUMNS}
""")

REOPEN = sql("""
    update tickets t set status = 'open', closed_at = null, modified_at = now()
    where t.account_id = $1 and t.id in (
            select distinct on (d.contact_id) d.id from tickets d
            where d.account_id = $1 and d.id = any($2::bigint[]) and d.status = 'closed'
            order by d.contact_id, d.id desc)
        and not exists (
            select from tickets o where o.account_id = $1 and o.contact_id = t.contact_id and o.status = 'open')
    returning t.id
""")

ASSIGN = sql("""
    update tickets set assignee_id = $3, modified_at = now()
    where account_id = $1 and id = any($2::bigint[]) and assignee_id is distinct from $3
    returning id, conversation_id
""")

MOVE = sql("""
    update tickets set topic_id = $3, modified_at = now()
    where account_id = $1 and id = any($2::bigint[]) and topic_id is distinct from $3 returning id
""")

PAGE = {
    (behind, oldest_first): sql(f"""
        select {_COLUMNS} from tickets
        where account_id = $1 and ($5::bigint is null or contact_id = $5) and ($6::text is null or status = $6)
            and {
        f"(modified_at, id) {sign} ($2::timestamptz, $3::bigint)"
        if behind
        else "$2::timestamptz is null and $3::bigint is null"
    }
        order by modified_at {direction}, id {direction} limit $4
    """)
    for behind in (False, True)
    for oldest_first, direction, sign in ((False, "desc", "<"), (True, "asc", ">"))
}

LATEST = sql("""
    select id from conversations where account_id = $1 and contact_id = $2 and deleted_at is null
    order by last_message_at desc nulls last, id desc limit 1
""")

TOUCH = sql("update tickets set modified_at = now() where account_id = $1 and id = $2")

IN_CONVERSATIONS = sql("""
    select id from tickets where account_id = $1 and conversation_id = any($2::bigint[]) and status = 'open'
""")
