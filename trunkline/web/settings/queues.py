"""Health: whether workers live, what waits, and what failed for good."""

from starlette.responses import Response

from trunkline import health
from trunkline.core import dead_letters
from trunkline.web.sections import Section
from trunkline.web.settings import tabs
from trunkline.web.visits import Visit

pages = Section("settings")

SHOWN = 30


@pages.get("/settings/health", level="admin")
async def show(visit: Visit) -> Response:
    workers = await health.workers(visit.site.database)
    async with visit.tx() as tx:
        letters = await dead_letters.page(tx, visit.query.number("before"), SHOWN + 1)
    return tabs.page(
        visit,
        "settings/health.html",
        block="pulse",
        numbers=await visit.site.pulse.numbers(),
        workers=workers,
        letters=letters[:SHOWN],
        next=visit.here(before=letters[SHOWN - 1].id) if len(letters) > SHOWN else "",
    )


@pages.post("/settings/health/{id:int}/replay", level="dangerous")
async def replay(visit: Visit) -> Response:
    async with visit.tx() as tx:
        await dead_letters.replay(tx, visit.id())
    return visit.to("/settings/health", visit.words("It waits for a worker again."))


@pages.post("/settings/health/{id:int}/removal", level="dangerous")
async def discard(visit: Visit) -> Response:
    async with visit.tx() as tx:
        await dead_letters.discard(tx, visit.id())
    return visit.to("/settings/health", visit.words("Deleted."))
