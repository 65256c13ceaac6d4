"""Broadcasts: one message for many. draft → scheduled → sending ⇄ paused → sent, or canceled, or failed.

Sending takes a snapshot of the audience in portions with a stored cursor, so that a crash goes on where it stopped
and nobody is written to twice. Pausing is a flag that every claim looks at.
"""

from collections.abc import Sequence
from datetime import datetime

import msgspec
from msgspec import UNSET

from trunkline.campaigns import audiences, exclusions, sequences
from trunkline.campaigns.events import BroadcastChanged
from trunkline.campaigns.records import Broadcast, Changes, NewBroadcast, Progress
from trunkline.core import ids, mailhtml
from trunkline.core.db import Tx, sql
from trunkline.core.errors import Conflict, Invalid, NotFound
from trunkline.messaging import channels, moments


async def create(tx: Tx, new: NewBroadcast) -> Broadcast:
    """A draft. Its HTML is kept as mail programs would show it."""
    audience = await audiences.check(tx, new.audience)
    if new.channel_id is not None:
        await channels.choose(tx, new.channel, new.channel_id)
    return await tx.one(
        Broadcast, INSERT, tx.account, ids.new_uuid(), new.name, new.type, new.channel, new.channel_id, new.pool,
        new.subject, new.preview_text, new.body, _cleaned(new.html), new.template_id, new.variables, audience,
        new.created_by, new.late_after, new.variants, new.planned_at, new.body_json, new.trial,
    )  # fmt: skip


async def get(tx: Tx, id: int) -> Broadcast:
    broadcast = await tx.maybe(Broadcast, SELECT, tx.account, id)
    if broadcast is None:
        raise NotFound("campaign", id)
    return broadcast


async def page(
    tx: Tx, *, status: Sequence[str] | None = None, channel: str | None = None, search: str | None = None,
    type: str | None = None, sort: str = "created_at", ascending: bool = False, limit: int = 25, offset: int = 0,
) -> tuple[list[Broadcast], int]:  # fmt: skip
    """By one of `SORTS`, newest first unless told otherwise, with the number of matches."""
    pattern = f"%{search.casefold().translate(LITERAL)}%" if search else None
    filter = (list(status) if status is not None else None, channel, pattern, type)
    rows = await tx.fetch(Broadcast, PAGES[sort, ascending], tx.account, *filter, limit, offset)
    return rows, await tx.value(int, TOTAL, tx.account, *filter) or 0


async def update(tx: Tx, id: int, changes: Changes) -> Broadcast:
    broadcast = await _editable(tx, id)
    values = {name: value for name, value in msgspec.structs.asdict(changes).items() if value is not UNSET}
    if "audience" in values:
        values["audience"] = await audiences.check(tx, values["audience"])
    if values.get("channel_id") is not None:
        await channels.choose(tx, broadcast.channel, values["channel_id"])
    if "html" in values:
        values["html"] = _cleaned(values["html"])
    if "scheduled_at" in values and broadcast.status == "scheduled":
        raise Invalid({"scheduled_at": ["Send the campaign again to move its moment."]})
    new = msgspec.structs.replace(broadcast, **values)
    return await tx.one(
        Broadcast, UPDATE, tx.account, id, new.name, new.subject, new.preview_text, new.body, new.html, new.audience,
        new.channel_id, new.variants, new.scheduled_at, new.body_json, new.template_id, new.trial,
    )  # fmt: skip


async def send(tx: Tx, id: int, at: datetime | None = None) -> Broadcast:
    """Start now, or at a moment to come. The channel is chosen now; without one nothing changes."""
    broadcast = await lock(tx, id, "draft", "scheduled", verb="sent")
    if broadcast.type == "drip":
        raise Conflict("invalid_state", "A drip campaign is started by the platform API alone.")
    if not broadcast.body.strip() and not (broadcast.html or "").strip():
        raise Invalid({"body": ["The campaign has no content."]})
    channel = await _channel(tx, broadcast)
    await exclusions.check(tx, broadcast.audience.get("exclude") or {})
    if not await audiences.size(tx, broadcast.audience, channel.schemes, channel.sends_as, 1):
        raise Conflict("empty_audience", "Nobody in the audience can be reached on this channel.")
    if (at := moments.later(at)) is not None:
        scheduled = await tx.one(Broadcast, SCHEDULE, tx.account, id, at, channel.id)
        tx.enqueue("jobs", "broadcast.begin", [id, at.isoformat()], None, at)
        tx.record(BroadcastChanged(id, "scheduled"))
        return scheduled
    started = await tx.one(Broadcast, START, tx.account, id, channel.id)
    expansion(tx, id)
    return started


