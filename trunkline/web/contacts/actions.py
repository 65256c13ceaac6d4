"""What is done to many contacts at once: to the chosen ones, or to all that the filters leave."""

from typing import Any

from starlette.responses import Response

from trunkline.contacts import bulk, tags
from trunkline.contacts.bulk import Action, Kind
from trunkline.contacts.listing import Filter
from trunkline.core.db import Tx
from trunkline.core.errors import Invalid
from trunkline.web.sections import Section
from trunkline.web.visits import Visit

pages = Section("contacts")

MOST_CHOSEN = 1_000


@pages.get("/contacts/actions")
async def table(visit: Visit) -> Response:
    """The last ones; or, for the page of contacts, the reader's own that runs."""
    async with visit.tx() as tx:
        return visit.page(
            "contacts/actions.html",
            block="doing" if visit.query.flag("latest") else "found",
            action=await bulk.latest(tx),
            actions=await bulk.all(tx),
        )


@pages.post("/contacts/choice/tags", level="interact")
async def tag(visit: Visit) -> Response:
    """Stick a tag on them; a name that is new becomes a tag."""
    async with visit.tx() as tx:
        meant = _meant(visit)
        made = await tags.get_or_create(tx, [visit.form.text("tag", most=50)])
        if not made:
            raise Invalid({"tag": [visit.words("Name a tag.")]})
        await bulk.start(tx, "tag", made[0].id, **meant)
    return visit.back("/contacts")


@pages.post("/contacts/choice/group", level="interact")
async def join(visit: Visit) -> Response:
    async with visit.tx() as tx:
        await _start(visit, tx, "join", visit.form.number("group"))
    return visit.back("/contacts")


@pages.post("/contacts/choice/leaving", level="interact")
async def leave(visit: Visit) -> Response:
    """Take them out of the group that is looked at."""
    async with visit.tx() as tx:
        await _start(visit, tx, "leave", visit.form.number("wanted.group"))
    return visit.back("/contacts")


@pages.post("/contacts/choice/removal", level="manage")
async def delete(visit: Visit) -> Response:
    async with visit.tx() as tx:
        done = await bulk.start(tx, "delete", **_meant(visit))
    if done.is_running:
        return visit.back("/contacts")
    said = visit.words.many(done.changed, "{count} contact deleted.", "{count} contacts deleted.")
    return visit.back("/contacts", said)


@pages.post("/contacts/actions/{id:int}/stop", level="interact")
async def stop(visit: Visit) -> Response:
    async with visit.tx() as tx:
        await bulk.stop(tx, visit.id())
    return visit.back("/contacts/actions")


@pages.post("/contacts/actions/{id:int}/undo", level="interact")
async def undo(visit: Visit) -> Response:
    async with visit.tx() as tx:
        await bulk.undo(tx, visit.id())
    return visit.back("/contacts/actions")


async def _start(visit: Visit, tx: Tx, kind: Kind, group: int | None) -> Action:
    if group is None:
        raise Invalid({"group": [visit.words("Choose a group.")]})
    return await bulk.start(tx, kind, group, **_meant(visit))


def _meant(visit: Visit) -> dict[str, Any]:
    """All whom the filters of the page leave, or the chosen ones."""
    form = visit.form
    if form.flag("all"):
        wanted = Filter(
            search=form.text("wanted.search", most=200) or None,
            group_id=form.number("wanted.group"),
            tag_id=form.number("wanted.tag"),
            query=form.text("wanted.query", most=10_000) or None,
        )
        return {"filter": wanted}
    chosen = form.numbers("id")
    if not 0 < len(chosen) <= MOST_CHOSEN:
        raise Invalid({"id": [visit.words("Choose at least one contact.")]})
    return {"chosen": chosen}
