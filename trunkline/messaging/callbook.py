"""The call book: each step of a call, one way only, written down and told to whoever asked to be told."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from trunkline.channels.base import CallNote, CallStatus, EventType
from trunkline.core import clock
from trunkline.core.db import Database, Tx, sql
from trunkline.core.errors import Unavailable
from trunkline.core.events import Happened
from trunkline.core.urns import Urn
from trunkline.messaging import channel_events
from trunkline.messaging import channels as channel_rows
from trunkline.messaging.channel_events import New
from trunkline.messaging.events import CallChanged
from trunkline.webhooks import callbacks

# What others are told of each step. `in_progress` is called answered, and a canceled call has failed.
EVENTS: dict[str, str] = {
    "initiated": "call.initiated",
    "ringing": "call.ringing",
    "in_progress": "call.answered",
    "completed": "call.completed",
    "busy": "call.busy",
    "no_answer": "call.no_answer",
    "failed": "call.failed",
    "canceled": "call.failed",
}


class Book:
    """Where the adapters of a worker write their calls down."""

    def __init__(self, database: Database):
        self.database = database

    async def note(self, notes: Sequence[CallNote]) -> None:
        """Write steps down. Only a call that has not begun may fail for want of the database; others wait for it."""
        for account in sorted({note.account_id for note in notes}):
            own = [note for note in notes if note.account_id == account]
            while True:
                try:
                    async with self.database.tx(account) as tx:
                        await advance(tx, own)
                    break
                except Unavailable:
                    if any(note.status == "initiated" for note in own):
                        raise
                await asyncio.sleep(0.5)


class Advanced(Struct, frozen=True):
    """A call that took a step."""

    id: int
    contact_id: int
    to: str
    status: str
    seconds: int | None
    reason: str | None
    error: str | None
    code: str | None
    at: datetime
    webhook_url: str | None


async def advance(tx: Tx, notes: Sequence[CallNote]) -> list[Advanced]:
    """Move calls on, each at most once; what comes late or twice changes nothing. Returns those that moved."""
    if begun := [note.message_id for note in notes if note.status == "initiated"]:
        await tx.run(ENSURE, tx.account, begun)
    columns = [list(column) for column in zip(*map(_row, notes), strict=True)]
    moved = await tx.fetch(Advanced, ADVANCE, tx.account, *columns)
    events = [(one.webhook_url, _event(one)) for one in moved]
    for _, event in events:
        tx.record(event)
    await callbacks.tell_many(
        tx, [callbacks.Call(url, EVENTS[event.status], told(event)) for url, event in events if url]
    )
    return moved


async def messages_changed(tx: Tx, happened: Sequence[Happened]) -> None:
    """Ends calls whose messages ended without a word of the adapter; a reaction. Messages that go well cost nothing."""
    ended = [id for one in happened for id, status, *_ in one.event.changes if status in ENDINGS]
    if not ended:
        return
    rows = await tx.rows(OPEN, tx.account, ended)
    notes = [
        CallNote(
            account_id=tx.account, message_id=id, status=_ending(status, reason), at=clock.now(),
            reason="interrupted" if status == "unknown" else reason,
            error=INTERRUPTED if status == "unknown" else error, code=code,
        )
        for id, status, reason, error, code in rows
    ]  # fmt: skip
    if notes:
        await advance(tx, notes)


async def calls_ended(tx: Tx, happened: Sequence[Happened]) -> None:
    """Keeps calls that we made among what happened between people and channels; a reaction."""
    ended = {one.event.id: one.event.status for one in happened if one.event.status in OCCURRENCES}
    if not ended:
        return
    channels: dict[int, list[New]] = {}
    for id, channel_id, contact_id, address in await tx.rows(PLACES, tx.account, list(ended)):
        new = New(
            type=OCCURRENCES[ended[id]], contact_id=contact_id, urn=Urn("tel", address), external_id=f"call:{id}",
            extra={"call": id, "status": ended[id]},
        )  # fmt: skip
        channels.setdefault(channel_id, []).append(new)
    for channel_id, news in channels.items():
        await channel_events.add(tx, await channel_rows.with_deleted(tx, channel_id), news)


def told(event: CallChanged) -> dict[str, Any]:
    """What a webhook says of a step."""
    at = clock.iso(event.at)
    return {"type": EVENTS[event.status], "timestamp": at, "data": facts(event) | {"at": at}}


def facts(event: CallChanged) -> dict[str, Any]:
    error = None
    if event.status in FAILURES:
        code = event.reason or event.status
        message = event.error or f"{code.replace('_', ' ').capitalize()}."
        error = {"code": code, "message": message, "provider_code": event.code}
    return {
        "id": event.id, "to": event.to, "status": event.status, "contact_id": event.contact_id,
        "duration_seconds": event.seconds, "error": error,
    }  # fmt: skip


def _event(one: Advanced) -> CallChanged:
    return CallChanged(one.id, one.contact_id, one.to, one.status, one.seconds, one.reason, one.error, one.code, one.at)


def _row(note: CallNote) -> tuple[object, ...]:
    return note.message_id, note.status, note.at, note.reason, note.error, note.code, note.seconds


def _ending(status: str, reason: str | None) -> CallStatus:
    if status == "failed" and reason in ("busy", "no_answer"):
        return reason  # pyright: ignore[reportReturnType]
    return ENDINGS[status]


INTERRUPTED = "We stopped in the middle of the call. Nobody knows how much was heard, so it is not repeated."
ENDINGS: dict[str, CallStatus] = {
    "failed": "failed",
    "unknown": "failed",
    "canceled": "canceled",
}
FAILURES = frozenset({"busy", "no_answer", "failed", "canceled"})

OCCURRENCES: dict[str, EventType] = {
    "completed": "call_out",
    "busy": "call_out_missed",
    "no_answer": "call_out_missed",
}

PLACES = sql("""
    select id, channel_id, contact_id, address from calls where account_id = $1 and id = any($2::bigint[]) order by id
