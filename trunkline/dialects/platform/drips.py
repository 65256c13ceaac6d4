"""Drip campaigns of the platform dialect: what their steps say, read from campaigns that are made or changed."""

from datetime import datetime

from msgspec import UNSET

from trunkline.campaigns import drips
from trunkline.campaigns.drips import NewStep
from trunkline.campaigns.records import Broadcast, Changes, NewBroadcast, Progress
from trunkline.core import mailhtml
from trunkline.dialects.base import Invalid, Tx
from trunkline.dialects.platform import drip_shapes as shapes
from trunkline.dialects.platform.campaign_shapes import CampaignChanges, CampaignIn

REQUIRED = "The {} field is required."


def check(body: CampaignIn, html: str | None) -> dict[str, list[str]]:
    """What is wrong with its steps, or with what stands for them."""
    problems: dict[str, list[str]] = {}
    if body.type != "drip":
        return {"steps": ["Only a drip has steps."]} if body.steps else {}
    if body.scheduled_at is not None:
        problems["scheduled_at"] = [NOT_LATER]
    if body.variants:
        problems["variants"] = ["Only an ab_test has variants."]
    if body.segment_id is None and body.audience_type not in ("segment", "list"):
        problems["audience_type"] = [FOR_WHOM]
    if body.steps and (html or body.subject or body.preview_text):
        problems["steps"] = ["Give either steps or a subject with its HTML, not both."]
    return problems


def read(given: list[shapes.StepIn]) -> list[NewStep]:
    """The steps with cleaned HTML; raises `Invalid` with all that is missing."""
    out: list[NewStep] = []
    problems: dict[str, list[str]] = {}
    for n, step in enumerate(given):
        html = step.html_body or step.body_html or ""
        html = mailhtml.clean(html, f"steps.{n}.html_body") if html.strip() else ""
        if not html:
            problems[f"steps.{n}.html_body"] = [REQUIRED.format("html body")]
        if not step.subject.strip():
            problems[f"steps.{n}.subject"] = [REQUIRED.format("subject")]
        out.append(shapes.new_step(step, html))
    if problems:
        raise Invalid(problems)
    return out


async def create(tx: Tx, new: NewBroadcast, given: list[shapes.StepIn] | None) -> Broadcast:
    """Without steps it has one, for whoever joins."""
    alone = NewStep(subject=new.subject or "", html=new.html or "", preview_text=new.preview_text)
    return await drips.create(tx, new, read(given) if given else [alone])


async def update(tx: Tx, before: Broadcast, body: CampaignChanges, changes: Changes) -> Broadcast:
    """Subject, HTML and preview are those of the only step, if there are no others."""
    if body.scheduled_at not in (UNSET, None):
        raise Invalid({"scheduled_at": [NOT_LATER]})
    if body.audience_type == "all":
        raise Invalid({"audience_type": [FOR_WHOM]})
    said = [name for name in ("subject", "html", "preview_text") if getattr(changes, name) is not UNSET]
    if said and body.steps is not UNSET:
        raise Invalid({"steps": ["Give either steps or a subject with its HTML, not both."]})
    steps = None if body.steps is UNSET else read(body.steps)
    if said:
        [step, *more] = await drips.steps(tx, before.id)
        if more:
            raise Invalid({("html_body" if name == "html" else name): [WHICH] for name in said})
        steps = [
            NewStep(
                id=step.id, relative_to=step.relative_to, distance=step.distance, unit=step.unit,
                subject=changes.subject or step.subject,
                html=changes.html or step.html,
                preview_text=step.preview_text if changes.preview_text is UNSET else changes.preview_text,
            )
        ]  # fmt: skip
    return await drips.update(tx, before.id, changes, steps)


async def send(tx: Tx, id: int, at: datetime | None) -> Broadcast:
    if at is not None:
        raise Invalid({"scheduled_at": [NOT_LATER]})
    return await drips.send(tx, id)


async def steps(tx: Tx, row: Broadcast) -> list[shapes.StepOut]:
    progress = await drips.progress(tx, row.id)
    return [shapes.step(row, step, progress.get(step.id, Progress(total=0))) for step in await drips.steps(tx, row.id)]


NOT_LATER = "A drip campaign begins when it is sent; it cannot be scheduled."
FOR_WHOM = "A drip campaign is for a segment or a list."
WHICH = "This campaign has several steps. Give steps instead."
