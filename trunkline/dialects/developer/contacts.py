"""Contacts of the developer dialect."""

from datetime import datetime

from trunkline.contacts import cards, listing
from trunkline.dialects.base import Call, Cursor, Paged, Stream, Tx, json_array
from trunkline.dialects.developer import shapes, walks
from trunkline.dialects.developer.dialect import developer


@developer.get("/contacts", seconds=300)
async def list_contacts(
    tx: Tx, call: Call, cursor: Cursor, *, companyId: str | None = None
) -> Paged[shapes.ContactOut] | Stream:
    """List all contacts, the newest first, or those of one company."""
    company = await walks.company(tx, companyId)
    if cursor.limit is None:
        everybody = cards.all_contacts(tx, company)
        return Stream("application/json", json_array(shapes.contact(card) async for card in everybody))
    after = walks.behind(call, "contacts", cursor, tuple[datetime, int])
    found = await cards.contacts(tx, company, after=after, limit=cursor.limit)
    last = (found[-1].created_at, found[-1].id) if found else ()
    total, capped = await listing.total(tx, listing.Filter(company_id=company))
    return Paged(
        [shapes.contact(card) for card in found],
        None if capped else total,
        next=walks.further(call, "contacts", cursor, found, last),
    )
