"""Firing: triggers that something else than a message pulls. A call that was missed, a closed ticket, an opt-in."""

from collections.abc import Mapping, Sequence
from typing import Any

from trunkline.core.db import Tx
from trunkline.core.events import Happened
from trunkline.core.jobs import Desk, job
from trunkline.flows import alone, cast, running, triggers
from trunkline.flows.outcomes import API, Done, Part
from trunkline.flows.stock import Stock
from trunkline.messaging import channel_events

DEEPEST = 5
"""Automations that led to each other; what lies deeper fires nothing, so that circles end."""


async def closed_tickets(tx: Tx, happened: Sequence[Happened]) -> None:
    """Reaction: a closed ticket may start a flow for its contact."""
    for one in happened:
        ticket = {"uuid": one.event.uuid, "status": "closed"}
        details = {
            "type": "ticket",
            "ticket": ticket,
            "event": {"type": "ticket_closed", "ticket_uuid": one.event.uuid},
        }
        _later(tx, one, "closed_ticket", one.event.contact_id, None, details)


async def opted_in(tx: Tx, happened: Sequence[Happened]) -> None:
    """Reaction: a word or a link brought somebody back. What a provider tells fires as an event of its channel."""
    for one in happened:
        if one.event.source != channel_events.SOURCE:
            _later(tx, one, "opt_in", one.event.contact_id, None, {"type": "optin"})


async def opted_out(tx: Tx, happened: Sequence[Happened]) -> None:
    for one in happened:
        if one.event.source != channel_events.SOURCE:
            _later(tx, one, "opt_out", one.event.contact_id, None, {"type": "optin"})


async def channel_events_received(tx: Tx, happened: Sequence[Happened]) -> None:
    """Reaction: somebody rang in vain, followed a link of ours, opened a talk, opted in or out."""
    for one in happened:
        kind = KINDS.get(one.event.kind)
        if kind is None:
            continue
        params = one.event.extra
        referrer = str(params.get("referrer_id") or "") if kind == "referral" else None
        details = _details(kind, params)
        _later(tx, one, kind, one.event.contact_id, one.event.channel_id, details, referrer)


@job("flow.fire", queue="inbound", apart=True)
async def fire(
    desk: Desk, kind: triggers.Kind, contact: int, channel: int | None, referrer: str | None, details: dict[str, Any]
) -> None:
    """Start the flow of the trigger that applies to this contact, if there is one.

    It stands in the queue of messages: what a person does and says is answered one after the other.
    """

    async def prepare(tx: Tx, stock: Stock) -> Part | None:
        if not any(rule.kind == kind for rule in stock.triggers):
            return None
        member = (await cast.load(tx, stock, [contact])).get(contact)
        if member is None or member.contact.status == "blocked":
            return None
        groups = {stock.groups[group.uuid] for group in member.contact.groups if group.uuid in stock.groups}
        found = triggers.matching(stock, kind, groups, channel_id=channel, referrer=referrer)
        flow = stock.flow(found[0].flow_id) if found else None
        if flow is None or (kind == "inbound_call" and flow.type == "voice"):
            return None  # who rings is talked to by whoever holds the line
        await running.ready(tx, stock, [], [flow.uuid])
        key = f"call:{desk.call.id}:{kind}"
        return running.start(stock, member, flow, _with_channel(stock, details, channel), key, lane=API)

    async def close(tx: Tx, done: Done | None) -> None:
        return None

    await alone.run(desk, prepare, close)


def _with_channel(stock: Stock, details: dict[str, Any], channel: int | None) -> dict[str, Any]:
    uuid = stock.channel_uuids.get(channel or 0)
    if uuid is None:
        return details
    shown = {"uuid": uuid, "name": stock.channels[uuid].name}
    return {**details, "event": {**details.get("event", {}), "channel": shown}}


def _later(
    tx: Tx,
    one: Happened,
    kind: triggers.Kind,
    contact: int | None,
    channel: int | None,
    details: dict[str, Any],
    referrer: str | None = None,
) -> None:
    if contact is not None and one.depth <= DEEPEST:
        fire.later(tx, kind, contact, channel, referrer, details, key=str(contact))


def _details(kind: triggers.Kind, params: Mapping[str, Any]) -> dict[str, Any]:
    """The trigger as flows see it."""
    if kind in ("inbound_call", "missed_call"):
        return {"type": "call", "event": {"type": "call_missed" if kind == "missed_call" else "call_received"}}
    if kind in ("opt_in", "opt_out"):
        return {"type": "optin"}
    return {"type": "chat", "event": {"type": "chat_started", "params": dict(params)}}


KINDS: dict[str, triggers.Kind] = {
    "call_in": "inbound_call",
    "call_in_missed": "missed_call",
    "new_conversation": "new_conversation",
    "welcome_message": "new_conversation",
    "referral": "referral",
    "optin": "opt_in",
    "optout": "opt_out",
    "stop_contact": "opt_out",
}
"""Which triggers the events of channels pull. A call that we make, or a wish to be deleted, pulls none."""
