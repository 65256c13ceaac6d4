"""What reports look like on the platform's wire."""

from datetime import date
from typing import Annotated, Literal

from msgspec import Meta, Struct

from trunkline.analytics.reports import LONGEST, AiUse, Overview, Timed, Work


class Period(Struct):
    """The last days up to today, in the workspace's time zone: `period`, or any number of `days` up to 90."""

    period: Literal["7d", "30d", "90d"] | None = None
    days: Annotated[int, Meta(ge=1, le=LONGEST)] | None = None

    @property
    def length(self) -> int:
        if self.period is not None:
            return int(self.period.removesuffix("d"))
        return self.days if self.days is not None else 30


class ConversationFigures(Struct):
    """How many there are now, by status; and what happened in the period.

    Averages are over the conversations closed, and over those answered for the first time, in the period: 0 when there
    were none.
    """

    total: int
    open: int
    pending: int
    closed: int
    unread: int
    new_in_period: int
    closed_in_period: int
    avg_resolution_hours: float
    avg_response_time_minutes: float


class ContactFigures(Struct):
    total: int
    active: int
    new_this_period: int
    new_in_period: int


class CampaignFigures(Struct):
    """`total` is how many there are; the rest is about those that started in the period, `sent` of which are through.

    Rates are percent of the mails delivered, averaged over the campaigns by mail.
    """

    total: int
    sent: int
    avg_open_rate: float
    avg_click_rate: float
    total_sent: int
    total_opened: int
    total_clicked: int
    total_bounced: int


class MessageFigures(Struct):
    received: int
    sent: int


class AiFigures(Struct):
    replies_generated: int
    tokens_used: int


class OverviewOut(Struct):
    """`messages_by_day` counts what was received and sent, `channel_breakdown` the conversations begun by channel."""

    period_days: int
    conversations: ConversationFigures
    contacts: ContactFigures
    campaigns: CampaignFigures
    ai: AiFigures
    messages_by_day: dict[date, int]
    channel_breakdown: dict[str, int]
    messages_by_channel: dict[str, MessageFigures]


class MemberOut(Struct):
    """`assigned_conversations` are those that were closed in the period and those still waiting; of them
    `resolution_rate` percent are closed. Conversations count as handled by everybody who answered in them."""

    user_id: int
    name: str
    conversations_handled: int
    avg_response_minutes: float
    satisfaction_score: float | None
    assigned_conversations: int
    closed_conversations: int
    resolution_rate: float
    avg_response_time_minutes: float
    messages_sent: int


class TeamTotals(Struct):
    """The members together. A conversation in which two of them answered is handled twice."""

    conversations_handled: int
    assigned_conversations: int
    closed_conversations: int
    resolution_rate: float
    avg_response_time_minutes: float
    messages_sent: int


class TeamMeta(Struct):
    period_days: int
    totals: TeamTotals


class TeamOut(Struct):
    data: list[MemberOut]
    meta: TeamMeta


class ProviderOut(Struct):
    requests: int
    tokens_in: int
    tokens_out: int
    cost: float


class AiOut(Struct):
    """`by_day` counts requests; averages are over all requests, 0 when there were none."""

    period_days: int
    total_requests: int
    total_tokens_in: int
    total_tokens_out: int
    total_cost: float
    avg_response_time_ms: int
    ai_handled_conversations: int
    avg_confidence: float
    by_provider: dict[str, ProviderOut]
    by_day: dict[date, int]


def overview(days: int, seen: Overview, used: AiUse) -> OverviewOut:
    return OverviewOut(
        period_days=days,
        conversations=ConversationFigures(
            total=sum(seen.now.values()),
            open=seen.now["open"],
            pending=seen.now["pending"],
            closed=seen.now["closed"],
            unread=seen.unread,
            new_in_period=sum(seen.opened.values()),
            closed_in_period=seen.closed.count,
            avg_resolution_hours=round(seen.closed.average / 3600, 1),
            avg_response_time_minutes=_minutes(seen.answered),
        ),
        contacts=ContactFigures(seen.contacts, seen.active_contacts, seen.new_contacts, seen.new_contacts),
        campaigns=_campaigns(seen),
        ai=AiFigures(used.replies, used.sum("tokens_in") + used.sum("tokens_out")),
        messages_by_day=seen.messages_by_day,
        channel_breakdown=seen.opened,
        messages_by_channel={
            kind: MessageFigures(seen.received.get(kind, 0), seen.sent.get(kind, 0))
            for kind in sorted(seen.received.keys() | seen.sent.keys())
        },
    )


def _campaigns(seen: Overview) -> CampaignFigures:
    its = seen.campaigns
    return CampaignFigures(
        its.total, its.completed, its.open_rate, its.click_rate, its.sent, its.opened, its.clicked, its.bounced
    )


def team(days: int, members: list[Work]) -> TeamOut:
    closed, answered = (_together([getattr(one, name) for one in members]) for name in ("closed", "answered"))
    assigned = closed.count + sum(one.assigned for one in members)
    totals = TeamTotals(
        conversations_handled=sum(one.handled for one in members),
        assigned_conversations=assigned,
        closed_conversations=closed.count,
        resolution_rate=_percent(closed.count, assigned),
        avg_response_time_minutes=_minutes(answered),
        messages_sent=sum(one.written for one in members),
    )
    return TeamOut([_member(one) for one in members], TeamMeta(days, totals))


def _member(one: Work) -> MemberOut:
    assigned = one.assigned + one.closed.count
    return MemberOut(
        user_id=one.user_id,
        name=one.name,
        conversations_handled=one.handled,
        avg_response_minutes=_minutes(one.answered),
        satisfaction_score=None,
        assigned_conversations=assigned,
        closed_conversations=one.closed.count,
        resolution_rate=_percent(one.closed.count, assigned),
        avg_response_time_minutes=_minutes(one.answered),
        messages_sent=one.written,
    )


def ai(days: int, used: AiUse) -> AiOut:
    requests, judged = used.sum("requests"), used.sum("judged")
    return AiOut(
        period_days=days,
        total_requests=requests,
        total_tokens_in=used.sum("tokens_in"),
        total_tokens_out=used.sum("tokens_out"),
        total_cost=used.sum("cost") / 1_000_000,
        avg_response_time_ms=round(used.sum("milliseconds") / requests) if requests else 0,
        ai_handled_conversations=used.conversations,
        avg_confidence=round(used.sum("confidence") / 1000 / judged, 2) if judged else 0.0,
        by_provider={
            one.provider: ProviderOut(one.requests, one.tokens_in, one.tokens_out, one.cost / 1_000_000)
            for one in used.providers
        },
        by_day=used.requests_by_day,
    )


def _together(parts: list[Timed]) -> Timed:
    return Timed(sum(part.count for part in parts), sum(part.seconds for part in parts))


def _minutes(timed: Timed) -> float:
    return round(timed.average / 60, 1)


def _percent(part: int, whole: int) -> float:
    return round(100 * part / whole, 1) if whole else 0.0
