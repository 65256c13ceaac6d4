"""Changes of the tickets a contact has. One is open at a time."""

from collections.abc import Sequence

from msgspec import structs

from trunkline.flows import memberships
from trunkline.flows.assets import Topic, User
from trunkline.flows.contact import Contact, Ticket
from trunkline.flows.events import (
    Event,
    TicketAssigneeChanged,
    TicketClosed,
    TicketNoteAdded,
    TicketOpened,
    TicketReopened,
    TicketTopicChanged,
)
from trunkline.flows.scene import Scene


def current(contact: Contact) -> Ticket | None:
    """The last one that is open."""
    return next((ticket for ticket in reversed(contact.tickets) if ticket.is_open), None)


def open(scene: Scene, topic: Topic, assignee: User | None, note: str) -> bool:
    if current(scene.contact):
        return False
    ticket = Ticket(uuid=scene.ids(), topic=topic.ref, assignee=assignee.ref if assignee else None)
    scene.contact.tickets = [*scene.contact.tickets, ticket]
    events: list[Event] = [TicketOpened(ticket=ticket)]
    if note:
        events.append(TicketNoteAdded(ticket_uuid=ticket.uuid, note=note))
    return _changed(scene, events)


def close(scene: Scene, uuid: str) -> bool:
    ticket = _find(scene, uuid)
    if ticket is None or not ticket.is_open:
        return False
    _put(scene, structs.replace(ticket, status="closed"))
    return _changed(scene, [TicketClosed(ticket_uuid=uuid)])


def reopen(scene: Scene, uuid: str) -> bool:
    ticket = _find(scene, uuid)
    if ticket is None or ticket.is_open or current(scene.contact):
        return False
    _put(scene, structs.replace(ticket, status="open"))
    return _changed(scene, [TicketReopened(ticket_uuid=uuid)])


def note(scene: Scene, uuid: str, text: str) -> bool:
    if _find(scene, uuid) is None or not text:
        return False
    return _changed(scene, [TicketNoteAdded(ticket_uuid=uuid, note=text)])


def assign(scene: Scene, uuid: str, assignee: User | None) -> bool:
    ticket, ref = _find(scene, uuid), assignee.ref if assignee else None
    if ticket is None or ticket.assignee == ref:
        return False
    _put(scene, structs.replace(ticket, assignee=ref))
    return _changed(scene, [TicketAssigneeChanged(ticket_uuid=uuid, assignee=ref)])


def move(scene: Scene, uuid: str, topic: Topic) -> bool:
    ticket = _find(scene, uuid)
    if ticket is None or ticket.topic == topic.ref:
        return False
    _put(scene, structs.replace(ticket, topic=topic.ref))
    return _changed(scene, [TicketTopicChanged(ticket_uuid=uuid, topic=topic.ref)])


def _find(scene: Scene, uuid: str) -> Ticket | None:
    found = next((ticket for ticket in scene.contact.tickets if ticket.uuid == uuid), None)
    if found is None:
        scene.error(f"The contact has no ticket {uuid}.")
    return found


def _put(scene: Scene, changed: Ticket) -> None:
    scene.contact.tickets = [changed if each.uuid == changed.uuid else each for each in scene.contact.tickets]


def _changed(scene: Scene, events: Sequence[Event]) -> bool:
    for event in events:
        scene.log(event)
    scene.touched()
    memberships.reevaluate(scene, scene.environment, ("tickets",))
    return True
