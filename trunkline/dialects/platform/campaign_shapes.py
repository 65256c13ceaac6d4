"""What campaigns, segments and lists look like on the platform's wire."""

from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from trunkline.campaigns import figures
from trunkline.campaigns.figures import Link, Split
from trunkline.campaigns.records import Broadcast, Progress
from trunkline.campaigns.trying import Tried
from trunkline.contacts.groups import Group
from trunkline.dialects.base import Email, Moment, moment
from trunkline.dialects.platform.drip_shapes import StepOut, Steps

Status = Literal["draft", "scheduled", "sending", "sent", "paused"]
Type = Literal["broadcast", "regular", "drip", "ab_test"]
AudienceType = Literal["all", "segment", "list"]
Name = Annotated[str, Meta(min_length=1, max_length=255, examples=["April Promo"])]
Subject = Annotated[str, Meta(max_length=500, examples=["Save 20% this April"])]
Preview = Annotated[str, Meta(max_length=255, examples=["Only until Sunday"])]
Html = Annotated[str, Meta(max_length=500_000, examples=["<h1>Hello {{first_name|there}}!</h1>"])]
Text = Annotated[str, Meta(max_length=500_000)]

# As told -> as stored.
STATUSES: dict[str, list[str]] = {
    "draft": ["draft"],
    "scheduled": ["scheduled"],
    "sending": ["sending"],
    "sent": ["sent"],
    "paused": ["paused", "failed", "canceled"],
}
TOLD: dict[str, Any] = {stored: told for told, all_stored in STATUSES.items() for stored in all_stored}


class CampaignQuery(Struct):
    """`search` finds parts of name and subject. An unknown `sort_by` means created_at."""

    status: str | None = None
    type: str | None = None
    search: str | None = None
    sort_by: str = "created_at"
    sort_dir: str = "desc"


class VariantIn(Struct):
    """A subject of an A/B test. The percents of all make 100; without any, all are alike."""

    subject: Annotated[str, Meta(min_length=1, max_length=500)]
    percent: Annotated[int, Meta(ge=1, le=99)] | None = None


Variants = Annotated[list[VariantIn], Meta(min_length=2, max_length=5)]


class CampaignIn(Struct):
    """`html_body` may also be called `body_html`. Slots like `{{first_name}}` are filled in for each contact.

    `segment_id` is short for `audience_type` segment with that `audience_id`; without any it is for all contacts. An
    `ab_test` has `variants`. `scheduled_at` notes when a draft is meant to go out; sending it decides. A `drip` is for
    a segment or a list and has `steps`; with a subject and HTML instead, that is what everybody gets on joining.
    """

    name: Name
    subject: Subject | None = None
    html_body: Html | None = None
    body_html: Html | None = None
    body_text: Text | None = None
    body_json: dict[str, Any] | None = None
    preview_text: Preview | None = None
    type: Type = "broadcast"
    audience_type: AudienceType | None = None
    audience_id: int | None = None
    segment_id: int | None = None
    email_account_id: int | None = None
    scheduled_at: Moment | None = None
    variants: Variants | None = None
    steps: Steps | None = None


class CampaignChanges(Struct):
    """What is left out stays. `steps` are all that there are from then on; those with an `id` keep their figures."""

    name: Name | UnsetType = UNSET
    subject: Subject | None | UnsetType = UNSET
    html_body: Html | UnsetType = UNSET
    body_html: Html | UnsetType = UNSET
    body_text: Text | None | UnsetType = UNSET
    body_json: dict[str, Any] | None | UnsetType = UNSET
    preview_text: Preview | None | UnsetType = UNSET
    audience_type: AudienceType | UnsetType = UNSET
    audience_id: int | None | UnsetType = UNSET
    segment_id: int | None | UnsetType = UNSET
    email_account_id: int | None | UnsetType = UNSET
    scheduled_at: Moment | None | UnsetType = UNSET
    variants: Variants | UnsetType = UNSET
    steps: Steps | UnsetType = UNSET


class CampaignSend(Struct):
    """Without `scheduled_at` it starts now."""

    scheduled_at: Moment | None = None
    confirm_all: bool = False


class TestIn(Struct):
    to: Annotated[list[Email], Meta(min_length=1, max_length=10, examples=[["me@example.com"]])]


