"""The wizard of a campaign: audience, content, schedule. Each step is checked, and kept when it is saved."""

from typing import Any

import msgspec
from starlette.responses import RedirectResponse, Response

from trunkline.campaigns import audiences, broadcasts, estimates, exclusions, previews, trials
from trunkline.campaigns.records import Broadcast, Changes, Variant
from trunkline.contacts import groups, tags
from trunkline.contacts.records import Contact
from trunkline.core import clock, mailhtml, mjml
from trunkline.core.db import Tx
from trunkline.core.errors import Conflict, Invalid
from trunkline.messaging import contents, moments, templates
from trunkline.web.campaigns.table import kept
from trunkline.web.letters import framing
from trunkline.web.sections import Section
from trunkline.web.visits import Visit

pages = Section("campaigns")

STEPS = ("audience", "content", "schedule", "review")
EDITABLE = ("draft", "scheduled")
PEOPLE = 10


@pages.get("/campaigns/{id:int}/next", level="interact")
async def go_on(visit: Visit) -> Response:
    """Where somebody left it."""
    async with visit.tx() as tx:
        row = await broadcasts.get(tx, visit.id())
    step = kept(row).get("step", "audience")
    return RedirectResponse(f"/campaigns/{row.id}/{step if step in STEPS else STEPS[0]}", 303)


@pages.get("/campaigns/{id:int}/audience", level="interact")
async def audience(visit: Visit) -> Response:
    async with visit.tx() as tx:
        row = await editable(tx, visit)
        return visit.page(
            "campaigns/audience.html",
            row=row,
            step="audience",
            chosen=_shown(row.audience),
            earlier=await _earlier(tx, row),
            groups=await groups.all(tx),
            tags=await tags.all(tx),
        )


@pages.post("/campaigns/{id:int}/audience", level="interact")
async def choose_audience(visit: Visit) -> Response:
    async with visit.tx() as tx:
        row = await editable(tx, visit)
        try:
            await _save(tx, row, "content", Changes(audience=_audience(visit, row)))
        except Invalid as error:
            raise Invalid(_by_field(error)) from None
    return visit.to(f"/campaigns/{row.id}/content")


@pages.get("/campaigns/{id:int}/audience/size", level="interact")
async def size(visit: Visit) -> Response:
    """Who would be reached by what is chosen in the form just now, who is dropped and why, and some of the people."""
    found: dict[str, Any] = {"drops": None, "people": [], "problem": ""}
    async with visit.tx() as tx:
        row = await broadcasts.get(tx, visit.id())
        try:
            channel = await estimates.channel_of(tx, row)
            wanted = await audiences.check(tx, _audience(visit, row))
            found["drops"] = await estimates.drops(tx, wanted, channel)
            found["people"] = await estimates.sample(tx, wanted, channel, PEOPLE)
        except (Invalid, Conflict) as error:
            found["problem"] = error.message
    return visit.page("campaigns/size.html", block="size", row=row, **found)


@pages.get("/campaigns/{id:int}/content", level="interact")
async def content(visit: Visit) -> Response:
    async with visit.tx() as tx:
        row = await editable(tx, visit)
        known = await templates.all_of(tx, row.channel)
        taken = visit.query.number("template")
        if taken is not None:
            found = await templates.get(tx, taken)
            html = found.body if row.channel == "email" else None
            body = row.body if html else found.body
            row = msgspec.structs.replace(row, html=html, body=body, subject=found.subject or row.subject)
        return framing(
            visit.page(
                "campaigns/content.html",
                row=row,
                step="content",
                templates=known,
                taken=taken,
                source="html" if taken else kept(row).get("format", "html"),
                mjml=kept(row).get("mjml", ""),
                people=await people(tx, row),
                most=contents.MOST[row.channel],
            )
        )


