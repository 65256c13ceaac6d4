"""Lists and tags of the connector dialect."""

from trunkline.contacts import groups, people, tags
from trunkline.dialects.base import Call, Conflict, Invalid, NotFound, Tx
from trunkline.dialects.connector import shapes
from trunkline.dialects.connector.contacts import who
from trunkline.dialects.connector.dialect import ListId, connector, place


@connector.get("/lists")
async def lists(tx: Tx, call: Call) -> shapes.ListsOut:
    """List the contact lists of the account with their ids."""
    return shapes.ListsOut([shapes.list_(call.vault, row) for row in await groups.all(tx)])


@connector.post("/lists/{listId}/contacts", noun="list", raises=(Conflict,))
async def add_to_list(tx: Tx, call: Call, listId: ListId, body: shapes.OnListIn) -> shapes.Done:
    """Add a contact to a list. Whoever is on it already stays on it."""
    return await _add(tx, listId, place(call.vault, "contact", body.contactId))


@connector.post("/contacts/lists", raises=(NotFound, Conflict))
async def add_to_list_by_id(tx: Tx, call: Call, body: shapes.OnOneListIn) -> shapes.Done:
    """Add a contact to a list, with both ids in the body."""
    return await _add(tx, place(call.vault, "list", body.listId), place(call.vault, "contact", body.contactId))


@connector.get("/tags")
async def list_tags(tx: Tx) -> list[shapes.TagOut]:
    """List the tags of the account."""
    return [shapes.tag(tag) for tag in await tags.all(tx)]


@connector.post("/tags", raises=(NotFound,))
async def tag_contact(tx: Tx, body: shapes.TagIn, query: shapes.TagQuery) -> shapes.Done:
    """Tag a contact, named by phone number or email. A tag that does not exist is made.

    All three may stand in the body or in the query.
    """
    name = (body.tag or query.tag).strip()
    if not name:
        raise Invalid({"tag": ["The tag field is required."]})
    contact = await who(tx, body.phoneNumber or query.phoneNumber, body.email or query.email)
    worn = await tags.get_or_create(tx, [name])
    await tags.add(tx, [contact.id], [tag.id for tag in worn])
    return shapes.Done(f"Tag {name} successfully added to the contact")


async def _add(tx: Tx, list_id: int, contact_id: int) -> shapes.Done:
    group, contact = await groups.get(tx, list_id), await people.get(tx, contact_id)
    await groups.add(tx, group.id, [contact.id])
    return shapes.Done(f"Contact successfully added to list {group.name}")
