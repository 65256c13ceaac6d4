"""Campaigns of the platform dialect: mail to many, and how it went."""

from collections.abc import Awaitable
from datetime import datetime
from typing import TypeVar

from msgspec import UNSET, UnsetType

from trunkline.campaigns import broadcasts, confirming, figures, trying
from trunkline.campaigns.records import Broadcast, Changes, NewBroadcast, Variant
from trunkline.core import clock, mailaddr, mailhtml
from trunkline.dialects.base import Call, Conflict, Data, Invalid, Page, Paged, Tx
from trunkline.dialects.platform import audiences, drips
from trunkline.dialects.platform import campaign_shapes as shapes
from trunkline.dialects.platform.dialect import platform
from trunkline.dialects.platform.shapes import Done
from trunkline.messaging import moments

T = TypeVar("T")


@platform.get("/campaigns", scope="campaigns", level="view")
async def list_campaigns(tx: Tx, page: Page, query: shapes.CampaignQuery) -> Paged[shapes.CampaignOut]:
    """List campaigns.

    `status` is draft, scheduled, sending, sent or paused, `type` broadcast, drip or ab_test. `sort_by` is name, status,
    recipients_count, created_at (the default), sent_at or scheduled_at, `sort_dir` asc or desc (the default).
    """
    rows, total = await broadcasts.page(
        tx,
        status=shapes.STATUSES.get(query.status, []) if query.status else None,
        type={"regular": "broadcast"}.get(query.type, query.type) if query.type else None,
        search=query.search,
        sort=query.sort_by if query.sort_by in broadcasts.SORTS else "created_at",
        ascending=query.sort_dir.lower() == "asc",
        limit=page.per_page,
        offset=page.offset,
    )
    progress = await broadcasts.progress(tx, rows)
    return Paged([shapes.campaign(row, progress[row.id]) for row in rows], total)


@platform.post("/campaigns", scope="campaigns", level="create", status=201)
async def create_campaign(tx: Tx, call: Call, body: shapes.CampaignIn) -> Data[shapes.CampaignOut]:
    """Create a campaign as a draft.

    Its HTML may bring style sheets along; scripts and forms are taken out. Where there is no `{{unsubscribe_url}}`, a
    link to unsubscribe is added when it is sent, and a text part where there is no `body_text`.

    A `drip` is for a segment or a list; each of its `steps` is mailed to each member once, when its time has come.
    """
    html = _html(body.html_body or body.body_html)
    _check(body, html)
    audience = await audiences.read(tx, body.audience_type, body.audience_id, body.segment_id)
    new = NewBroadcast(
        name=body.name.strip(),
        channel="email",
        type="broadcast" if body.type == "regular" else body.type,
        subject=(body.subject or "").strip() or None,
        html=html,
        body=body.body_text or "",
        body_json=body.body_json,
        preview_text=body.preview_text,
        audience=audience or {"type": "all"},
        channel_id=_account(body.email_account_id),
        variants=_variants(body.variants) if body.type == "ab_test" else None,
        planned_at=_future(body.scheduled_at),
        created_by=call.caller.user_id,
    )
    work = drips.create(tx, new, body.steps) if body.type == "drip" else broadcasts.create(tx, new)
    return Data(await _whole(tx, await _named(work)))


@platform.get("/campaigns/{id}", scope="campaigns", level="view")
async def show_campaign(tx: Tx, id: int) -> Data[shapes.CampaignOut]:
    """Get a campaign with its figures, its bodies and its links."""
    return Data(await _whole(tx, await broadcasts.get(tx, id)))


