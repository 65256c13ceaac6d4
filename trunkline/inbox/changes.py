"""Changes: what people set on conversations by hand, and what follows from the status."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Literal, get_args

from msgspec import Struct

from trunkline.core import clock
from trunkline.core.db import Tx, sql
from trunkline.core.errors import Invalid, NotFound
from trunkline.inbox import sharing
from trunkline.inbox.events import CHUNK, ConversationClosed, ConversationReopened, ConversationsChanged

Status = Literal["open", "pending", "snoozed", "closed", "spam"]
Priority = Literal["low", "normal", "high", "urgent"]

STATUSES: tuple[str, ...] = get_args(Status)
PRIORITIES: tuple[str, ...] = get_args(Priority)
RESTING = ("snoozed", "closed")
LIVING = ("open", "pending")


class Changes(Struct, frozen=True, kw_only=True):
    """What is set; None leaves it as it is. A new snoozed_until alone moves only what is snoozed already."""

    status: str | None = None
    priority: str | None = None
    is_starred: bool | None = None
    is_pinned: bool | None = None
    is_read: bool | None = None
    snoozed_until: datetime | None = None


class Changed(Struct, frozen=True):
    """A conversation that was touched, with its status before and after."""

    id: int
    contact_id: int
    channel: str
    before: str
    status: str


async def update(tx: Tx, id: int, changes: Changes) -> None:
    if not await update_many(tx, [id], changes):
        raise NotFound("conversation", id)


async def update_many(tx: Tx, ids: Sequence[int], changes: Changes) -> list[Changed]:
    """Change many alike; returns those that exist. Closing notes when, anything else forgets it."""
    _check(changes)
    ids = [id for id in ids if 0 < id < 2**63]
    values = (changes.status, changes.priority, changes.is_starred, changes.is_pinned, changes.is_read)
    moved = await tx.fetch(Changed, UPDATE, tx.account, ids, *values, changes.snoozed_until, clock.now())
    for one in moved:
        if one.status == "closed" and one.before != "closed":
            tx.record(ConversationClosed(one.id, one.contact_id, one.channel))
        elif one.status == "open" and one.before in RESTING:
            tx.record(ConversationReopened(one.id, one.contact_id, one.channel))
    record_changed(tx, [one.id for one in moved])
    if any(one.before in LIVING and one.status not in LIVING for one in moved):
        await sharing.fill(tx)
    return moved


async def close(tx: Tx, id: int) -> None:
    """Close it; closing it again changes nothing."""
    await update(tx, id, Changes(status="closed"))


async def reopen(tx: Tx, ids: Sequence[int], *, statuses: Sequence[str] = RESTING) -> None:
    """Open those that are in one of `statuses`; the others stay as they are."""
    for one in await tx.fetch(Changed, REOPEN, tx.account, ids, statuses, clock.now()):
        tx.record(ConversationReopened(one.id, one.contact_id, one.channel))


def record_changed(tx: Tx, ids: Sequence[int]) -> None:
    for start in range(0, len(ids), CHUNK):
        tx.record(ConversationsChanged(list(ids[start : start + CHUNK])))


def check_priority(priority: str | None) -> None:
    _one_of("priority", priority, PRIORITIES)


def _check(changes: Changes) -> None:
    _one_of("status", changes.status, STATUSES)
    check_priority(changes.priority)
    if changes.status == "snoozed" and changes.snoozed_until is None:
        raise Invalid({"snoozed_until": ["The snoozed until field is required when status is snoozed."]})
    if changes.snoozed_until is not None and changes.snoozed_until <= clock.now():
        raise Invalid({"snoozed_until": ["The snoozed until field must be a date after now."]})


def _one_of(field: str, value: str | None, allowed: Collection[str]) -> None:
    if value is not None and value not in allowed:
        raise Invalid({field: [f"The selected {field} is invalid."]})


UPDATE = sql("""
    with old as (
        select c.id, c.status from conversations c
        where c.account_id = $1 and c.id = any($2::bigint[]) and c.deleted_at is null order by c.id for update
    )
    update conversations c set
        status = coalesce($3, c.status),
        priority = coalesce($4, c.priority),
        is_starred = coalesce($5, c.is_starred),
        is_pinned = coalesce($6, c.is_pinned),
        is_read = coalesce($7, c.is_read),
        snoozed_until = case when coalesce($3, c.status) = 'snoozed' then coalesce($8, c.snoozed_until) end,
        resolved_at = case coalesce($3, c.status) when 'closed' then coalesce(c.resolved_at, $9) end,
        updated_at = $9
    from old where c.account_id = $1 and c.id = old.id
    returning c.id, c.contact_id, c.channel, old.status as before, c.status
""")

REOPEN = sql("""
    with old as (
        select c.id, c.status from conversations c
        where c.account_id = $1 and c.id = any($2::bigint[]) and c.status = any($3::text[])
        order by c.id for update
    )
    update conversations c set status = 'open', resolved_at = null, snoozed_until = null, updated_at = $4
    from old where c.account_id = $1 and c.id = old.id
    returning c.id, c.contact_id, c.channel, old.status as before, c.status
""")
