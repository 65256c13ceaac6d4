"""The last step of a campaign: what it looks like, what it comes to, a try, and the start."""

from typing import Any

from starlette.responses import RedirectResponse, Response

from trunkline.campaigns import broadcasts, confirming, estimates, previews, trying
from trunkline.campaigns.records import Broadcast
from trunkline.core import clock, urns
from trunkline.core.db import Tx
from trunkline.core.errors import Conflict, Invalid, TrunklineError
from trunkline.core.urns import BadUrn
from trunkline.messaging.sending import segment_count
from trunkline.web import letters
from trunkline.web.campaigns.editor import editable, people, typed
from trunkline.web.sections import Section
from trunkline.web.visits import Visit

pages = Section("campaigns")

NO_NUMBERS: dict[str, Any] = {"drops": None, "bill": None, "channel": None, "problem": ""}


@pages.post("/campaigns/{id:int}/check", level="interact")
async def check(visit: Visit) -> Response:
    """What was typed so far, as one person would read it, and what is wrong with it. Nothing is kept."""
    async with visit.tx() as tx:
        row = await broadcasts.get(tx, visit.id())
        found: dict[str, Any] = {"preview": None, "strange": [], "bill": None, "segments": 0, "problem": ""}
        try:
            row = await typed(tx, visit, row)
            found["preview"] = preview = await previews.of(tx, row, visit.form.number("contact"))
            found["strange"] = await previews.strange(tx, row)
            channel = await estimates.channel_of(tx, row)
            found["bill"] = await estimates.bill(tx, row, channel, 1)
            found["segments"] = segment_count(channel, preview.text)
        except (Invalid, Conflict) as error:
            found["problem"] = error.message
    return visit.page("campaigns/check.html", block="check", row=row, **found)


@pages.get("/campaigns/{id:int}/letter")
async def kept_letter(visit: Visit) -> Response:
    """The mail as it is kept, for a frame."""
    async with visit.tx() as tx:
        row = await broadcasts.get(tx, visit.id())
        return letters.letter((await previews.of(tx, row, visit.query.number("contact"))).html or "")


@pages.post("/campaigns/{id:int}/letter", level="interact")
async def typed_letter(visit: Visit) -> Response:
    """The mail as it stands in the form, for a frame."""
    async with visit.tx() as tx:
        row = await broadcasts.get(tx, visit.id())
        try:
            row = await typed(tx, visit, row)
        except Invalid:  # the page beside the frame says what is wrong
            return letters.letter("")
        return letters.letter((await previews.of(tx, row, visit.form.number("contact"))).html or "")


@pages.get("/campaigns/{id:int}/review", level="interact")
async def review(visit: Visit) -> Response:
    """The numbers are asked for by the page itself: a crowd takes a while to count."""
    counted = visit.query.flag("counted") or visit.typed is not None
    async with visit.tx() as tx:
        row = await editable(tx, visit)
        numbers = await _numbers(tx, row) if counted else NO_NUMBERS
        seen = await people(tx, row)
        preview = await previews.of(tx, row, seen[0].id if seen else None)
        strange = await previews.strange(tx, row)
    return letters.framing(
        visit.page(
            "campaigns/review.html",
            row=row,
            step="review",
            counted=counted,
            preview=preview,
            reader=seen[0] if seen else None,
            strange=strange,
            late=row.scheduled_at is not None and row.scheduled_at <= clock.now(),
            crowd=confirming.MOST_UNASKED,
            **numbers,
        )
    )


@pages.get("/campaigns/{id:int}/numbers", level="interact")
async def numbers(visit: Visit) -> Response:
    """Who is reached, who is dropped, what it costs, how long it takes; and the button that starts it."""
    if not visit.is_partial:
        return RedirectResponse(f"/campaigns/{visit.id()}/review?counted=1", 303)
    async with visit.tx() as tx:
        row = await editable(tx, visit)
        found = await _numbers(tx, row)
    return visit.page("campaigns/review.html", block="numbers", row=row, crowd=confirming.MOST_UNASKED, **found)


@pages.post("/campaigns/{id:int}/review", level="manage")
async def send(visit: Visit) -> Response:
    async with visit.tx() as tx:
        row = await editable(tx, visit)
        if row.scheduled_at is not None and row.scheduled_at <= clock.now():
            raise Invalid({"": [visit.words("Its moment has passed meanwhile. Choose another one.")]})
        await _confirmed(tx, visit, row)
        begun = await broadcasts.send(tx, row.id, row.scheduled_at)
    said = "It starts at the set moment." if begun.status == "scheduled" else "It is being sent."
    return visit.to(f"/campaigns/{row.id}", visit.words(said))


@pages.post("/campaigns/{id:int}/test", level="manage")
async def test(visit: Visit) -> Response:
    """To oneself, filled in for the contact who has the address; nothing of it is counted."""
    place, visitor = f"/campaigns/{visit.id()}/review", visit.visitor
    try:
        async with visit.tx() as tx:
            channel = await estimates.channel_of(tx, await broadcasts.get(tx, visit.id()))
            to = urns.make(channel.schemes[0], visit.form.text("to", most=320))
        [tried] = await trying.to(visit.site.database, visitor.account_id, visitor.actor, visit.id(), [to])
    except BadUrn as error:
        return visit.to(place, str(error))
    except TrunklineError as error:
        return visit.to(place, error.message)
    if tried.error:
        return visit.to(place, visit.words("Not sent: {why}", why=tried.error))
    return visit.to(place, visit.words("Sent to {address}.", address=tried.to))


async def _confirmed(tx: Tx, visit: Visit, row: Broadcast) -> None:
    """Raise `Invalid` when many would be written to and the name was not typed."""
    channel = await estimates.channel_of(tx, row)
    if await estimates.is_crowd(tx, row, channel) and visit.form.text("typed_name") != row.name:
        raise Invalid({"typed_name": [visit.words("Type the name of the campaign, as it stands above.")]})


async def _numbers(tx: Tx, row: Broadcast) -> dict[str, Any]:
    try:
        channel = await estimates.channel_of(tx, row)
        drops = await estimates.drops(tx, row.audience, channel)
        bill = await estimates.bill(tx, row, channel, drops.reached)
    except (Invalid, Conflict) as error:
        return {**NO_NUMBERS, "problem": error.message}
    return {"drops": drops, "bill": bill, "channel": channel, "problem": ""}
