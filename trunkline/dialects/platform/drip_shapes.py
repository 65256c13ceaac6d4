"""What the steps of drip campaigns look like on the platform's wire."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from trunkline.campaigns import figures
from trunkline.campaigns.drips import NewStep, Step
from trunkline.campaigns.records import Broadcast, Progress
from trunkline.campaigns.sequences import JOINED, Unit

# As told -> as stored; any other word is the key of a date field.
DATES = {"joined": JOINED, "created_at": "created_on", "last_seen_at": "last_seen_on"}
TOLD = {stored: told for told, stored in DATES.items()}


class StepIn(Struct):
    """A mail that is due `offset` units after `relative_to`, or before it with a minus.

    `relative_to` is joined (the segment or list), created_at, last_seen_at or the key of a date field. `html_body` may
    also be called `body_html`. `id` names a step that is there already, when a campaign is changed.
    """

    subject: Annotated[str, Meta(min_length=1, max_length=500, examples=["Welcome!"])]
    html_body: Annotated[str, Meta(max_length=500_000, examples=["<p>Hello {{first_name|there}}!</p>"])] | None = None
    body_html: Annotated[str, Meta(max_length=500_000)] | None = None
    preview_text: Annotated[str, Meta(max_length=255)] | None = None
    offset: Annotated[int, Meta(ge=-100_000, le=100_000, examples=[3])] = 0
    unit: Literal["minutes", "hours", "days", "weeks"] = "days"
    relative_to: Annotated[str, Meta(min_length=1, max_length=255)] = "joined"
    id: int | None = None


Steps = Annotated[list[StepIn], Meta(min_length=1, max_length=50)]


class StepOut(Struct):
    """A step with what came of it."""

    id: int
    offset: int
    unit: Unit
    relative_to: str
    subject: str
    html_body: str
    preview_text: str | None
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


def new_step(given: StepIn, html: str) -> NewStep:
    return NewStep(
        subject=given.subject.strip(),
        html=html,
        preview_text=given.preview_text,
        distance=given.offset,
        unit=given.unit,
        relative_to=DATES.get(given.relative_to, given.relative_to),
        id=given.id,
    )


def step(drip: Broadcast, row: Step, now: Progress) -> StepOut:
    arrived = figures.delivered(drip, now)
    return StepOut(
        id=row.id,
        offset=row.distance,
        unit=row.unit,
        relative_to=TOLD.get(row.relative_to, row.relative_to),
        subject=row.subject,
        html_body=row.html,
        preview_text=row.preview_text,
        recipients_count=now.total,
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
    )