@platform.put("/campaigns/{id}", scope="campaigns", level="interact", also=("PATCH",))
async def update_campaign(tx: Tx, id: int, body: shapes.CampaignChanges) -> Data[shapes.CampaignOut]:
    """Update a campaign that is a draft or scheduled, or a drip that is a draft or paused. What is left out stays.

    A step of a drip that gets another text sends it to whom it becomes due for; what was waiting goes out as it was.
    """
    before = await broadcasts.get(tx, id)
    html = body.body_html if body.html_body is UNSET else body.html_body
    audience = await audiences.read(tx, _given(body.audience_type), _given(body.audience_id), _given(body.segment_id))
    if body.variants is not UNSET and before.type != "ab_test":
        raise Invalid({"variants": ["Only an ab_test has variants."]})
    if body.steps is not UNSET and before.type != "drip":
        raise Invalid({"steps": ["Only a drip has steps."]})
    changes = Changes(
        name=body.name if body.name is UNSET else _present("name", body.name),
        subject=body.subject if not isinstance(body.subject, str) else body.subject.strip() or None,
        html=html if html is UNSET else _present("html_body", _html(html)),
        body=body.body_text if body.body_text is UNSET else body.body_text or "",
        body_json=body.body_json,
        preview_text=body.preview_text,
        audience=audience or UNSET,
        channel_id=_account(body.email_account_id),
        variants=body.variants if body.variants is UNSET else _variants(body.variants),
        scheduled_at=body.scheduled_at if body.scheduled_at is UNSET else _future(body.scheduled_at),
    )
    if isinstance(before.subject, str) and changes.subject is None and before.type != "ab_test":
        raise Invalid({"subject": [REQUIRED.format("subject")]})
    drip = before.type == "drip"
    work = drips.update(tx, before, body, changes) if drip else broadcasts.update(tx, id, changes)
    return Data(await _whole(tx, await _named(work)))


@platform.delete("/campaigns/{id}", scope="campaigns", level="manage", status=204)
async def delete_campaign(tx: Tx, id: int) -> None:
    """Delete a campaign, but not while it is sending. What a paused one has not sent yet is never sent.

    A drip ends with that, even one that is sending.
    """
    row = await broadcasts.get(tx, id)
    if row.status == "paused" or (row.type, row.status) == ("drip", "sending"):
        await broadcasts.cancel(tx, id)
    await broadcasts.delete(tx, id)


@platform.post("/campaigns/{id}/send", scope="campaigns", level="manage", bucket="campaign_send")
async def send_campaign(tx: Tx, id: int, body: shapes.CampaignSend) -> Done[shapes.CampaignStarted]:
    """Send a campaign now, or at `scheduled_at`. A scheduled one can be sent again to move its moment.

    Who has unsubscribed is left out. Where the workspace asks for it, a campaign to more than 1,000 contacts that
    names no audience needs `confirm_all: true`. A drip begins now: who is a member counts as joined now, and of the
    steps that hang on other dates those come that are still ahead.
    """
    at = _future(body.scheduled_at)
    drip = (await broadcasts.get(tx, id)).type == "drip"
    row = await _ready(drips.send(tx, id, at) if drip else broadcasts.send(tx, id, at))
    await confirming.check(tx, id, confirmed=body.confirm_all)
    return Done(shapes.started(row), "Campaign scheduled." if at else "Campaign is being sent.")


@platform.post("/campaigns/{id}/test", scope="campaigns", level="manage", bucket="campaign_send", seconds=60)
async def test_campaign(call: Call, id: int, body: shapes.TestIn) -> Data[list[shapes.TestOut]]:
    """Send a campaign's mail to at most 10 addresses, to look at it.

    Slots are filled in for the contact who has the address. A test is not counted, and its links are not tracked.
    """
    caller = call.caller
    work = trying.send(call.database, caller.account, caller.actor, id, _addresses(body.to))
    return Data([shapes.tried(row) for row in await _ready(work)])


@platform.post("/campaigns/{id}/pause", scope="campaigns", level="manage")
async def pause_campaign(tx: Tx, id: int) -> Done[shapes.CampaignStarted]:
    """Stop sending a campaign for now. What is just leaving goes out; what becomes due of a drip waits."""
    return Done(shapes.started(await broadcasts.pause(tx, id)), "Campaign paused.")


@platform.post("/campaigns/{id}/resume", scope="campaigns", level="manage")
async def resume_campaign(tx: Tx, id: int) -> Done[shapes.CampaignStarted]:
    """Go on sending a paused campaign to those who have not got it yet.

    One that paused itself because mails bounced does not do so again.
    """
    return Done(shapes.started(await broadcasts.resume(tx, id)), "Campaign is being sent.")


