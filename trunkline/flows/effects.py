"""Effects: what sprints did to the world, by kind, each kind in one bulk call. One transaction for all of it.

A sprint that failed leaves nothing but the record of its failure.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from trunkline.core.db import Tx
from trunkline.flows import cast, changes, logbook, logs, ringing, speech, standing, starts
from trunkline.flows.events import (
    BroadcastCreated,
    ContactFieldChanged,
    ContactGroupsChanged,
    ContactLanguageChanged,
    ContactNameChanged,
    ContactStatusChanged,
    ContactTimezoneChanged,
    ContactUrnsChanged,
    InputLabelsAdded,
    IvrCreated,
    MsgCreated,
    ResthookCalled,
    SessionTriggered,
    TicketAssigneeChanged,
    TicketClosed,
    TicketNoteAdded,
    TicketOpened,
    TicketReopened,
    TicketTopicChanged,
    WebhookCalled,
)
from trunkline.flows.outcomes import Done
from trunkline.flows.stock import Stock
from trunkline.messaging import labels
from trunkline.webhooks import resthooks

Happened = Sequence[tuple[Done, Any]]


class Moved(Exception):
    """Somebody else ran a contact while its sprint waited for an answer; what the sprint found is worth nothing."""


async def apply(tx: Tx, stock: Stock, done: Sequence[Done]) -> None:
    """Write what came of sprints that ran in this very transaction."""
    entries = logbook.entries(stock, done)
    happened: dict[type, list[tuple[Done, Any]]] = {}
    for one in done:
        for event in one.sprint.events if one.sprint and not one.failed else ():
            happened.setdefault(type(event), []).append((one, event))
    for kind, change in APPLIED.items():
        if kind in happened:
            await change(tx, stock, happened[kind])
    if MsgCreated in happened:
        entries += await speech.queue(tx, stock, happened[MsgCreated])
    if IvrCreated in happened:
        await speech.tell(tx, stock, happened[IvrCreated])
    if rung := [one for one in done if one.part.ring is not None]:
        entries += await ringing.place(tx, stock, rung)
    await standing.keep(tx, stock, done)
    await logs.add(tx, entries)


async def apply_later(tx: Tx, stock: Stock, done: Sequence[Done]) -> None:
    """The same for sprints that waited outside a transaction; raises `Moved` when a contact is not where it was."""
    members = await cast.load(tx, stock, [one.part.member.id for one in done])
    for one in done:
        before, now = one.part.member.waiting, members.get(one.part.member.id)
        fences = [(waiting.uuid, waiting.version) if waiting else None for waiting in (before, now and now.waiting)]
        if now is None or fences[0] != fences[1]:
            raise Moved
    await apply(tx, stock, done)


async def _label(tx: Tx, stock: Stock, happened: Happened) -> None:
    pairs = [
        (stock.labels[label.uuid], one.part.heard.id)
        for one, event in happened
        for label in event.labels
        if one.part.heard and label.uuid in stock.labels and str(one.part.heard.uuid) == event.input_uuid
    ]
    await labels.add(tx, sorted(set(pairs)))


async def _note_resthooks(tx: Tx, stock: Stock, happened: Happened) -> None:
    await resthooks.note(tx, [(event.resthook, event.payload) for _, event in happened])


async def _forget_subscribers(tx: Tx, stock: Stock, happened: Happened) -> None:
    """Who answers "gone" is not told again."""
    gone: dict[str, set[str]] = {}
    for _, event in happened:
        if event.resthook and event.status == "subscriber_gone":
            gone.setdefault(event.resthook, set()).add(event.url)
    for slug, urls in gone.items():
        await resthooks.drop(tx, slug, sorted(urls))


APPLIED: dict[type, Callable[[Tx, Stock, Happened], Awaitable[None]]] = {
    ContactStatusChanged: changes.statuses,
    ContactNameChanged: changes.names,
    ContactLanguageChanged: changes.languages,
    ContactTimezoneChanged: changes.timezones,
    ContactFieldChanged: changes.field_values,
    ContactGroupsChanged: changes.group_members,
    ContactUrnsChanged: changes.all_urns,
    TicketOpened: changes.opened_tickets,
    TicketNoteAdded: changes.ticket_notes,
    TicketAssigneeChanged: changes.assigned_tickets,
    TicketTopicChanged: changes.moved_tickets,
    TicketClosed: changes.closed_tickets,
    TicketReopened: changes.reopened_tickets,
    InputLabelsAdded: _label,
    ResthookCalled: _note_resthooks,
    WebhookCalled: _forget_subscribers,
    SessionTriggered: starts.from_flows,
    BroadcastCreated: starts.messages_from_flows,
}
