"""Reports: how a campaign went, over time and for each recipient."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal, get_args

from msgspec import Struct

from trunkline.campaigns.records import Broadcast
from trunkline.core.db import Tx, sql

Outcome = Literal["waiting", "sent", "delivered", "failed", "opened", "unopened", "clicked", "replied", "unsubscribed"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
WATCHED = timedelta(days=30)
"""What happens later is in the numbers, but not on the curve."""
ANSWERED_DAYS = 7
"""Who writes within so many days after a campaign's message is taken to answer it."""
STEPS = [timedelta(minutes=1), timedelta(minutes=10), timedelta(hours=1), timedelta(hours=6), timedelta(days=1)]
MOST_STEPS = 150


class Recipient(Struct, frozen=True):
    """One message of a campaign. `variant` is the number of its subject in an A/B test."""

    message_id: int
    contact_id: int
    name: str | None
    scheme: str
    address: str
    status: str
    reason: str | None
    error: str | None
    variant: int | None
    sent_at: datetime | None
    delivered_at: datetime | None
    failed_at: datetime | None
    opened_at: datetime | None
    machine_opened_at: datetime | None
    clicked_at: datetime | None
    unsubscribed_at: datetime | None


class Step(Struct):
    """What happened in the time from `at` to the next step."""

    at: datetime
    sent: int = 0
    delivered: int = 0
    failed: int = 0
    opened: int = 0
    machine_opened: int = 0
    clicked: int = 0
    unsubscribed: int = 0


class Hour(Struct):
    """What happened in one hour of the day, on the clock of the account."""

    hour: int
    sent: int = 0
    read: int = 0
    opened: int = 0
    clicked: int = 0
    replied: int = 0


class Side(Struct, frozen=True):
    """How many of those who got one subject of an A/B test wrote back."""

    subject: str
    replied: int


class Answers(Struct, frozen=True):
    replied: int
    variants: list[Side]
    hours: list[Hour]


STEP_COUNTS = Step.__struct_fields__[1:]


def outcome(name: str) -> Outcome | None:
    """The outcome of this name; None, which stands for all, for any other."""
    known: dict[str, Outcome] = {each: each for each in OUTCOMES}
    return known.get(name)


async def reasons(tx: Tx, broadcast: Broadcast) -> list[tuple[str, int]]:
    """Why messages failed, the commonest first."""
    statement = REASONS_OF_DRIP if broadcast.type == "drip" else REASONS
    return [(reason, count) for reason, count in await tx.rows(statement, tx.account, broadcast.id) if count > 0]


async def recipients(
    tx: Tx, broadcast: Broadcast, outcome: Outcome | None = None, *, after: tuple[int, int] = (0, 0), limit: int = 50
) -> list[Recipient]:
    """By (contact, message), behind `after`."""
    statement = RECIPIENTS[outcome, broadcast.type == "drip"]
    return await tx.fetch(Recipient, statement, tx.account, broadcast.id, *after, limit)


async def course(tx: Tx, broadcast: Broadcast) -> list[Step]:
    """What happened when, in steps that fit its length; nothing before it was started."""
    if broadcast.started_at is None:
        return []
    statement = COURSE[broadcast.type == "drip"]
    rows = await tx.rows(statement, tx.account, broadcast.id, broadcast.started_at, WATCHED)
    return _steps(broadcast.started_at, rows)


async def answers(tx: Tx, broadcast: Broadcast, zone: str) -> Answers:
    """Who wrote back and the hours of the day. It looks at every message of the campaign: ask for it apart."""
    drip = broadcast.type == "drip"
    replies = await tx.rows(REPLIES[drip], tx.account, broadcast.id, zone)
    hours: dict[int, Hour] = {}
    counted = [(hour, "replied", count) for _, hour, count in replies]
    for hour, what, count in [*await tx.rows(HOURS[drip], tx.account, broadcast.id, zone), *counted]:
        at = hours.setdefault(hour, Hour(hour))
        setattr(at, what, getattr(at, what) + count)
    sides = [
        Side(variant["subject"], sum(count for side, _, count in replies if side == number))
        for number, variant in enumerate(broadcast.variants or (), start=1)
    ]
    return Answers(sum(count for _, _, count in replies), sides, [hours[hour] for hour in sorted(hours)])