async def pause(tx: Tx, id: int) -> Broadcast:
    """Nothing more is claimed; what is just being sent goes out."""
    return await _move(tx, id, ("sending",), "paused")


async def resume(tx: Tx, id: int) -> Broadcast:
    """Go on where it stopped. Who resumes one that paused itself has decided: it does not brake again."""
    broadcast = await _move(tx, id, ("paused",), "sending", verb="resumed")
    if broadcast.type != "drip":
        expansion(tx, id)
    tx.wake("outbound")
    return broadcast


async def cancel(tx: Tx, id: int) -> Broadcast:
    """Nothing more is claimed from now on; what waits is canceled and refunded in the background."""
    broadcast = await _move(tx, id, ("draft", "scheduled", "sending", "paused"), "canceled")
    if broadcast.type == "drip":
        await sequences.archive(tx, [await sequences.of_drip(tx, id)])
    tx.enqueue("jobs", "broadcast.cancel_rest", [id], f"broadcast:{id}", None)
    return broadcast


async def delete(tx: Tx, id: int) -> None:
    """Delete it from every list; one that is sending must be canceled first."""
    broadcast = await get(tx, id)
    if broadcast.status in ("sending", "paused"):
        raise Conflict("invalid_state", f"A campaign cannot be deleted while it is {broadcast.status}.")
    await tx.run(DELETE, tx.account, id)


async def progress(tx: Tx, broadcasts: Sequence[Broadcast]) -> dict[int, Progress]:
    """The counters of several broadcasts, from their deltas; those of a drip campaign are the sums of its letters."""
    owners = {b.id: b.id for b in broadcasts}
    if drips := [b.id for b in broadcasts if b.type == "drip"]:
        owners |= dict(await tx.rows(LETTERS, tx.account, drips))
    names = [f"broadcast:{id}:{state}" for id in owners for state in Progress.__struct_fields__[1:]]
    counts: dict[int, dict[str, int]] = {b.id: {"total": b.total} for b in broadcasts}
    for name, value in await tx.rows(COUNTS, tx.account, names):
        _, id, state = name.split(":")
        known = counts[owners[int(id)]]
        known[state] = known.get(state, 0) + int(value)
    return {id: Progress(**values) for id, values in counts.items()}


async def lock(tx: Tx, id: int, *states: str, verb: str = "", refusal: str = "") -> Broadcast:
    """A broadcast that nobody else changes meanwhile; raises `Conflict` when it is in none of these states."""
    broadcast = await tx.maybe(Broadcast, LOCK, tx.account, id)
    if broadcast is None:
        raise NotFound("campaign", id)
    if broadcast.status not in states:
        refusal = refusal or f"Campaign cannot be {verb} - current status: {broadcast.status}."
        raise Conflict("invalid_state", refusal)
    return broadcast


def expansion(tx: Tx, id: int) -> None:
    """Take (the rest of) the audience's snapshot in the background."""
    tx.enqueue("jobs", "broadcast.expand", [id], f"broadcast:{id}", None)


async def _channel(tx: Tx, broadcast: Broadcast) -> channels.Channel:
    routing = "platform" if broadcast.pool else None
    return await channels.choose(tx, broadcast.channel, broadcast.channel_id, routing)


def _cleaned(html: str | None) -> str | None:
    return mailhtml.clean(html) if html else html


