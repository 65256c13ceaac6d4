"""Every way to change a contact, for flow actions, the APIs and the inbox alike.

`apply` changes `scene.contact`, logs the events, and then moves the contact in and out of query groups. It is a
generator, because a URN has to be claimed first: `yield from` it inside an action, `requests` says what it asks.
"""

from collections.abc import Callable, Generator, Iterable
from datetime import datetime
from typing import Any, Literal

from msgspec import Struct

from trunkline.accounts import places
from trunkline.expressions.environment import zone
from trunkline.expressions.values import ExpressionError
from trunkline.flows import addresses, contact_tickets, contact_urns, fields, memberships
from trunkline.flows.assets import Channel, Field, Group, Topic, User
from trunkline.flows.events import (
    ContactFieldChanged,
    ContactLanguageChanged,
    ContactLastSeenChanged,
    ContactNameChanged,
    ContactStatusChanged,
    ContactTimezoneChanged,
    Event,
)
from trunkline.flows.requests import Answer, Request
from trunkline.flows.scene import Scene

NAME_LENGTH = 128


class Name(Struct, frozen=True, tag="name"):
    name: str


class Language(Struct, frozen=True, tag="language"):
    """Empty clears."""

    language: str


class Timezone(Struct, frozen=True, tag="timezone"):
    """Empty clears."""

    timezone: str


class Status(Struct, frozen=True, tag="status"):
    status: Literal["active", "blocked", "stopped", "archived"]


class SetField(Struct, frozen=True, tag="field"):
    """Empty clears."""

    field: Field
    value: str


class Groups(Struct, frozen=True, tag="groups"):
    groups: tuple[Group, ...]
    modification: Literal["add", "remove"]


class Urns(Struct, frozen=True, tag="urns"):
    urns: tuple[str, ...]
    modification: Literal["append", "remove", "set"]


class Route(Struct, frozen=True):
    """A URN with the channel it is pinned to."""

    urn: str
    channel: Channel | None = None

    @property
    def text(self) -> str:
        return addresses.read(self.urn).on(self.channel.uuid if self.channel else "").text


class Routes(Struct, frozen=True, tag="routes"):
    routes: tuple[Route, ...]
    modification: Literal["append", "remove", "set"]


class Preferred(Struct, frozen=True, tag="channel"):
    """Prefer a channel for all URNs that it can reach; None forgets every preference."""

    channel: Channel | None


class Affinity(Struct, frozen=True, tag="affinity"):
    """The contact was just heard on this channel under this URN."""

    urn: str
    channel: Channel | None


class Seen(Struct, frozen=True, tag="seen"):
    seen_on: datetime


class OpenTicket(Struct, frozen=True, tag="ticket_open"):
    topic: Topic
    assignee: User | None = None
    note: str = ""


class CloseTicket(Struct, frozen=True, tag="ticket_close"):
    ticket_uuid: str


class ReopenTicket(Struct, frozen=True, tag="ticket_reopen"):
    ticket_uuid: str


class NoteTicket(Struct, frozen=True, tag="ticket_note"):
    ticket_uuid: str
    note: str


class AssignTicket(Struct, frozen=True, tag="ticket_assignee"):
    ticket_uuid: str
    assignee: User | None


class MoveTicket(Struct, frozen=True, tag="ticket_topic"):
    ticket_uuid: str
    topic: Topic


Modifier = (
    Name | Language | Timezone | Status | SetField | Groups | Urns | Routes | Preferred | Affinity | Seen
    | OpenTicket | CloseTicket | ReopenTicket | NoteTicket | AssignTicket | MoveTicket
)  # fmt: skip


def apply(scene: Scene, modifier: Modifier) -> Generator[Request, Answer, bool]:
    """Whether anything changed. Events are in `scene.events`."""
    if claiming := CLAIMING.get(type(modifier)):
        return (yield from claiming(scene, modifier))
    return CHANGES[type(modifier)](scene, modifier)


def apply_all(scene: Scene, modifiers: Iterable[Modifier]) -> Generator[Request, Answer, bool]:
    """Whether any of them changed anything."""
    changed = False
    for modifier in modifiers:
        changed |= yield from apply(scene, modifier)
    return changed


def _rename(scene: Scene, modifier: Name) -> bool:
    name = modifier.name.strip()[:NAME_LENGTH].rstrip()
    if name == scene.contact.name:
        return False
    scene.contact.name = name
    return _changed(scene, ContactNameChanged(name=name), "name")


