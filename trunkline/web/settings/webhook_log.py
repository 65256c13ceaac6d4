"""The log of what webhooks and callbacks were told: every try, and what can be sent again."""

import msgspec
from starlette.responses import Response

from trunkline.core.errors import Invalid
from trunkline.web.sections import Section
from trunkline.web.settings import tabs
from trunkline.web.visits import Visit
from trunkline.webhooks import deliveries, journal

pages = Section("settings")

SHOWN = 50
STATUSES = ("pending", "delivered", "failed")


@pages.get("/settings/webhooks/log", level="admin")
@pages.get("/settings/webhooks/replays", level="admin")
async def log(visit: Visit) -> Response:
    query = visit.query
    line_id, status = query.number("line"), query.text("status")
    async with visit.tx() as tx:
        rows = await journal.page(
            tx,
            line_id,
            status=status if status in STATUSES else None,
            before=query.number("before"),
            limit=SHOWN + 1,
        )
        lines = await journal.lines(tx)
        return tabs.page(
            visit,
            "settings/webhook_log.html",
            block="found",
            deliveries=rows[:SHOWN],
            lines=lines,
            names={line.id: line.url or line.kind for line in lines},
            line_id=line_id,
            status=status,
            next=visit.here(before=rows[SHOWN - 1].id) if len(rows) > SHOWN else "",
        )


@pages.post("/settings/webhooks/replays", level="admin")
async def repeat_range(visit: Visit) -> Response:
    """All that failed for one address in a time, or everything sent to it."""
    form = visit.form
    line, since, until = form.number("line"), form.moment("since", visit.zone), form.moment("until", visit.zone)
    missing = {"line": line, "since": since, "until": until}
    if line is None or since is None or until is None:
        gone = [name for name, value in missing.items() if value is None]
        raise Invalid({name: [visit.words("This is needed.")] for name in gone})
    if until <= since:
        raise Invalid({"until": [visit.words("The end comes after the beginning.")]})
    async with visit.tx() as tx:
        number = await journal.repeat_failed(tx, line, since, until, delivered=form.flag("delivered"))
    said = visit.words.many(number, "{count} delivery goes out again.", "{count} deliveries go out again.")
    return visit.to(f"/settings/webhooks/log?line={line}", said)


@pages.get("/settings/webhooks/deliveries/{id:int}", level="admin")
async def one(visit: Visit) -> Response:
    async with visit.tx() as tx:
        delivery, url = await journal.get(tx, visit.id())
        return tabs.page(
            visit,
            "settings/webhook_delivery.html",
            block="tries",
            delivery=delivery,
            url=url,
            line=await journal.line(tx, delivery.endpoint_id),
            body=_readable(await deliveries.body(tx, delivery.id)),
            attempts=await deliveries.attempts(tx, delivery.id),
        )


@pages.post("/settings/webhooks/deliveries/{id:int}/replay", level="admin")
async def repeat(visit: Visit) -> Response:
    async with visit.tx() as tx:
        await journal.repeat(tx, visit.id())
    return visit.to(f"/settings/webhooks/deliveries/{visit.id()}", visit.words("It goes out again."))


def _readable(body: str) -> str:
    """With line breaks for people; what was sent has none."""
    try:
        return msgspec.json.format(body, indent=2)
    except msgspec.DecodeError:
        return body
