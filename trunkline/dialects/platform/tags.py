"""Tags of the platform dialect."""

from msgspec import UNSET

from trunkline.contacts import tags
from trunkline.dialects.base import Data, Tx
from trunkline.dialects.platform import shapes
from trunkline.dialects.platform.dialect import platform


@platform.get("/tags", scope="tags", level="view")
async def list_tags(tx: Tx) -> Data[list[shapes.TagOut]]:
    """List all tags by name, with the number of contacts that wear them."""
    return Data([shapes.tag(row) for row in await tags.all(tx)])


@platform.post("/tags", scope="tags", level="create", status=201)
async def create_tag(tx: Tx, body: shapes.TagIn) -> Data[shapes.TagOut]:
    """Create a tag. Its name must be new."""
    return Data(shapes.tag(await tags.create(tx, body.name, color=body.color)))


@platform.get("/tags/{id}", scope="tags", level="view")
async def show_tag(tx: Tx, id: int) -> Data[shapes.TagOut]:
    """Get a tag."""
    return Data(shapes.tag(await tags.get(tx, id)))


@platform.put("/tags/{id}", scope="tags", level="interact", also=("PATCH",))
async def update_tag(tx: Tx, id: int, body: shapes.TagChanges) -> Data[shapes.TagOut]:
    """Rename a tag, or give it another color."""
    await tags.get(tx, id)  # tags of conversations are not this API's
    name = None if body.name is UNSET else body.name
    color = None if body.color is UNSET else body.color
    return Data(shapes.tag(await tags.update(tx, id, name=name, color=color)))


@platform.delete("/tags/{id}", scope="tags", level="manage", status=204)
async def delete_tag(tx: Tx, id: int) -> None:
    """Delete a tag. The contacts that wore it stay."""
    await tags.delete(tx, id)
