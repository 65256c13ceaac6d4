"""Groups: kept by hand or by a query."""

from starlette.responses import Response

from trunkline.contacts import groups
from trunkline.web.sections import Section
from trunkline.web.visits import Visit

pages = Section("contacts")


@pages.get("/contacts/groups")
async def table(visit: Visit) -> Response:
    async with visit.tx() as tx:
        return visit.page("contacts/groups.html", block="found", groups=await groups.all(tx))


@pages.post("/contacts/groups", level="manage")
async def create(visit: Visit) -> Response:
    """With a query the members are found, and kept up to date from then on."""
    form = visit.form
    async with visit.tx() as tx:
        await groups.create(tx, form.text("name", most=64), query=form.text("query", most=10_000) or None)
    return visit.to("/contacts/groups", visit.words("Saved."))


@pages.post("/contacts/groups/{id:int}/removal", level="manage")
async def delete(visit: Visit) -> Response:
    async with visit.tx() as tx:
        await groups.delete(tx, visit.id())
    return visit.to("/contacts/groups", visit.words("Deleted."))
