"""Firing: triggers that something else than a message pulls. A call that was missed, a closed ticket, an opt-in."""

from collections.abc import Mapping, Sequence
from typing import Any

from trunkline.core.db import Tx
from trunkline.core.events import Happened
from trunkline.core.jobs import Desk, job
from trunkline.flows import alone, cast, running, triggers
from trunkline.flows.outcomes import API, Done, Part
from trunkline.flows.stock import Stock

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
    for one in happened:
        _later(tx, one, "opt_in", one.event.contact_id, None, {"type": "optin"})


async def opted_out(tx: Tx, happened: Sequence[Happened]) -> None:
    for one in happened:
        _later(tx, one, "opt_out", one.event.contact_id, None, {"type": "optin"})


def missed_call(tx: Tx, contact: int, channel: int) -> None:
    """Somebody rang and nobody answered."""
    details = {"type": "call", "event": {"type": "call_missed"}}
    fire.later(tx, "missed_call", contact, channel, None, details, key=str(contact))


def conversation_began(
    tx: Tx, contact: int, channel: int, *, referrer: str | None = None, params: Mapping[str, Any] | None = None
) -> None:
    """Somebody opened a talk with us, perhaps sent by a link of ours, without having said anything yet."""
    details = {"type": "chat", "event": {"type": "chat_started", "params": dict(params or {})}}
    kind = "new_conversation" if referrer is None else "referral"
    fire.later(tx, kind, contact, channel, referrer, details, key=str(contact))


@job("flow.fire", apart=True)
async def fire(
    desk: Desk, kind: triggers.Kind, contact: int, channel: int | None, referrer: str | None, details: dict[str, Any]
) -> None:
    """Start the flow of the trigger that applies to this contact, if there is one."""

    async def prepare(tx: Tx, stock: Stock) -> Part | None:
        if not any(rule.kind == kind for rule in stock.triggers):
            return None
        member = (await cast.load(tx, stock, [contact])).get(contact)
        if member is None:
            return None
        groups = {stock.groups[group.uuid] for group in member.contact.groups if group.uuid in stock.groups}
        found = triggers.matching(stock, kind, groups, channel_id=channel, referrer=referrer)
        flow = stock.flow(found[0].flow_id) if found else None
        if flow is None:
            return None
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
    tx: Tx, one: Happened, kind: triggers.Kind, contact: int | None, channel: int | None, details: dict[str, Any]
) -> None:
    if contact is not None and one.depth <= DEEPEST:
        fire.later(tx, kind, contact, channel, None, details, key=str(contact))
