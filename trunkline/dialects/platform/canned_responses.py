"""Canned responses of the platform dialect."""

from msgspec import UNSET

from trunkline.dialects.base import MEBIBYTE, Data, Tx
from trunkline.dialects.platform import shapes
from trunkline.dialects.platform.dialect import platform
from trunkline.inbox import canned

# Room for a text that is too long, so that its field can be named.
MOST = 4 * MEBIBYTE


@platform.get("/canned-responses", scope="canned-responses", level="view")
async def list_canned_responses(tx: Tx, *, search: str | None = None) -> Data[list[shapes.CannedOut]]:
    """List canned responses by title. `search` looks into title, shortcut and body."""
    return Data([shapes.canned(row) for row in await canned.all_of(tx, search)])


@platform.post("/canned-responses", scope="canned-responses", level="create", status=201, body_limit=MOST)
async def create_canned_response(tx: Tx, body: shapes.CannedIn) -> Data[shapes.CannedOut]:
    """Create a canned response. A shortcut begins with a slash and must be new."""
    return Data(shapes.canned(await canned.create(tx, body.title, body.body, body.shortcut)))


@platform.get("/canned-responses/{id}", scope="canned-responses", level="view")
async def show_canned_response(tx: Tx, id: int) -> Data[shapes.CannedOut]:
    """Get a canned response."""
    return Data(shapes.canned(await canned.get(tx, id)))


@platform.put("/canned-responses/{id}", scope="canned-responses", level="interact", also=("PATCH",), body_limit=MOST)
async def update_canned_response(tx: Tx, id: int, body: shapes.CannedChanges) -> Data[shapes.CannedOut]:
    """Update a canned response. What is left out stays."""
    before = await canned.get(tx, id)
    title = before.title if body.title is UNSET else body.title
    text = before.body if body.body is UNSET else body.body
    shortcut = before.shortcut if body.shortcut is UNSET else body.shortcut
    return Data(shapes.canned(await canned.update(tx, id, title, text, shortcut)))


@platform.delete("/canned-responses/{id}", scope="canned-responses", level="manage", status=204)
async def delete_canned_response(tx: Tx, id: int) -> None:
    """Delete a canned response."""
    await canned.delete(tx, id)
