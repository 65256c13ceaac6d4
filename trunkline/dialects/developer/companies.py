"""Companies of the developer dialect."""

from datetime import datetime

from trunkline.contacts import cards
from trunkline.dialects.base import Call, Cursor, Paged, Stream, Tx, json_array
from trunkline.dialects.developer import shapes, walks
from trunkline.dialects.developer.dialect import developer


@developer.get("/companies", seconds=300)
async def list_companies(tx: Tx, call: Call, cursor: Cursor) -> Paged[shapes.CompanyOut] | Stream:
    """List all companies, the newest first."""
    if cursor.limit is None:
        return Stream("application/json", json_array(shapes.company(card) async for card in cards.all_companies(tx)))
    after = walks.behind(call, "companies", cursor, tuple[datetime, int])
    found = await cards.companies(tx, after=after, limit=cursor.limit)
    last = (found[-1].created_at, found[-1].id) if found else ()
    return Paged(
        [shapes.company(card) for card in found],
        await cards.companies_total(tx),
        next=walks.further(call, "companies", cursor, found, last),
    )