@pages.post("/campaigns/{id:int}/content", level="interact")
async def write(visit: Visit) -> Response:
    async with visit.tx() as tx:
        row = await editable(tx, visit)
        new = await typed(tx, visit, row)
        _check(visit, new)
        if strange := await previews.strange(tx, new):
            names = ", ".join(f"{{{{{name}}}}}" for name in strange)
            told = "No contact has {names}. Correct the name, or give it a default: {example}."
            raise Invalid({"": [visit.words(told, names=names, example=f"{{{{{strange[0]}|friend}}}}")]})
        changes = Changes(
            subject=new.subject,
            preview_text=new.preview_text,
            body=new.body,
            html=new.html,
            variants=new.variants,
            template_id=new.template_id,
        )
        await _save(tx, row, "schedule", changes, format=visit.form.text("format"), mjml=_mjml(visit))
    return visit.to(f"/campaigns/{row.id}/schedule")


@pages.get("/campaigns/{id:int}/schedule", level="interact")
async def schedule(visit: Visit) -> Response:
    async with visit.tx() as tx:
        row = await editable(tx, visit)
    return visit.page("campaigns/schedule.html", row=row, step="schedule", now=clock.now())


@pages.post("/campaigns/{id:int}/schedule", level="interact")
async def set_moment(visit: Visit) -> Response:
    later = visit.form.text("when") == "later"
    at = visit.form.moment("at", visit.zone) if later else None
    if later and (at is None or at <= clock.now()):
        raise Invalid({"at": [visit.words("Choose a moment that is still to come.")]})
    if later and at is not None and at > clock.now() + moments.MOST_AHEAD:
        raise Invalid({"at": [visit.words("At most {days} days ahead.", days=moments.MOST_AHEAD.days)]})
    async with visit.tx() as tx:
        row = await editable(tx, visit)
        trial = _trial(visit) if row.variants and visit.form.flag("tried") else None
        if row.status == "scheduled":
            if not visit.may("manage"):
                raise Conflict("invalid_state", visit.words("Your role does not allow this."))
            await broadcasts.update(tx, row.id, Changes(trial=trial))
            await broadcasts.send(tx, row.id, at)
            return visit.to(f"/campaigns/{row.id}", visit.words("Moved."))
        await _save(tx, row, "review", Changes(scheduled_at=at, trial=trial))
    return visit.to(f"/campaigns/{row.id}/review")


async def editable(tx: Tx, visit: Visit) -> Broadcast:
    """The campaign, as long as it can be written on."""
    row = await broadcasts.get(tx, visit.id())
    if row.type == "drip":
        raise Conflict("invalid_state", visit.words("Drip campaigns are written by the platform API alone."))
    if row.status not in EDITABLE:
        raise Conflict(
            "invalid_state", visit.words("It is on its way: what it says and to whom cannot change any more.")
        )
    return row


async def people(tx: Tx, row: Broadcast) -> list[Contact]:
    """Some of the audience, to look at the content with their eyes."""
    try:
        return await estimates.sample(tx, row.audience, await estimates.channel_of(tx, row), PEOPLE)
    except (Invalid, Conflict):  # the group is gone, or being filled: the preview knows nobody then
        return []


async def typed(tx: Tx, visit: Visit, row: Broadcast) -> Broadcast:
    """The campaign with what stands in the form of its content."""
    form = visit.form
    body = form.text("body", most=contents.MOST[row.channel])
    if row.channel != "email":
        chosen = form.number("template")
        template = await templates.get(tx, chosen) if chosen and row.channel == "whatsapp" else None
        body = template.body if template else body
        return msgspec.structs.replace(row, body=body, template_id=template and template.id)
    source = (
        mjml.html(_mjml(visit)) if form.text("format") == "mjml" and _mjml(visit) else form.text("html", most=LONGEST)
    )
    return msgspec.structs.replace(
        row,
        subject=None if row.variants else form.text("subject", most=998) or None,
        variants=_variants(visit) if row.variants else None,
        preview_text=form.text("preview_text", most=255) or None,
        html=mailhtml.clean(source) or None,
        body=body,
    )


