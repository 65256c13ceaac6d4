"""Importing contacts: choose a file, say what its columns are, check, import, watch."""

from starlette.responses import Response

from trunkline.contacts import columns, fields, groups, importing, imports, tags
from trunkline.contacts.importing import Import
from trunkline.contacts.imports import COLUMNS, Options
from trunkline.core.errors import Invalid
from trunkline.web.sections import Section
from trunkline.web.visits import Visit

pages = Section("contacts")

# In the order of a form, with the words of a reader.
KINDS = [
    ("", "Leave out"),
    ("name", "Full name"),
    ("first_name", "First name"),
    ("last_name", "Last name"),
    ("email", "Email"),
    ("phone", "Phone"),
    ("company", "Company"),
    ("job_title", "Job title"),
    ("city", "City"),
    ("country", "Country"),
    ("timezone", "Time zone"),
    ("lead_score", "Lead score"),
]


@pages.get("/contacts/import", level="manage")
async def choose(visit: Visit) -> Response:
    return visit.page("contacts/import.html")


@pages.post("/contacts/import", level="manage")
async def keep(visit: Visit) -> Response:
    file = visit.form.file("file")
    if file is None:
        raise Invalid({"file": [visit.words("Choose a file.")]})
    if (file.size or 0) > importing.MOST_BYTES:
        raise Invalid({"file": [visit.words("At most 50 MB.")]})
    media = visit.site.database.tools.media
    key, header, sample = await importing.keep(media, visit.visitor.account_id, file.file, file.filename or "")
    async with visit.tx() as tx:
        made = await importing.create(tx, key, file.filename or "contacts", header, sample)
    return visit.to(f"/contacts/import/{made.id}")


@pages.get("/contacts/import/{id:int}", level="manage")
async def show(visit: Visit) -> Response:
    async with visit.tx() as tx:
        found = await importing.get(tx, visit.id())
        return visit.page(
            "contacts/importing.html",
            block="progress",
            found=found,
            chosen=_chosen(visit, found),
            kinds=KINDS,
            own=[(f"{columns.PREFIX}{field.key}", field.label) for field in await fields.all(tx)],
            pairs=[(group.id, group.name) for group in await groups.all(tx) if group.query is None],
            most_errors=imports.MOST_ERRORS,
        )


@pages.post("/contacts/import/{id:int}", level="manage")
async def start(visit: Visit) -> Response:
    """Check it, or import it."""
    form = visit.form
    async with visit.tx() as tx:
        found = await importing.get(tx, visit.id())
        tagged = await tags.get_or_create(tx, [form.text("tag", most=50)]) if form.text("tag") else []
        group = form.number("group")
        options = Options(
            identify_by=("email",)
            if form.text("by") == "email"
            else ("phone",)
            if form.text("by") == "phone"
            else BOTH,
            country=form.text("country", most=2).upper() or None,
            groups=(group,) if group else (),
            tags=tuple(one.id for one in tagged),
            columns=tuple(_chosen(visit, found)),
        )
        await importing.start(tx, found.id, options, check=form.flag("check"))
    return visit.to(f"/contacts/import/{visit.id()}")


def _chosen(visit: Visit, found: Import) -> list[str]:
    """What each column is: as it stands in the form, else as it was."""
    form = visit.typed or (visit.form if visit.request.method == "POST" else None)
    if form is None:
        return found.columns
    said = [form.text(f"column.{at}") for at in range(len(found.header))]
    return [one if one in COLUMNS or one.startswith(columns.PREFIX) else "" for one in said]


BOTH = ("email", "phone")