def _steps(start: datetime, minutes: Sequence[tuple[datetime, str, int]]) -> list[Step]:
    """Minutes put together, so that neither one step nor a thousand are left."""
    if not minutes:
        return []
    start = start.replace(second=0, microsecond=0)
    length = max(at for at, _, _ in minutes) - start
    size = next((step for step in STEPS if length / step < MOST_STEPS), STEPS[-1])
    found: dict[int, Step] = {}
    for at, what, count in minutes:
        place = max(0, (at - start) // size)
        step = found.setdefault(place, Step(start + place * size))
        setattr(step, what, getattr(step, what) + count)
    return [found[place] for place in sorted(found)]


# The names are together in the key: `.` is just before `/`.
_REASONS = """
    select split_part(t.name, ':failed.', 2) as reason, sum(t.value)::bigint as failed
    from {owners} cross join lateral (
        select t.name, t.value from tallies t where t.account_id = $1
            and t.name >= 'broadcast:' || o.id || ':failed.' and t.name < 'broadcast:' || o.id || ':failed/'
    ) t group by 1 order by 2 desc, 1
"""
REASONS = sql(_REASONS.format(owners="(select $2::bigint as id) o"))
REASONS_OF_DRIP = sql(
    _REASONS.format(owners="(select b.id from broadcasts b where b.account_id = $1 and b.drip_id = $2) o")
)

_OWN = "= $2"
_LETTERS = "in (select b.id from broadcasts b where b.account_id = $1 and b.drip_id = $2)"

# The first message that somebody writes over the same kind of address after they got ours.
_ANSWERING = f"""r.id > m.id and r.direction = 'in' and r.scheme = m.scheme and r.created_at > m.sent_at
            and r.created_at < m.sent_at + interval '{ANSWERED_DAYS} days'"""

CONDITIONS: dict[Outcome | None, str] = {
    None: "true",
    "waiting": "m.status in ('queued', 'sending', 'errored')",
    "sent": "m.status in ('sent', 'delivered', 'read', 'unknown')",
    "delivered": "m.status in ('delivered', 'read')",
    "failed": "m.status = 'failed'",
    "opened": "e.opened_at is not null",
    "unopened": "m.status in ('sent', 'delivered', 'read') and e.opened_at is null",
    "clicked": "e.clicked_at is not null",
    "replied": f"""(select true from messages r where r.account_id = $1 and r.contact_id = m.contact_id
            and {_ANSWERING} limit 1) is not null""",
    "unsubscribed": "e.unsubscribed_at is not null",
}

# One probe of a key for each, whatever the planner believes: pages end early.
FROM = """messages m left join lateral (
            select o.* from engagements o where o.account_id = $1 and o.message_id = m.id limit 1) e on true"""
_FROM_ENGAGED = "engagements e join messages m on m.account_id = $1 and m.id = e.message_id"
ENGAGED = ("opened", "clicked", "unsubscribed")

RECIPIENTS = {
    (outcome, drip): sql(f"""
        select m.id as message_id, m.contact_id,
            (select c.name from contacts c where c.account_id = $1 and c.id = m.contact_id) as name,
            m.scheme, m.address, m.status, m.reason, m.error, m.variant, m.sent_at, m.delivered_at,
            m.failed_at, e.opened_at, e.machine_opened_at, e.clicked_at, e.unsubscribed_at
        from {_FROM_ENGAGED if outcome in ENGAGED else FROM}
        where {place}.account_id = $1 and {place}.broadcast_id {_LETTERS if drip else _OWN} and {condition}
            and {place}.contact_id >= $3::bigint and (m.contact_id, m.id) > ($3::bigint, $4::bigint)
        order by {place}.contact_id, m.id limit $5
    """)
    for outcome, condition in CONDITIONS.items()
    for place in ["e" if outcome in ENGAGED else "m"]
    for drip in (False, True)
}

COURSE = {
    drip: sql(f"""
        select date_trunc('minute', at) as minute, what, count(*) from (
            select x.at, x.what from messages m cross join lateral (values
                ('sent', m.sent_at), ('delivered', m.delivered_at), ('failed', m.failed_at)) x (what, at)
            where m.account_id = $1 and m.broadcast_id {_LETTERS if drip else _OWN}
            union all
            select x.at, x.what from engagements e cross join lateral (values
                ('opened', e.opened_at), ('machine_opened', e.machine_opened_at), ('clicked', e.clicked_at),
                ('unsubscribed', e.unsubscribed_at)) x (what, at)
            where e.account_id = $1 and e.broadcast_id {_LETTERS if drip else _OWN}
        ) happened where at is not null and at < $3::timestamptz + $4::interval
        group by 1, 2 order by 1
    """)
    for drip in (False, True)
}

REPLIES = {
    drip: sql(f"""
        select m.variant, extract(hour from a.created_at at time zone $3)::int as hour, count(*)
        from messages m cross join lateral (
            select r.created_at from messages r where r.account_id = $1 and r.contact_id = m.contact_id
                and {_ANSWERING} order by r.id limit 1
        ) a
        where m.account_id = $1 and m.broadcast_id {_LETTERS if drip else _OWN} and m.sent_at is not null
        group by 1, 2
    """)
    for drip in (False, True)
}

HOURS = {
    drip: sql(f"""
        select extract(hour from at at time zone $3)::int as hour, what, count(*) from (
            select x.at, x.what from messages m cross join lateral (values
                ('sent', m.sent_at), ('read', m.read_at)) x (what, at)
            where m.account_id = $1 and m.broadcast_id {_LETTERS if drip else _OWN}
            union all
            select x.at, x.what from engagements e cross join lateral (values
                ('opened', e.opened_at), ('clicked', e.clicked_at)) x (what, at)
            where e.account_id = $1 and e.broadcast_id {_LETTERS if drip else _OWN}
        ) happened where at is not null group by 1, 2
    """)
    for drip in (False, True)
}
