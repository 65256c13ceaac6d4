"""Contacts: the table with its filters, its export, and new ones."""

from collections.abc import AsyncIterator

from starlette.responses import Response, StreamingResponse

from trunkline.contacts import bulk, exports, fields, groups, listing, people, tags
from trunkline.contacts.listing import Filter
from trunkline.contacts.records import NewContact
from trunkline.core.errors import Invalid
from trunkline.web.sections import Section
from trunkline.web.visits import Visit

pages = Section("contacts")

SHOWN = 50


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
        found, all_groups = rows[:SHOWN], await groups.all(tx)
        return visit.page(
            "contacts/table.html",
            block="found",
            contacts=found,
            total=total,
            capped=capped,
            problem=problem,
            filter=filter,
            next=visit.beyond(found[-1].created_at, found[-1].id) if len(rows) > SHOWN else "",
            groups=all_groups,
            by_hand=[group for group in all_groups if group.query is None],
            tags=await tags.all(tx),
            action=await bulk.latest(tx),
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


def _filter(visit: Visit) -> Filter:
    query = visit.query
    return Filter(
        search=query.text("search", most=200) or None,
        group_id=query.number("group"),
        tag_id=query.number("tag"),
        query=query.text("query", most=10_000) or None,
    )