""")

# Calls of campaigns have no row until they begin.
ENSURE = sql("""
    insert into calls (account_id, id, contact_id, channel_id, address, status, created_at, timeline)
    select $1, m.id, m.contact_id, m.channel_id, m.address, 'queued', m.created_at,
        jsonb_build_array(jsonb_build_object('status', 'queued', 'at', m.created_at))
    from messages m where m.account_id = $1 and m.id = any($2::bigint[])
    on conflict (account_id, id) do nothing
""")

ADVANCE = sql("""
    update calls c set
        status = n.status,
        reason = n.reason,
        error = n.error,
        provider_code = n.code,
        seconds = n.seconds,
        timeline = c.timeline || jsonb_build_object('status', n.status, 'at', n.at),
        answered_at = case when n.status = 'in_progress' then n.at else c.answered_at end,
        ended_at = case when n.place is null then n.at end
    from (
        select *, array_position(array['queued', 'initiated', 'ringing', 'in_progress'], status) as place
        from unnest($2::bigint[], $3::text[], $4::timestamptz[], $5::text[], $6::text[], $7::text[], $8::int[])
            as n (id, status, at, reason, error, code, seconds)
    ) n
    where c.account_id = $1 and c.id = n.id and c.ended_at is null and (n.place is null
        or n.place > array_position(array['queued', 'initiated', 'ringing', 'in_progress'], c.status))
    returning c.id, c.contact_id, c.address as "to", c.status, c.seconds, c.reason, c.error, c.provider_code as code,
        n.at, c.webhook_url
""")

OPEN = sql("""
    select m.id, m.status, m.reason, m.error, m.provider_code
    from calls c join messages m on m.account_id = c.account_id and m.id = c.id
    where c.account_id = $1 and c.id = any($2::bigint[]) and c.ended_at is null
        and m.status in ('failed', 'unknown', 'canceled')
""")
