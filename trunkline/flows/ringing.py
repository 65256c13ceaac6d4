"""Ringing: contacts whom voice flows want to talk to are called. The flow begins when somebody picks up."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import msgspec

from trunkline.core import clock, phones
from trunkline.core.db import Tx, sql
from trunkline.core.urns import Urn
from trunkline.flows import channels, speech
from trunkline.flows.logs import Entry
from trunkline.flows.outcomes import BULK, Done
from trunkline.flows.stock import Stock
from trunkline.messaging import calls, sending
from trunkline.messaging.channels import Channel
from trunkline.messaging.sending import Draft, Queued, Rejected

BULK_PATIENCE = timedelta(hours=12)
"""How long the calls of a start wait for their turn; others as long as any call."""


async def place(tx: Tx, stock: Stock, done: Sequence[Done]) -> list[Entry]:
    """Queue a call to each contact; returns entries for the log about those who cannot be called."""
    problems: list[Entry] = []
    lines: dict[tuple[int, int], list[tuple[Done, Draft]]] = {}
    for one in done:
        found = _draft(stock, one)
        if isinstance(found, str):
            problems.append(_failure(one, found))
        else:
            channel, draft = found
            lines.setdefault((channel.id, one.part.lane), []).append((one, draft))
    by_id = {channel.id: channel for channel in stock.channels.values()}
    for (channel_id, lane), wanted in lines.items():
        problems += await _queue(tx, by_id[channel_id], lane, wanted)
    return problems


async def cancel(tx: Tx, start: int) -> int:
    """Forget the calls of a start that have not begun. Returns how many."""
    return await sending.cancel(tx, await tx.column(int, QUEUED, tx.account, start), "interrupted")


async def _queue(tx: Tx, channel: Channel, lane: int, wanted: list[tuple[Done, Draft]]) -> list[Entry]:
    until = clock.now() + (BULK_PATIENCE if lane == BULK else calls.PATIENCE)
    outcomes = await speech.paid(tx, channel, lane, [draft for _, draft in wanted], until)
    problems: list[Entry] = []
    placed: list[tuple[Done, Draft, Queued]] = []
    for (one, draft), outcome in zip(wanted, outcomes, strict=True):
        if isinstance(outcome, Rejected):
            problems.append(_failure(one, outcome.message, outcome.code))
        else:
            placed.append((one, draft, outcome))
    if placed:
        await calls.note(tx, channel, [(draft, queued) for _, draft, queued in placed])
        rows = [_row(one, queued) for one, _, queued in placed]
        await tx.run(INSERT, tx.account, tx.depth, *(list(column) for column in zip(*rows, strict=True)))
    return problems


def _draft(stock: Stock, one: Done) -> tuple[Channel, Draft] | str:
    """A call, or why there is none."""
    contact = one.part.member.contact
    if contact.status != "active":
        return f"The contact is {contact.status} and is not called."
    found = channels.preferred(stock.assets, contact, "call")
    if found is None:
        return "The contact has no number that a voice channel of this workspace calls."
    if found.address.scheme == "tel" and phones.is_extra_charged(found.address.path):
        return "Numbers that bill whoever calls them are not called."
    to = Urn(found.address.scheme, found.address.path)
    draft = Draft(contact_id=one.part.member.id, to=to, headers={"led": True}, flow_id=one.part.flow_id or None)
    return stock.channels[found.channel.uuid], draft


def _row(one: Done, queued: Queued) -> tuple[Any, ...]:
    trigger = TRIGGERS.encode(one.part.ring).decode()
    return queued.id, one.part.member.id, one.part.flow_id, one.part.start_id, trigger


def _failure(one: Done, text: str, code: str | None = None) -> Entry:
    part = one.part
    return Entry(kind="failure", ok=False, flow_id=part.flow_id, contact_id=part.member.id, text=text, code=code)


TRIGGERS = msgspec.json.Encoder(decimal_format="number")

INSERT = sql("""
    insert into flow_calls (account_id, depth, id, contact_id, flow_id, start_id, trigger)
    select $1, $2, id, contact_id, flow_id, start_id, trigger::jsonb
    from unnest($3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::text[])
        as c (id, contact_id, flow_id, start_id, trigger)
""")

QUEUED = sql("""
    select f.id from flow_calls f join messages m on m.account_id = f.account_id and m.id = f.id
    where f.account_id = $1 and f.start_id = $2 and m.status in ('queued', 'errored')
""")