def _mjml(visit: Visit) -> str:
    return visit.form.text("mjml", most=mjml.LONGEST)


def _variants(visit: Visit) -> list[Variant]:
    share = visit.form.number("percent", least=1, most=99) or 50
    first, second = visit.form.text("subject", most=998), visit.form.text("second", most=998)
    return [{"subject": first, "percent": share}, {"subject": second, "percent": 100 - share}]


def _check(visit: Visit, new: Broadcast) -> None:
    """What a campaign of its kind must say."""
    missing: dict[str, list[str]] = {}
    required = [visit.words("Write something here.")]
    if new.channel == "email":
        subjects = [variant["subject"] for variant in new.variants or ()] or [new.subject]
        missing = {name: required for name, said in zip(("subject", "second"), subjects, strict=False) if not said}
        if not new.html and not new.body:
            missing["html" if visit.form.text("format") != "mjml" else "mjml"] = required
    elif not new.body:
        missing["body"] = required
    if missing:
        raise Invalid(missing)


def _audience(visit: Visit, row: Broadcast) -> dict[str, Any]:
    """What the form says, which is sent as a form or stands in the address."""
    form = visit.form
    left_out = {
        "groups": form.numbers("without_groups"),
        "tags": form.numbers("without_tags"),
        "query": form.text("without_query", most=10_000),
        "days": form.number("without_days", least=1, most=exclusions.MOST_DAYS),
    }
    return {**_chosen(visit, row), "exclude": {name: value for name, value in left_out.items() if value}}


def _chosen(visit: Visit, row: Broadcast) -> dict[str, Any]:
    match visit.form.text("audience"):
        case "groups":
            return {"type": "groups", "ids": visit.form.numbers("groups")}
        case "tags":
            return {"type": "tags", "ids": visit.form.numbers("tags")}
        case "query":
            return {"type": "query", "query": visit.form.text("query", most=10_000)}
        case "contacts" | "campaign" as kind if row.audience["type"] == kind:
            return {name: value for name, value in row.audience.items() if name != "exclude"}
        case _:
            return {"type": "all"}


def _trial(visit: Visit) -> dict[str, Any]:
    form = visit.form
    given = {"percent": form.number("trial_percent"), "hours": form.number("trial_hours"), "by": form.text("trial_by")}
    try:
        return trials.check(given)
    except Invalid as error:
        raise Invalid({name.replace(".", "_"): told for name, told in error.fields.items()}) from None


def _by_field(error: Invalid) -> dict[str, list[str]]:
    """What is wrong, at the fields of the form."""
    return {
        f"without_{name.partition('.')[2]}" if name.startswith("exclude.") else name.partition(".")[0]: told
        for name, told in error.fields.items()
    }


async def _earlier(tx: Tx, row: Broadcast) -> Broadcast | None:
    """The campaign whose recipients make its audience."""
    return await broadcasts.get(tx, row.audience["id"]) if row.audience["type"] == "campaign" else None


def _shown(audience: dict[str, Any]) -> dict[str, Any]:
    """The audience in the words of the form."""
    kind = {"group": "groups", "segment": "groups", "tag": "tags"}.get(audience["type"], audience["type"])
    ids = audience.get("ids") or ([audience["id"]] if "id" in audience else [])
    without = {"groups": [], "tags": [], "query": "", "days": None, **audience.get("exclude", {})}
    return {"kind": kind, "ids": ids, "query": audience.get("query", ""), "without": without}


async def _save(tx: Tx, row: Broadcast, step: str, changes: Changes, **more: str) -> None:
    remembered = {**(row.body_json or {}), **more, "step": step}
    await broadcasts.update(tx, row.id, msgspec.structs.replace(changes, body_json=remembered))


LONGEST = 500_000
