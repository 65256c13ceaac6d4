"""How a campaign goes and went: figures, reasons, subjects, links, the course of time, each recipient."""

import msgspec
from starlette.responses import RedirectResponse, Response, StreamingResponse

from trunkline.campaigns import broadcasts, figures, recipients, reports, trials
from trunkline.campaigns.reports import OUTCOMES, STEP_COUNTS, Outcome
from trunkline.core import paging
from trunkline.core.errors import Invalid
from trunkline.core.paging import BadCursor
from trunkline.web import rendering
from trunkline.web.sections import Section
from trunkline.web.visits import Visit

pages = Section("campaigns")

SHOWN = 50


@pages.get("/campaigns/{id:int}")
async def show(visit: Visit) -> Response:
    async with visit.tx() as tx:
        row = await broadcasts.get(tx, visit.id())
        if row.status == "draft" and row.type != "drip":
            step = "next" if visit.may("interact") else "recipients"
            return RedirectResponse(f"/campaigns/{row.id}/{step}", 303, {"Cache-Control": "no-store"})
        progress = (await broadcasts.progress(tx, [row]))[row.id]
        return visit.page(
            "campaigns/report.html",
            block="figures",
            row=row,
            progress=progress,
            delivered=figures.delivered(row, progress),
            handed=figures.handed_over(progress),
            rate=figures.rate,
            reasons=await reports.reasons(tx, row),
            split=await figures.split(tx, row),
            undecided=trials.is_open(row),
            decided_at=trials.moment(row),
            links=await figures.links(tx, row),
            explain=REASONS,
            outcomes=OUTCOMES,
        )


@pages.get("/campaigns/{id:int}/course")
async def course(visit: Visit) -> Response:
    """What happened when: the curve's data as JSON for the script, a table for everybody."""
    async with visit.tx() as tx:
        row = await broadcasts.get(tx, visit.id())
        steps = await reports.course(tx, row)
    if visit.is_partial:
        return visit.page("campaigns/course.html", block="course", row=row, steps=steps)
    columns = {name: [getattr(step, name) for step in steps] for name in STEP_COUNTS}
    told = {"times": [int(step.at.timestamp()) for step in steps], "counts": columns}
    return Response(msgspec.json.encode(told), 200, rendering.HEADERS, "application/json")


@pages.get("/campaigns/{id:int}/answers")
async def answers(visit: Visit) -> Response:
    """Who wrote back, and at which hours of the day what happened: looked up among all messages, so asked for apart."""
    async with visit.tx() as tx:
        row = await broadcasts.get(tx, visit.id())
        found = await reports.answers(tx, row, str(visit.zone))
    return visit.page("campaigns/answers.html", block="answers", row=row, found=found, days=reports.ANSWERED_DAYS)


@pages.post("/campaigns/{id:int}/winner", level="manage")
async def choose(visit: Visit) -> Response:
    """Send the rest the subject that somebody decided for."""
    async with visit.tx() as tx:
        row = await trials.choose(tx, visit.id(), visit.form.number("winner") or 0)
    return visit.to(f"/campaigns/{row.id}", visit.words("Decided."))


@pages.get("/campaigns/{id:int}/recipients")
async def people(visit: Visit) -> Response:
    outcome = _outcome(visit)
    async with visit.tx() as tx:
        row = await broadcasts.get(tx, visit.id())
        rows = await reports.recipients(tx, row, outcome, after=_after(visit), limit=SHOWN + 1)
    found = rows[:SHOWN]
    last = found[-1] if len(rows) > SHOWN else None
    return visit.page(
        "campaigns/recipients.html",
        block="found",
        row=row,
        rows=found,
        outcome=outcome or "",
        outcomes=OUTCOMES,
        explain=REASONS,
        next=visit.here(after=paging.encode(visit.vault, _walk(visit), (last.contact_id, last.message_id)))
        if last
        else "",
    )


@pages.get("/campaigns/{id:int}/recipients.csv")
async def sheet(visit: Visit) -> Response:
    async with visit.tx() as tx:
        row = await broadcasts.get(tx, visit.id())
    visitor = visit.visitor
    pieces = recipients.sheet(visit.site.database, visitor.account_id, visitor.actor, row, _outcome(visit))
    name = f"campaign-{row.id}{'-' + (_outcome(visit) or '') if _outcome(visit) else ''}.csv"
    headers = {**rendering.HEADERS, "Content-Disposition": f"attachment; filename={name}"}
    return StreamingResponse(pieces, 200, headers, "text/csv; charset=utf-8")


@pages.post("/campaigns/{id:int}/recipients", level="manage")
async def gather(visit: Visit) -> Response:
    """A group of those who stand in the list."""
    name = visit.form.text("name", most=64)
    if not name:
        raise Invalid({"name": [visit.words("Give it a name.")]})
    async with visit.tx() as tx:
        made = await recipients.group(tx, await broadcasts.get(tx, visit.id()), name, _outcome(visit))
    return visit.to(f"/contacts?group={made.id}", visit.words("The group is being filled."))


def _outcome(visit: Visit) -> Outcome | None:
    return reports.outcome(visit.form.text("outcome") or visit.query.text("outcome"))


def _after(visit: Visit) -> tuple[int, int]:
    """Where the page before ended. One that we did not write begins anew."""
    given = visit.query.text("after")
    try:
        return paging.decode(visit.vault, _walk(visit), given, tuple[int, int]) if given else (0, 0)
    except BadCursor:
        return 0, 0


def _walk(visit: Visit) -> str:
    return f"web recipients:{visit.visitor.account_id}:{visit.id()}"


# Why a message failed, in the words of the page; anything else is shown as the provider said it.
REASONS = {
    "hard_bounce": "No such mailbox",
    "soft_bounce": "The mailbox takes nothing now",
    "reputation": "The other side does not trust the sender",
    "invalid": "The address cannot work",
    "rejected": "Refused by the provider",
    "undelivered": "Not delivered",
    "expired": "Too late to be sent",
    "suppressed": "Opted out meanwhile",
    "complaint": "Marked as spam",
    "insufficient_credits": "Not enough credits",
    "template_required": "Only a template may be sent",
    "contact_deleted": "The contact was deleted",
    "contact_blocked": "The contact is blocked",
    "contact_stopped": "The contact has opted out",
    "contact_archived": "The contact is archived",
    "channel": "The channel was disconnected",
    "busy": "The line was busy",
    "no_answer": "Nobody picked up",
    "unreachable": "The provider could not be reached",
    "unknown": "No reason was told",
}