def _speak(scene: Scene, modifier: Language) -> bool:
    try:
        language = places.language(modifier.language) if modifier.language.strip() else ""
    except places.BadPlace as error:
        scene.error(str(error))
        return False
    if language == scene.contact.language:
        return False
    scene.contact.language = language
    scene.moved()
    return _changed(scene, ContactLanguageChanged(language=language), "language")


def _move(scene: Scene, modifier: Timezone) -> bool:
    name = modifier.timezone.strip()
    try:
        name = zone(name).key if name else ""
    except ExpressionError:
        scene.error(f"There is no time zone {name[:100]!r}.", "timezone:invalid", timezone=name[:100])
        return False
    if name == scene.contact.timezone:
        return False
    scene.contact.timezone = name
    scene.moved()
    return _changed(scene, ContactTimezoneChanged(timezone=name))


def _set_status(scene: Scene, modifier: Status) -> bool:
    if modifier.status == scene.contact.status:
        return False
    scene.contact.status = modifier.status
    scene.log(ContactStatusChanged(status=modifier.status))
    scene.touched()
    if modifier.status == "active":
        memberships.reevaluate(scene, scene.environment)
    else:
        memberships.change(scene, [], scene.contact.groups)
    return True


def _set_field(scene: Scene, modifier: SetField) -> bool:
    contact, key = scene.contact, modifier.field.key
    before = contact.fields.get(key)
    text = modifier.value.strip()[: scene.options.max_field_chars]
    value = fields.parse(scene, modifier.field, text) if text else None
    if value == before:
        return False
    contact.fields = {name: kept for name, kept in contact.fields.items() if name != key}
    if value:
        contact.fields[key] = value
    return _changed(scene, ContactFieldChanged(field=modifier.field.ref, value=value), f"fields.{key}")


def _change_groups(scene: Scene, modifier: Groups) -> bool:
    held = {group.uuid for group in scene.contact.groups}
    if modifier.modification == "remove":
        return memberships.change(scene, [], [each.ref for each in _static(scene, modifier) if each.uuid in held])
    if scene.contact.status != "active":
        scene.error(f"A contact that is {scene.contact.status} cannot be added to groups.")
        return False
    return memberships.change(scene, [each.ref for each in _static(scene, modifier) if each.uuid not in held], [])


def _static(scene: Scene, modifier: Groups) -> Iterable[Group]:
    """Each group once, without those whose query decides."""
    for group in {group.uuid: group for group in modifier.groups}.values():
        if group.query:
            scene.error(f"Contacts cannot be put into or taken out of {group.name}: its query decides.")
        else:
            yield group


def _see(scene: Scene, modifier: Seen) -> bool:
    scene.contact.last_seen_on = modifier.seen_on
    return _changed(scene, ContactLastSeenChanged(last_seen_on=modifier.seen_on), "last_seen_on")


def _changed(scene: Scene, event: Event, *touched: str) -> bool:
    scene.log(event)
    scene.touched()
    if touched:
        memberships.reevaluate(scene, scene.environment, touched)
    return True


CHANGES: dict[type, Callable[[Scene, Any], bool]] = {
    Name: _rename,
    Language: _speak,
    Timezone: _move,
    Status: _set_status,
    SetField: _set_field,
    Groups: _change_groups,
    Preferred: lambda scene, it: contact_urns.prefer(scene, it.channel),
    Affinity: lambda scene, it: contact_urns.heard_on(scene, it.urn, it.channel),
    Seen: _see,
    OpenTicket: lambda scene, it: contact_tickets.open(scene, it.topic, it.assignee, it.note),
    CloseTicket: lambda scene, it: contact_tickets.close(scene, it.ticket_uuid),
    ReopenTicket: lambda scene, it: contact_tickets.reopen(scene, it.ticket_uuid),
    NoteTicket: lambda scene, it: contact_tickets.note(scene, it.ticket_uuid, it.note),
    AssignTicket: lambda scene, it: contact_tickets.assign(scene, it.ticket_uuid, it.assignee),
    MoveTicket: lambda scene, it: contact_tickets.move(scene, it.ticket_uuid, it.topic),
}
CLAIMING: dict[type, Callable[[Scene, Any], Generator[Request, Answer, bool]]] = {
    Urns: lambda scene, it: contact_urns.change(scene, it.urns, it.modification),
    Routes: lambda scene, it: contact_urns.change(scene, [route.text for route in it.routes], it.modification),
}