async def _editable(tx: Tx, id: int) -> Broadcast:
    """What is being written to people stays as it is; only a drip campaign can be paused and changed."""
    if (await get(tx, id)).type == "drip":
        return await lock(tx, id, "draft", "paused", refusal="Only draft or paused drip campaigns can be edited.")
    return await lock(tx, id, "draft", "scheduled", refusal="Only draft or scheduled campaigns can be edited.")


async def _move(tx: Tx, id: int, states: tuple[str, ...], status: str, *, verb: str = "") -> Broadcast:
    await lock(tx, id, *states, verb=verb or status)
    broadcast = await tx.one(Broadcast, MOVE, tx.account, id, status)
    tx.record(BroadcastChanged(id, status))
    return broadcast


LITERAL = str.maketrans({"\\": "\\\\", "%": "\\%", "_": "\\_"})

_COLUMNS = """id, uuid, name, type, channel, channel_id, pool, subject, preview_text, body, html, template_id,
    variables, audience, status, total, failure, scheduled_at, started_at, completed_at, created_by, created_at,
    updated_at, variants, body_json, trial"""

INSERT = sql(f"""
    insert into broadcasts (account_id, uuid, name, type, channel, channel_id, pool, subject, preview_text, body, html,
        template_id, variables, audience, created_by, late_after, variants, scheduled_at, body_json, trial)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
    returning {_COLUMNS}
""")

_SELECT = f"""
    select {_COLUMNS} from broadcasts where account_id = $1 and id = $2 and deleted_at is null and type <> 'letter'
"""
SELECT = sql(_SELECT)

LOCK = sql(f"{_SELECT} for update")

_MATCH = """from broadcasts where account_id = $1 and deleted_at is null and type <> 'letter'
    and ($2::text[] is null or status = any($2)) and ($3::text is null or channel = $3)
    and ($4::text is null or lower(name || ' ' || coalesce(subject, '')) like $4) and ($5::text is null or type = $5)"""

SORTS = {"name": "lower(name)", "status": "status", "recipients_count": "total", "created_at": "created_at",
    "sent_at": "started_at", "scheduled_at": "scheduled_at"}  # fmt: skip

PAGES = {
    (name, ascending): sql(f"""
        select {_COLUMNS} {_MATCH}
        order by {column} {"asc" if ascending else "desc"} nulls last, id {"asc" if ascending else "desc"}
        limit $6 offset $7
    """)
    for name, column in SORTS.items()
    for ascending in (True, False)
}

TOTAL = sql(f"select count(*) {_MATCH}")

UPDATE = sql(f"""
    update broadcasts set name = $3, subject = $4, preview_text = $5, body = $6, html = $7, audience = $8,
        channel_id = $9, variants = $10, scheduled_at = $11, body_json = $12, template_id = $13, trial = $14,
        updated_at = now()
    where account_id = $1 and id = $2 returning {_COLUMNS}
""")

SCHEDULE = sql(f"""
    update broadcasts set status = 'scheduled', scheduled_at = $3, channel_id = $4, updated_at = now()
    where account_id = $1 and id = $2 returning {_COLUMNS}
""")

START = sql(f"""
    update broadcasts set status = 'sending', scheduled_at = null, channel_id = $3, started_at = now(),
        updated_at = now()
    where account_id = $1 and id = $2 returning {_COLUMNS}
""")

# The letters of a drip campaign go where it goes, but for those of steps that were taken out.
_MOVED = """
    update broadcasts set status = $3, updated_at = now(),
        brake = brake and not (status = 'paused' and $3 = 'sending' and failure is not null),
        failure = case when $3 = 'sending' then null else failure end
    where account_id = $1
"""
MOVE = sql(f"""
    with letters as ({_MOVED} and drip_id = $2 and status <> 'canceled') {_MOVED} and id = $2 returning {_COLUMNS}
""")

DELETE = sql("update broadcasts set deleted_at = now() where account_id = $1 and id = $2")

LETTERS = sql("select id, drip_id from broadcasts where account_id = $1 and drip_id = any($2::bigint[])")

COUNTS = sql("select name, sum(value) from tallies where account_id = $1 and name = any($2::text[]) group by name")