async def _whole(tx: Tx, row: Broadcast) -> shapes.CampaignOut:
    progress = await broadcasts.progress(tx, [row])
    told = shapes.whole_campaign(row, progress[row.id], await figures.split(tx, row), await figures.links(tx, row))
    if row.type == "drip":
        told.steps = await drips.steps(tx, row)
    return told


def _check(body: shapes.CampaignIn, html: str | None) -> None:
    """What a kind of campaign must say."""
    missing = drips.check(body, html)
    if body.type == "ab_test" and not body.variants:
        missing["variants"] = [REQUIRED.format("variants")]
    elif body.type != "ab_test" and body.variants:
        missing["variants"] = ["Only an ab_test has variants."]
    if not body.name.strip():
        missing["name"] = [REQUIRED.format("name")]
    if body.type != "ab_test" and not body.steps and not (body.subject or "").strip():
        missing["subject"] = [REQUIRED.format("subject")]
    if not html and not body.steps:
        missing["html_body"] = [REQUIRED.format("html body")]
    if missing:
        raise Invalid(missing)


def _html(html: str | None) -> str | None:
    """What is left of it after cleaning."""
    return mailhtml.clean(html, "html_body") if html and html.strip() else None


def _present(field: str, text: str | None) -> str:
    if not text or not text.strip():
        raise Invalid({field: [REQUIRED.format(field.replace("_", " "))]})
    return text.strip()


def _account(id: T) -> T:
    """The id of an email account, if it can be one."""
    if isinstance(id, int) and not 0 < id < 2**63:
        raise Invalid({"email_account_id": [NO_ACCOUNT]})
    return id


def _given(value: T | UnsetType) -> T | None:
    return None if value is UNSET else value


def _variants(given: list[shapes.VariantIn] | None) -> list[Variant]:
    """Subjects with their shares; an even split where none is said, the rest going to the first."""
    given = given or []
    if any(not one.subject.strip() for one in given):
        raise Invalid({"variants": ["Every variant needs a subject."]})
    percents = [one.percent for one in given if one.percent is not None]
    if not percents:
        even = 100 // len(given)
        percents = [100 - even * (len(given) - 1)] + [even] * (len(given) - 1)
    if len(percents) != len(given) or sum(percents) != 100:
        raise Invalid({"variants": ["The percents of all variants must make 100."]})
    return [{"subject": one.subject.strip(), "percent": percent} for one, percent in zip(given, percents, strict=True)]


def _future(at: datetime | None) -> datetime | None:
    if at is not None and at <= clock.now():
        raise Invalid({"scheduled_at": ["The scheduled at field must be a date after now."]})
    return moments.later(at)


def _addresses(given: list[str]) -> list[str]:
    out: list[str] = []
    problems: dict[str, list[str]] = {}
    for n, address in enumerate(given):
        try:
            out.append(mailaddr.parse(address))
        except mailaddr.BadEmail as error:
            problems[f"to.{n}"] = [str(error)]
    if problems:
        raise Invalid(problems)
    return out


async def _named(work: Awaitable[T]) -> T:
    """Problems under the names that this dialect's fields have."""
    try:
        return await work
    except Invalid as error:
        fields = {}
        for field, told in error.fields.items():
            place, dot, name = NAMES.get(field, field).rpartition(".")
            fields[place + dot + NAMES.get(name, name)] = told
        if "email_account_id" in fields:
            fields["email_account_id"] = [NO_ACCOUNT]
        raise Invalid(fields) from None


async def _ready(work: Awaitable[T]) -> T:
    """What keeps a campaign from being sent is a matter of its state, not of the request."""
    try:
        return await work
    except Invalid as error:
        for field, code in UNREADY.items():
            if field in error.fields:
                raise Conflict(code, NO_SENDER if code == "no_sender" else error.message) from None
        raise


REQUIRED = "The {} field is required."
NAMES = {"integration_id": "email_account_id", "channel_id": "email_account_id", "html": "html_body",
    "audience.id": "audience_id"}  # fmt: skip
NO_ACCOUNT = "The selected email_account_id is invalid."
NO_SENDER = "No email account is connected."
UNREADY = {"channel": "no_sender", "integration_id": "no_sender", "body": "no_content",
    "audience.id": "no_audience"}  # fmt: skip
