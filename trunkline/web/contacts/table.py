"""Contacts: the table with its filters, and what is done to many at once."""

from collections.abc import AsyncIterator

from starlette.responses import Response, StreamingResponse

from trunkline.contacts import exports, fields, groups, listing, people, tags
from trunkline.contacts.listing import Filter
from trunkline.contacts.records import NewContact
from trunkline.core.errors import Invalid
from trunkline.web.sections import Section
from trunkline.web.visits import Visit

pages = Section("contacts")

SHOWN = 50
MOST_CHOSEN = 1_000


@pages.get("/contacts")
async def table(visit: Visit) -> Response:
    """The newest first. What a group or the search leaves is counted up to 10,000."""
    async with visit.tx() as tx:
        filter, problem = _filter(visit), ""
        try:
            rows = await listing.page(tx, filter, limit=SHOWN + 1, after=visit.after)
            total, capped = await listing.total(tx, filter)
        except Invalid as error:  # a query that cannot be read; everything else of the page stays
            rows, total, capped, problem = [], 0, False, error.message
        found = rows[:SHOWN]
        return visit.page(
            "contacts/table.html",
            block="found",
            contacts=found,
            total=total,
            capped=capped,
            problem=problem,
            filter=filter,
            next=visit.beyond(found[-1].created_at, found[-1].id) if len(rows) > SHOWN else "",
            groups=await groups.all(tx),
            tags=await tags.all(tx),
        )


@pages.get("/contacts/export", level="manage")
async def export(visit: Visit) -> Response:
    """What the filters leave, as CSV; the transaction stays open while a slow reader takes it."""

    async def rows() -> AsyncIterator[bytes]:
        async with visit.tx() as tx:
            async for chunk in exports.stream(tx, _filter(visit)):
                yield chunk

    headers = {
        "Cache-Control": "no-store",
        "Content-Disposition": f'attachment; filename="{exports.filename()}"',
        "X-Content-Type-Options": "nosniff",
    }
    return StreamingResponse(rows(), headers=headers, media_type="text/csv; charset=utf-8")


@pages.get("/contacts/new", level="create")
async def new(visit: Visit) -> Response:
    async with visit.tx() as tx:
        return visit.page("contacts/form.html", contact=None, fields=await fields.all(tx))


@pages.post("/contacts/new", level="create")
async def create(visit: Visit) -> Response:
    form = visit.form
    wanted = NewContact(
        name=form.text("name", most=255) or None,
        email=form.text("email", most=320) or None,
        phone=form.text("phone", most=64) or None,
        company=form.text("company", most=255) or None,
        language=form.text("language", most=10) or None,
        notes=form.text("notes", most=10_000) or None,
        source="dashboard",
    )
    if not (wanted.name or wanted.email or wanted.phone):
        raise Invalid({"name": [visit.words("Give a name, an email address or a phone number.")]})
    async with visit.tx() as tx:
        made = await people.create(tx, wanted)
    return visit.to(f"/contacts/{made.id}", visit.words("Saved."))


@pages.post("/contacts/choice/tags", level="interact")
async def tag_chosen(visit: Visit) -> Response:
    """Stick a tag on the chosen ones; a name that is new becomes a tag."""
    async with visit.tx() as tx:
        chosen = _chosen(visit)
        made = await tags.get_or_create(tx, [visit.form.text("tag", most=50)])
        number = await tags.add(tx, chosen, [one.id for one in made])
    return visit.back("/contacts", visit.words.many(number, "{count} contact tagged.", "{count} contacts tagged."))


@pages.post("/contacts/choice/group", level="interact")
async def group_chosen(visit: Visit) -> Response:
    async with visit.tx() as tx:
        group = visit.form.number("group")
        if group is None:
            raise Invalid({"group": [visit.words("Choose a group.")]})
        number = len(await groups.add(tx, group, _chosen(visit)))
    return visit.back("/contacts", visit.words.many(number, "{count} contact added.", "{count} contacts added."))


@pages.post("/contacts/choice/removal", level="manage")
async def delete_chosen(visit: Visit) -> Response:
    async with visit.tx() as tx:
        number = len(await people.delete(tx, _chosen(visit)))
    return visit.back("/contacts", visit.words.many(number, "{count} contact deleted.", "{count} contacts deleted."))


def _filter(visit: Visit) -> Filter:
    query = visit.query
    return Filter(
        search=query.text("search", most=200) or None,
        group_id=query.number("group"),
        tag_id=query.number("tag"),
        query=query.text("query", most=10_000) or None,
    )


def _chosen(visit: Visit) -> list[int]:
    chosen = visit.form.numbers("id")
    if not 0 < len(chosen) <= MOST_CHOSEN:
        raise Invalid({"id": [visit.words("Choose at least one contact.")]})
    return chosen
