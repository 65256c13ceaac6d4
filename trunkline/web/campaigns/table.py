"""Campaigns: the list with its progress, the beginning of a new one, and what is done to one that there is."""

from math import ceil

from starlette.responses import Response

from trunkline.campaigns import broadcasts, reports
from trunkline.campaigns.records import Broadcast, NewBroadcast
from trunkline.core.db import Tx
from trunkline.core.errors import Conflict, Invalid
from trunkline.messaging import channels
from trunkline.messaging.channels import Channel
from trunkline.web.sections import Section
from trunkline.web.visits import Visit

pages = Section("campaigns")

SHOWN = 25
KINDS = ("email", "sms", "whatsapp", "voice")
STATUSES = ("draft", "scheduled", "sending", "paused", "sent", "failed", "canceled")


@pages.get("/campaigns")
async def table(visit: Visit) -> Response:
    """The newest first. Progress comes from counters, so that a million recipients cost as much as ten."""
    query = visit.query
    number = query.number("page", least=1, most=100_000) or 1
    status, channel = query.text("status"), query.text("channel")
    async with visit.tx() as tx:
        rows, total = await broadcasts.page(
            tx,
            status=[status] if status in STATUSES else None,
            channel=channel if channel in KINDS else None,
            search=query.text("search", most=200) or None,
            limit=SHOWN,
            offset=(number - 1) * SHOWN,
        )
        return visit.page(
            "campaigns/table.html",
            block="found",
            rows=rows,
            progress=await broadcasts.progress(tx, rows),
            total=total,
            number=number,
            last=max(1, ceil(total / SHOWN)),
            statuses=STATUSES,
            kinds=KINDS,
        )


@pages.get("/campaigns/new", level="create")
async def new(visit: Visit) -> Response:
    async with visit.tx() as tx:
        return visit.page("campaigns/new.html", channels=await _channels(tx))


@pages.post("/campaigns/new", level="create")
async def create(visit: Visit) -> Response:
    """A draft, kept from here on: every step after this can be left and come back to."""
    form = visit.form
    name = form.text("name", most=255)
    if not name:
        raise Invalid({"name": [visit.words("Give it a name.")]})
    async with visit.tx() as tx:
        usable = {str(each.id): each for each in await _channels(tx)}
        channel = usable.get(form.text("channel"))
        if channel is None:
            raise Invalid({"channel": [visit.words("Choose a channel.")]})
        tried = form.flag("variants")
        if tried and channel.sends_as != "email":
            raise Invalid({"variants": [visit.words("Only mail has subjects to compare.")]})
        made = await broadcasts.create(
            tx,
            NewBroadcast(
                name=name,
                channel=channel.sends_as,
                channel_id=None if channel.pool else channel.id,
                pool=channel.pool,
                type="ab_test" if tried else "broadcast",
                variants=[{"subject": "", "percent": 50}, {"subject": "", "percent": 50}] if tried else None,
                created_by=visit.visitor.user.id,
            ),
        )
    return visit.to(f"/campaigns/{made.id}/audience")


@pages.post("/campaigns/{id:int}/copy", level="create")
async def copy(visit: Visit) -> Response:
    """The same once more, as a draft; with an `outcome` it is for those with whom it went so."""
    outcome = reports.outcome(visit.form.text("outcome"))
    async with visit.tx() as tx:
        row = await broadcasts.get(tx, visit.id())
        if row.type == "drip":
            raise Conflict("invalid_state", visit.words("A drip campaign is copied by the platform API alone."))
        made = await broadcasts.create(
            tx,
            NewBroadcast(
                name=visit.words("Copy of {name}", name=row.name)[:255],
                channel=row.channel,
                body=row.body,
                html=row.html,
                subject=row.subject,
                preview_text=row.preview_text,
                type=row.type,
                channel_id=None if row.pool else row.channel_id,
                pool=row.pool,
                template_id=row.template_id,
                variables=row.variables,
                audience={"type": "campaign", "id": row.id, "outcome": outcome} if outcome else row.audience,
                variants=row.variants,
                body_json=row.body_json,
                created_by=visit.visitor.user.id,
            ),
        )
    return visit.to(f"/campaigns/{made.id}/audience", visit.words("Copied."))


@pages.post("/campaigns/{id:int}/pause", level="manage")
async def pause(visit: Visit) -> Response:
    async with visit.tx() as tx:
        await broadcasts.pause(tx, visit.id())
    return _back(visit, "Paused. What was just being sent goes out.")


@pages.post("/campaigns/{id:int}/continuation", level="manage")
async def resume(visit: Visit) -> Response:
    async with visit.tx() as tx:
        await broadcasts.resume(tx, visit.id())
    return _back(visit, "It goes on.")


@pages.post("/campaigns/{id:int}/cancellation", level="manage")
async def cancel(visit: Visit) -> Response:
    async with visit.tx() as tx:
        await broadcasts.cancel(tx, visit.id())
    return _back(visit, "Canceled. Nothing more goes out.")


@pages.post("/campaigns/{id:int}/removal", level="manage")
async def delete(visit: Visit) -> Response:
    async with visit.tx() as tx:
        row = await broadcasts.get(tx, visit.id())
        if row.status == "paused":
            await broadcasts.cancel(tx, row.id)
        await broadcasts.delete(tx, row.id)
    return visit.to("/campaigns", visit.words("Deleted."))


def kept(row: Broadcast) -> dict[str, str]:
    """What the steps of the wizard remember beside the campaign's own columns."""
    return {name: value for name, value in (row.body_json or {}).items() if isinstance(value, str)}


async def _channels(tx: Tx) -> list[Channel]:
    """What a campaign can go out on: the workspace's own, and the operator's for text messages and calls."""
    own = [each for each in await channels.all_of(tx) if each.active and each.sends_as in KINDS]
    shared = [await channels.pool(tx, kind) for kind in ("sms", "voice")]
    return [*own, *(each for each in shared if each is not None)]


def _back(visit: Visit, said: str) -> Response:
    return visit.back(f"/campaigns/{visit.id()}", visit.words(said))
