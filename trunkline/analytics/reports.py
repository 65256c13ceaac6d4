"""Reports: what went on in a workspace in the last days, from counters alone.

A period is today and the days before it, in the account's zone. What happened stays counted when the contact or
conversation it happened to is deleted. A closing counts on its day until the conversation is opened again.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import date, timedelta

from msgspec import Struct

from trunkline.accounts import roles, users
from trunkline.analytics import counters
from trunkline.analytics.counters import Total
from trunkline.campaigns import figures
from trunkline.core.db import Tx, sql

LONGEST = 90
"""Days that a report looks back at most."""


class Timed(Struct, frozen=True):
    """How often something was done, and the seconds it took altogether."""

    count: int = 0
    seconds: int = 0

    @property
    def average(self) -> float:
        return self.seconds / self.count if self.count else 0.0


class Campaigns(Struct, frozen=True):
    """Of the campaigns that started in the period: `completed` counts those that are through, the rest their mails.

    The rates are averages over the campaigns whose openings are known.
    """

    total: int
    completed: int
    sent: int
    opened: int
    clicked: int
    bounced: int
    open_rate: float
    click_rate: float


class Overview(Struct, frozen=True):
    """`now` is how many conversations are in each status; `opened`, `received` and `sent` are by kind of channel."""

    now: dict[str, int]
    unread: int
    opened: dict[str, int]
    closed: Timed
    answered: Timed
    contacts: int
    active_contacts: int
    new_contacts: int
    received: dict[str, int]
    sent: dict[str, int]
    messages_by_day: dict[date, int]
    campaigns: Campaigns


class Work(Struct, frozen=True):
    """What a colleague did. `handled` are the conversations answered in, `assigned` those that wait for them now.

    `closed` are the ones that were closed while they were theirs, `answered` first answers to somebody who wrote.
    """

    user_id: int
    name: str
    handled: int
    assigned: int
    written: int
    closed: Timed
    answered: Timed


class Asked(Struct, frozen=True):
    """What one provider did. `cost` is in millionths, `confidence` the sum of thousandths over `judged` answers."""

    provider: str
    requests: int
    tokens_in: int
    tokens_out: int
    cost: int
    milliseconds: int
    confidence: int
    judged: int


class AiUse(Struct, frozen=True):
    """`replies` are the drafts that were made, `conversations` those in which one went out for the first time."""

    providers: list[Asked]
    replies: int
    conversations: int
    requests_by_day: dict[date, int]

    def sum(self, what: str) -> int:
        return sum(getattr(one, what) for one in self.providers)


async def overview(tx: Tx, days: int) -> Overview:
    since = await first_day(tx, days)
    facts = _Facts(await counters.totals(tx, FACTS, since))
    live = await counters.live(tx, [*(f"conversations:{status}" for status in STATUSES), *LIVE])
    counted = await counters.by_day(tx, ("messages.in", "messages.out"), since)
    return Overview(
        now={status: live[f"conversations:{status}"] for status in STATUSES},
        unread=live["conversations:unread"],
        opened=facts.by_subject("conversations.opened"),
        closed=facts.timed("conversations.closed"),
        answered=facts.timed("conversations.answered"),
        contacts=live["contacts"],
        active_contacts=live["contacts:active"],
        new_contacts=facts.sum("contacts.created"),
        received=facts.by_subject("messages.in"),
        sent=facts.by_subject("messages.out"),
        messages_by_day={day: counted.get(day, 0) for day in _period(since, days)},
        campaigns=await _campaigns(tx, since, live["campaigns"]),
    )


async def team(tx: Tx, days: int) -> list[Work]:
    """By name: everybody who may answer, and whoever did something in the period though they may not any more."""
    facts = _Facts(await counters.totals(tx, DONE_BY, await first_day(tx, days)))
    members = await users.members(tx)
    assigned = await counters.live(tx, [f"assigned:{member.id}" for member in members])
    work = [
        Work(
            user_id=member.id,
            name=member.name or member.email,
            handled=facts.of("conversations.handled_by", member.id),
            assigned=assigned[f"assigned:{member.id}"],
            written=facts.of("messages.sent_by", member.id),
            closed=facts.timed_by("conversations.closed", member.id),
            answered=facts.timed_by("conversations.answered", member.id),
        )
        for member in members
    ]
    busy = {one.user_id for one in work if one.handled or one.assigned or one.written or one.closed.count}
    answering = {member.id for member in members if member.active and roles.allows(member.role, "interact")}
    return [one for one in work if one.user_id in busy | answering]


async def ai(tx: Tx, days: int) -> AiUse:
    """What models were asked for, by provider and day."""
    since = await first_day(tx, days)
    facts = _Facts(await counters.totals(tx, AI, since))
    counted = await counters.by_day(tx, ("ai.requests",), since)
    providers = [
        Asked(name, requests, *(facts.by_subject(f"ai.{what}").get(name, 0) for what in ASKED))
        for name, requests in facts.by_subject("ai.requests").items()
    ]
    return AiUse(
        providers=providers,
        replies=facts.sum("ai.replies"),
        conversations=facts.sum("ai.conversations"),
        requests_by_day={day: counted.get(day, 0) for day in _period(since, days)},
    )


async def first_day(tx: Tx, days: int) -> date:
    return await counters.today(tx) - timedelta(days - 1)


def _period(since: date, days: int) -> list[date]:
    return [since + timedelta(n) for n in range(days)]


class _Facts:
    """Totals of a period, by name and subject."""

    def __init__(self, totals: Iterable[Total]):
        self._known: dict[str, dict[str, int]] = {}
        for total in totals:
            self._known.setdefault(total.name, {})[total.subject] = total.value

    def by_subject(self, name: str) -> dict[str, int]:
        return {subject: value for subject, value in sorted(self._known.get(name, {}).items()) if value}

    def sum(self, name: str) -> int:
        return sum(self._known.get(name, {}).values())

    def of(self, name: str, user_id: int) -> int:
        return self._known.get(name, {}).get(f"{user_id}", 0)

    def timed(self, name: str) -> Timed:
        return Timed(self.sum(name), self.sum(f"{name}_seconds"))

    def timed_by(self, name: str, user_id: int) -> Timed:
        return Timed(self.of(f"{name}_by", user_id), self.of(f"{name}_seconds_by", user_id))


class _Campaign(Struct, frozen=True):
    channel: str
    completed: bool
    unknown: int
    sent: int
    arrived: int
    returned: int
    opened: int
    clicked: int
    bounced: int


async def _campaigns(tx: Tx, since: date, total: int) -> Campaigns:
    """Campaigns keep counters of their own; there are only so many of them in a period."""
    sums: Counter[str] = Counter()
    open_rates, click_rates = [], []
    for one in await tx.fetch(_Campaign, CAMPAIGNS, tx.account, since):
        sums["completed"] += one.completed
        sums["sent"] += one.unknown + one.sent + one.arrived + one.returned
        sums["opened"] += one.opened
        sums["clicked"] += one.clicked
        sums["bounced"] += one.bounced
        delivered = one.sent + one.arrived
        if one.channel == "email" and delivered > 0:
            open_rates.append(figures.rate(one.opened, delivered))
            click_rates.append(figures.rate(one.clicked, delivered))
    return Campaigns(
        total, sums["completed"], sums["sent"], sums["opened"], sums["clicked"], sums["bounced"],
        _mean(open_rates), _mean(click_rates),
    )  # fmt: skip


def _mean(rates: list[float]) -> float:
    return round(sum(rates) / len(rates), 1) if rates else 0.0


STATUSES = ("open", "pending", "snoozed", "closed", "spam")

LIVE = ("conversations:unread", "contacts", "contacts:active", "campaigns")

TIMED = (
    "conversations.closed", "conversations.closed_seconds", "conversations.answered", "conversations.answered_seconds",
)  # fmt: skip

FACTS = (*TIMED, "conversations.opened", "contacts.created", "messages.in", "messages.out")

DONE_BY = (*(f"{name}_by" for name in TIMED), "conversations.handled_by", "messages.sent_by")

# Whoever asks a model writes these with the answer, the provider as subject.
ASKED = ("tokens_in", "tokens_out", "cost", "milliseconds", "confidence", "judged")

AI = ("ai.requests", "ai.replies", "ai.conversations", *(f"ai.{what}" for what in ASKED))

# The moment only bounds the walk; which day it was is the account's to say. A drip's letters count for the drip. The
# counters are joined by their whole names: asked for campaign by campaign, all of them would be read each time.
CAMPAIGNS = sql("""
    with campaign as (
        select b.id, b.channel, b.status = 'sent' as completed from broadcasts b
        where b.account_id = $1 and b.started_at >= $2::date - 2
            and (b.started_at >= $2::date + 2 or account_day($1, b.started_at) >= $2)
    ), part as (
        select id as campaign, id from campaign
        union all
        select l.drip_id, l.id from broadcasts l where l.account_id = $1 and l.drip_id in (select id from campaign)
    ), counter as (
        select part.campaign, what, 'broadcast:' || part.id || ':' || what as name
        from part,
            unnest(array['unknown', 'sent', 'delivered', 'read', 'returned', 'opened', 'clicked', 'bounced']) what
    ), counted as (
        select c.campaign,
            coalesce(sum(t.value) filter (where c.what = 'unknown'), 0)::bigint as unknown,
            coalesce(sum(t.value) filter (where c.what = 'sent'), 0)::bigint as sent,
            coalesce(sum(t.value) filter (where c.what in ('delivered', 'read')), 0)::bigint as arrived,
            coalesce(sum(t.value) filter (where c.what = 'returned'), 0)::bigint as returned,
            coalesce(sum(t.value) filter (where c.what = 'opened'), 0)::bigint as opened,
            coalesce(sum(t.value) filter (where c.what = 'clicked'), 0)::bigint as clicked,
            coalesce(sum(t.value) filter (where c.what = 'bounced'), 0)::bigint as bounced
        from counter c left join tallies t on t.account_id = $1 and t.name = c.name
        group by c.campaign
    )
    select campaign.channel, campaign.completed, counted.unknown, counted.sent, counted.arrived, counted.returned,
        counted.opened, counted.clicked, counted.bounced
    from campaign join counted on counted.campaign = campaign.id
""")
