"""What is done to many tickets at once."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from msgspec import Struct

from trunkline.accounts import roles
from trunkline.core.db import Tx
from trunkline.dialects.base import Answer, Call
from trunkline.dialects.rapidpro import reading
from trunkline.dialects.rapidpro.dialect import rapidpro
from trunkline.dialects.rapidpro.errors import across
from trunkline.dialects.rapidpro.fields import Choice, Reading, Text
from trunkline.dialects.rapidpro.reading import Body
from trunkline.dialects.rapidpro.references import Many, One, Tickets, Topics, Users
from trunkline.inbox import notes, tickets
from trunkline.inbox.tickets import Ticket

NEEDED = {"assign": "assignee", "add_note": "note", "note": "note", "change_topic": "topic"}
ACTIONS = ("assign", "add_note", "change_topic", "close", "reopen", "note")


class TicketFailures(Struct, frozen=True):
    """Tickets that were not changed."""

    failures: list[UUID]


class Colleagues(Users):
    """Users who may answer: to others nothing is assigned."""

    async def find(self, reading: Reading, texts: Sequence[str]) -> Mapping[str, Any]:
        known = await super().find(reading, texts)
        return {text: member for text, member in known.items() if roles.allows(member.role, "interact")}


FORM = {
    "tickets": Many("The tickets, by UUID.", Tickets()),
    "action": Choice("What to do.", ACTIONS),
    "assignee": One("Whose they become, by email address; null for nobody's.", Colleagues(), required=False, null=True),
    "topic": One("The topic that they get, by UUID.", Topics(), required=False),
    "note": Text("The note to add.", most=notes.MAX_LENGTH, required=False),
}


@rapidpro.post("/ticket_actions.json", fields=FORM, answers={200: TicketFailures, 204: None})
async def act_on_tickets(tx: Tx, call: Call, body: Body) -> Answer[TicketFailures] | None:
    """Do something to up to 100 tickets.

    `assign` needs an `assignee`, `add_note` a `note`, `change_topic` a `topic`. Tickets that stay as they were are told
    as `failures`.
    """
    given = await reading.read(tx, call, FORM, body)
    action = given["action"]
    if (needed := NEEDED.get(action)) and needed not in given:
        raise across(f'For action "{action}" you must specify the {needed}')
    changed = await _act(tx, call, action, given["tickets"], given)
    failures = [ticket.uuid for ticket in dict.fromkeys(given["tickets"]) if ticket.id not in changed]
    return Answer(TicketFailures(failures)) if failures else None


async def _act(tx: Tx, call: Call, action: str, wanted: Sequence[Ticket], given: dict[str, Any]) -> set[int]:
    """The tickets that are what they were asked to be."""
    ids = list(dict.fromkeys(ticket.id for ticket in wanted))
    match action:
        case "assign":
            assignee = given["assignee"].id if given["assignee"] else None
            there = {ticket.id for ticket in wanted if ticket.assignee_id == assignee}
            return there | set(await tickets.assign(tx, ids, assignee))
        case "change_topic":
            there = {ticket.id for ticket in wanted if ticket.topic_id == given["topic"].id}
            return there | set(await tickets.change_topic(tx, ids, given["topic"].id))
        case "close":
            return set(await tickets.close(tx, ids))
        case "reopen":
            return set(await tickets.reopen(tx, ids))
    one_each = {ticket.id: ticket for ticket in wanted}
    return {
        id for id, ticket in one_each.items() if await tickets.add_note(tx, ticket, given["note"], call.caller.user_id)
    }