class TestOut(Struct):
    """`error` says why the mail did not go out to that address."""

    to: str
    error: str | None


class VariantOut(Struct):
    subject: str
    percent: int
    recipients_count: int
    delivered_count: int
    opened_count: int
    clicked_count: int
    open_rate: float
    click_rate: float


class LinkOut(Struct):
    """`clicks` counts people, each once."""

    url: str
    clicks: int


class CampaignOut(Struct):
    """Rates are percents of what was delivered, people counted once.

    Mails that a program opened, like a scanner, count in the `machine_…` figures alone. `problem` says why it paused
    itself or failed. Bodies, `variants`, `links` and `steps` are there when a single campaign is asked for. Figures of
    a drip are the sums of its steps; its subject and body are those of the first one.
    """

    id: int
    uuid: UUID
    name: str
    type: str
    channel: str
    subject: str | None
    preview_text: str | None
    status: Status
    audience_type: str
    audience_id: int | None
    email_account_id: int | None
    scheduled_at: Moment | None
    sent_at: Moment | None
    completed_at: Moment | None
    recipients_count: int
    sent_count: int
    delivered_count: int
    opened_count: int
    clicked_count: int
    bounced_count: int
    unsubscribed_count: int
    open_rate: float
    click_rate: float
    machine_opened_count: int
    machine_clicked_count: int
    problem: str | None
    created_by: int | None
    created_at: Moment
    updated_at: Moment
    body_html: str | None | UnsetType = UNSET
    body_text: str | None | UnsetType = UNSET
    body_json: dict[str, Any] | None | UnsetType = UNSET
    variants: list[VariantOut] | UnsetType = UNSET
    links: list[LinkOut] | UnsetType = UNSET
    steps: list[StepOut] | UnsetType = UNSET


class CampaignStarted(Struct, omit_defaults=True):
    id: int
    status: Status
    scheduled_at: Moment | None = None


class GroupOut(Struct):
    id: int
    name: str
    contacts_count: int


def campaign(row: Broadcast, now: Progress) -> CampaignOut:
    arrived = figures.delivered(row, now)
    audience = row.audience["type"]
    return CampaignOut(
        id=row.id,
        uuid=row.uuid,
        name=row.name,
        type=row.type,
        channel=row.channel,
        subject=row.subject,
        preview_text=row.preview_text,
        status=TOLD[row.status],
        audience_type="list" if audience == "group" else audience,
        audience_id=row.audience.get("id"),
        email_account_id=None if row.pool else row.channel_id,
        scheduled_at=moment(row.scheduled_at),
        sent_at=moment(row.started_at),
        completed_at=moment(row.completed_at),
        recipients_count=row.total,
        sent_count=figures.handed_over(now),
        delivered_count=arrived,
        opened_count=now.opened,
        clicked_count=now.clicked,
        bounced_count=now.bounced,
        unsubscribed_count=now.unsubscribed,
        open_rate=figures.rate(now.opened, arrived),
        click_rate=figures.rate(now.clicked, arrived),
        machine_opened_count=now.machine_opened,
        machine_clicked_count=now.machine_clicked,
        problem=row.failure,
        created_by=row.created_by,
        created_at=moment(row.created_at),
        updated_at=moment(row.updated_at),
    )


def whole_campaign(row: Broadcast, now: Progress, split: list[Split], links: list[Link]) -> CampaignOut:
    told = campaign(row, now)
    told.body_html, told.body_text, told.body_json = row.html, row.body or None, row.body_json
    told.variants = [_variant(row, part) for part in split]
    told.links = [LinkOut(link.url, link.clicks) for link in links]
    return told


def _variant(row: Broadcast, part: Split) -> VariantOut:
    now = part.progress
    arrived = figures.delivered(row, now)
    rates = figures.rate(now.opened, arrived), figures.rate(now.clicked, arrived)
    return VariantOut(part.subject, part.percent, now.total, arrived, now.opened, now.clicked, *rates)


def started(row: Broadcast) -> CampaignStarted:
    return CampaignStarted(row.id, TOLD[row.status], moment(row.scheduled_at))


def tried(row: Tried) -> TestOut:
    return TestOut(row.to, row.error)


def group(row: Group) -> GroupOut:
    return GroupOut(row.id, row.name, row.size)
