"""Contacts of the platform dialect, their import and export."""

from collections.abc import Sequence

from msgspec import UNSET

from trunkline.contacts import companies, exports, imports, people, tags
from trunkline.contacts.imports import Options
from trunkline.contacts.people import Changes, Contact, Filter, NewContact
from trunkline.dialects.base import Data, Invalid, NotFound, Page, Paged, Stream, Tx, Upload
from trunkline.dialects.platform import shapes
from trunkline.dialects.platform.dialect import platform
from trunkline.inbox import listing


@platform.get("/contacts", scope="contacts", level="view")
async def list_contacts(tx: Tx, page: Page, query: shapes.ContactQuery) -> Paged[shapes.ContactOut]:
    """List contacts.

    `sort_by` is first_name, last_name, email, company, lead_score, created_at (the default) or last_contacted_at,
    `sort_dir` asc or desc (the default). `status` is active, inactive or unsubscribed.
    """
    filter = Filter(
        search=query.search,
        status=_stored(query.status) if query.status else None,
        tag_id=query.tag_id,
        country=query.country or None,
        min_score=query.min_score,
        max_score=query.max_score,
    )
    sort = query.sort_by if query.sort_by in SORTS else "created_at"
    direction = "asc" if query.sort_dir.lower() == "asc" else "desc"
    rows, total, capped = await people.page_and_total(tx, filter, sort, direction, page.per_page, page.offset)
    return Paged([shapes.contact(row) for row in rows], total, capped=capped)


@platform.post("/contacts", scope="contacts", level="create", status=201)
async def create_contact(tx: Tx, body: shapes.ContactIn) -> Data[shapes.ContactOut]:
    """Create a contact. Nobody else may have its email address or phone number.

    A `company` is found by its name, or made. A `phone` that can be dialled is stored in E.164, anything else as it
    is written.
    """
    await _check_tags(tx, body.tag_ids or ())
    new = NewContact(
        first_name=body.first_name,
        last_name=body.last_name,
        email=body.email,
        phone=body.phone,
        company=body.company,
        title=body.job_title,
        city=body.city,
        country=body.country,
        timezone=body.timezone,
        lead_score=body.lead_score or 0,
        fields=body.custom_fields or {},
        source="api",
    )
    contact = await people.create(tx, new, loose_phone=True)
    _require_name(contact)
    if await tags.add(tx, [contact.id], body.tag_ids or ()):
        contact = await people.get(tx, contact.id)
    return Data(shapes.contact(contact))


# Before /contacts/{id} in the table and in the documents.
@platform.post("/contacts/import", scope="contacts", level="create", bucket="import_export", seconds=60)
async def import_contacts(tx: Tx, file: Upload) -> Data[shapes.Imported]:
    """Import contacts from a CSV, XLSX or XLS file of at most 10 MB.

    The first row names the columns: first_name, last_name, email, phone, company, job_title, city, country, timezone,
    lead_score; others are ignored. A row updates the contact with its email, or makes a new one. Blank cells change
    nothing. A row with a wrong number of cells or without a valid email is skipped and explained.
    """
    return Data(shapes.imported(await imports.run(tx, file.file, Options(loose_phones=True))))


# A reader with a slow line gets the time to take it all.
@platform.get("/contacts/export", scope="contacts", level="view", bucket="import_export", seconds=300)
async def export_contacts(tx: Tx) -> Stream:
    """Export all contacts as CSV, the newest first.

    Cells that a spreadsheet would take for formulas begin with a quote; phone numbers are left as they are.
    """
    chunks = exports.stream(tx, statuses={**shapes.STATUSES})
    return Stream("text/csv; charset=utf-8", chunks, exports.filename())


@platform.get("/contacts/{id}", scope="contacts", level="view")
async def show_contact(tx: Tx, id: int) -> Data[shapes.ContactOut]:
    """Get a contact, with the numbers of its conversations and deals."""
    contact = shapes.contact(await people.get(tx, id))
    contact.conversations_count, _ = await listing.total(tx, listing.Filter(contact_id=id))
    contact.deals_count = (await companies.deals_of(tx, [id]))[id]
    return Data(contact)


@platform.put("/contacts/{id}", scope="contacts", level="interact", also=("PATCH",))
async def update_contact(tx: Tx, id: int, body: shapes.ContactChanges) -> Data[shapes.ContactOut]:
    """Update a contact.

    What is left out stays. `tag_ids` replaces all tags; a null in `custom_fields` removes that field. An
    `unsubscribed` contact is left out of campaigns.
    """
    tag_ids = None if body.tag_ids is UNSET else body.tag_ids
    await _check_tags(tx, tag_ids or ())
    changes = Changes(
        first_name=body.first_name,
        last_name=body.last_name,
        email=body.email,
        phone=body.phone,
        company=body.company,
        title=body.job_title,
        city=body.city,
        country=body.country,
        timezone=body.timezone,
        lead_score=body.lead_score,
        fields=body.custom_fields,
    )
    if body.status is not UNSET and shapes.STATUSES[(await people.get(tx, id)).status] != body.status:
        changes.status = _stored(body.status)[0]  # who is blocked stays so when "inactive" is written back
    contact = await people.update(tx, id, changes, loose_phone=True)
    if body.first_name is not UNSET:
        _require_name(contact)
    if tag_ids is not None:
        await tags.replace(tx, [id], tag_ids)
        contact = await people.get(tx, id)
    return Data(shapes.contact(contact))


@platform.delete("/contacts/{id}", scope="contacts", level="manage", status=204)
async def delete_contact(tx: Tx, id: int) -> None:
    """Delete a contact. Its conversations stay."""
    if not await people.delete(tx, [id]):
        raise NotFound("contact", id)


def _stored(status: str) -> tuple[shapes.Stored, ...]:
    """What is stored of contacts that are told to be `status`; nothing for a word that we do not know."""
    return tuple(stored for stored, told in shapes.STATUSES.items() if told == status)


def _require_name(contact: Contact) -> None:
    """Spaces alone are no name; what has been written is rolled back."""
    if not contact.first_name:
        raise Invalid({"first_name": ["The first name field is required."]})


async def _check_tags(tx: Tx, ids: Sequence[int]) -> None:
    known = await tags.known(tx, ids) if ids else set()
    unknown = {
        f"tag_ids.{at}": [f"The selected tag_ids.{at} is invalid."] for at, id in enumerate(ids) if id not in known
    }
    if unknown:
        raise Invalid(unknown)


SORTS = ("first_name", "last_name", "email", "company", "lead_score", "created_at", "last_contacted_at")
