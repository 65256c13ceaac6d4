"""Sending, first half: from a draft to a message that waits in its line. The second half is `delivery.py`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from trunkline.billing import credits, metering, prices
from trunkline.contacts import consents
from trunkline.core import clock, segments
from trunkline.core.db import Tx, json_text, sql
from trunkline.core.urns import Urn
from trunkline.messaging import statuses
from trunkline.messaging.channels import Channel
from trunkline.messaging.events import MessagesQueued

REPLY, API, BULK = 0, 1, 2
"""The lanes: a reply to somebody who waits overtakes single sends, and those overtake broadcasts."""


class Draft(Struct, frozen=True, kw_only=True):
    """A message ready to be queued; text, subject and html are already rendered."""

    contact_id: int
    to: Urn
    text: str = ""
    html: str | None = None
    subject: str | None = None
    attachments: list[dict[str, Any]] = []
    quick_replies: list[Any] = []
    """As `choices.stored` gives them."""
    headers: dict[str, Any] = {}
    template_id: int | None = None
    conversation_id: int | None = None
    user_id: int | None = None
    metadata: dict[str, Any] = {}
    uuid: UUID | None = None
    flow_id: int | None = None
    broadcast_id: int | None = None


class Queued(Struct, frozen=True):
    id: int
    segments: int
    credits: int
    created_at: datetime


class Rejected(Struct, frozen=True):
    """Why a draft was not taken; nothing was charged."""

    code: str
    message: str


async def queue_many(
    tx: Tx,
    channel: Channel,
    drafts: Sequence[Draft],
    *,
    lane: int = API,
    at: datetime | None = None,
    batch: str | None = None,
    expires_at: datetime | None = None,
    judged: bool = False,
) -> list[Queued | Rejected]:
    """Queue messages on one channel; the answer has one entry per draft, in order.

    Credits are reserved for all together, or `OutOfCredits` is raised and nothing is queued. A suppressed address
    is rejected, unless the caller has `judged` them all just now. With `at` the messages wait until then.
    """
    paths = [] if judged else [draft.to.path for draft in drafts]
    stopped = await consents.suppressed(tx, channel.sends_as, paths) if paths else set[str]()
    outcomes: list[Queued | Rejected] = [
        Rejected("recipient_opted_out", "The recipient has opted out.") if draft.to.path in stopped else WAITING
        for draft in drafts
    ]
    taken = [n for n, outcome in enumerate(outcomes) if outcome is WAITING]
    if not taken:
        return outcomes
    metered = await metering.is_metered(tx)
    counts = [segment_count(channel, drafts[n].text) for n in taken]
    costs = [prices.price(channel.kind, pool=channel.pool, metered=metered, segments=n) for n in counts]
    if total := sum(costs):
        await credits.reserve(tx, total, "messages", batch or "")
    rows = [_row(drafts[n], count, cost) for n, count, cost in zip(taken, counts, costs, strict=True)]
    columns = [_column(values) for values in zip(*rows, strict=True)]
    inserted = await tx.rows(INSERT, tx.account, channel.id, lane, batch, at, expires_at, at or clock.now(), *columns)
    for n, count, cost, (id, created_at) in zip(taken, counts, costs, inserted, strict=True):
        outcomes[n] = Queued(id, count, cost, created_at)
    callbacks = [id for n, (id, _) in zip(taken, inserted, strict=True) if "callback_url" in drafts[n].metadata]
    tx.record(MessagesQueued([row[0] for row in inserted], drafts[taken[0]].conversation_id, callbacks))
    tx.wake("outbound")
    return outcomes


async def fail(tx: Tx, draft: Draft, reason: str, channel: Channel | None = None) -> int:
    """Keep a message that cannot be sent; without a channel it has no address either. Nothing is charged."""
    to = draft.to if channel else Urn("", "")
    row = (draft.contact_id, to.scheme, to.path, draft.text, json_text(draft.attachments or None))
    more = (json_text(draft.quick_replies or None), draft.conversation_id, draft.broadcast_id)
    id = await tx.value(int, FAIL, tx.account, channel.id if channel else 0, reason, *row, *more)
    assert id is not None
    return id


async def cancel_for_address(tx: Tx, kind: str, address: str) -> int:
    """Cancel whatever still waits for an address on channels of a kind; reserved credits come back."""
    spelled = consents.address_of(kind, address)
    paths = [spelled, spelled.removeprefix("+")] if kind == "whatsapp" else [spelled]
    return await cancel(tx, await tx.column(int, WAITING_FOR, tx.account, kind, paths), "suppressed")


async def cancel(tx: Tx, ids: list[int], reason: str) -> int:
    """Cancel queued messages; those being sent are left alone. Returns how many were canceled.

    Their queue rows stay and are dropped when they are claimed: a line has no index by message.
    """
    moves = await statuses.apply_many(tx, [statuses.Change(id, "canceled", reason=reason) for id in ids])
    return sum(len(move.ids) for move in moves)


def segment_count(channel: Channel, text: str) -> int:
    """Parts of an SMS; everything else is one."""
    if channel.sends_as != "sms" or len(text) <= segments.SURELY_ONE:
        return 1
    return segments.count(text).segments


WAITING = Queued(0, 0, 0, datetime.min)


def _row(draft: Draft, count: int, cost: int) -> tuple[object, ...]:
    return (
        draft.contact_id,
        draft.to.scheme,
        draft.to.path,
        draft.text,
        draft.html,
        draft.subject,
        json_text(draft.attachments or None),
        json_text(draft.quick_replies or None),
        draft.headers or None,
        draft.template_id,
        draft.conversation_id,
        draft.user_id,
        draft.metadata or None,
        count,
        cost,
        draft.uuid,
        draft.flow_id,
        draft.broadcast_id,
    )


def _column(values: tuple[object, ...]) -> list[object]:
    """Nothing instead of so many nulls: the statement fills columns that end early, and most are empty."""
    return [] if values.count(None) == len(values) else list(values)


INSERT = sql("""
    with draft as (
        select * from unnest($8::bigint[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[],
            $15::text[], $16::jsonb[], $17::bigint[], $18::bigint[], $19::bigint[], $20::jsonb[], $21::int[],
            $22::int[], $23::uuid[], $24::bigint[], $25::bigint[]) with ordinality
            as d (contact_id, scheme, address, body, html, subject, attachments, quick_replies, headers, template_id,
            conversation_id, user_id, metadata, segments, credits, uuid, flow_id, broadcast_id,
            position)
    ), message as (
        insert into messages (account_id, direction, status, lane, channel_id, batch, scheduled_at, expires_at,
            contact_id, scheme, address, kind, body, html, subject, attachments, quick_replies, headers, template_id,
            conversation_id, user_id, metadata, segments, credits, credit_state, uuid, flow_id,
            broadcast_id)
        select $1, 'out', 'queued', $3, $2, $4, $5, $6, contact_id, scheme, address,
            case when html is null then 'text' else 'html' end, body, html, subject, attachments::jsonb,
            quick_replies::jsonb, headers, template_id, conversation_id, user_id, metadata, segments, credits,
            case when credits > 0 then 'reserved' else 'none' end, coalesce(uuid, new_uuid()), flow_id,
            broadcast_id
        from draft order by position
        returning id, created_at
    ), waiting as (
        insert into outbound (lane, channel_id, account_id, run_at, id) select $3, $2, $1, $7, id from message
    )
    select id, created_at from message order by id
""")

FAIL = sql("""
    insert into messages (account_id, direction, status, channel_id, reason, contact_id, scheme, address, body,
        attachments, quick_replies, conversation_id, broadcast_id, failed_at)
    values ($1, 'out', 'failed', $2, $3, $4, $5, $6, $7, $8::text::jsonb, $9::text::jsonb, $10, $11, now())
    returning id
""")

WAITING_FOR = sql("""
    select m.id from urns u
    join messages m on m.account_id = u.account_id and m.contact_id = u.contact_id and m.address = u.path
    join channels c on c.account_id in ($1, 0) and c.id = m.channel_id
    where u.account_id = $1 and c.sends_as = $2 and u.path = any($3) and u.scheme = m.scheme
        and m.direction = 'out' and m.status in ('queued', 'errored')
""")
