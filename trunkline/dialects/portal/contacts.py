"""Contacts and groups of the portal dialect."""

from msgspec import UNSET

from trunkline.contacts import groups, people, tags
from trunkline.contacts.people import Changes, Contact, Filter, NewContact
from trunkline.dialects.base import Answer, Conflict, Data, Invalid, NotFound, Page, Paged, Tx
from trunkline.dialects.portal import shapes
from trunkline.dialects.portal.dialect import portal


@portal.get("/contacts", scope="read")
async def list_contacts(tx: Tx, page: Page, query: shapes.ContactQuery) -> Paged[shapes.ContactOut]:
    """List contacts, the newest first.

    `search` finds parts of name, email and phone; `tag` is the name of a tag.
    """
    filter = Filter(search=query.search, tag=query.tag or None)
    rows = await people.page(tx, filter, limit=page.per_page, offset=page.offset)
    total, capped = await people.total(tx, filter)
    return Paged([shapes.contact(row) for row in rows], total, capped=capped)


@portal.get("/contacts/{id}", scope="read")
async def get_contact(tx: Tx, id: int) -> Data[shapes.ContactOut]:
    """Get a contact."""
    return Data(shapes.contact(await people.get(tx, id)))


@portal.post("/contacts", scope="write", status=201, raises=(Conflict,), answers={200: Data[shapes.ContactOut]})
async def create_contact(tx: Tx, body: shapes.ContactIn, *, upsert: bool = False) -> Answer[Data[shapes.ContactOut]]:
    """Create a contact. At least one of phone and email is needed.

    `first_name` and `last_name` are also accepted and joined into the name. When somebody has this phone or email
    already, the answer is 409 with their id; with `?upsert=true` they are updated instead (200).
    """
    if not (body.phone or "").strip() and not (body.email or "").strip():
        raise Invalid({"phone": [NEEDS_ONE], "email": [NEEDS_ONE]})
    try:
        contact = await people.create(tx, _new(body))
    except Conflict as conflict:
        existing = conflict.details.get("contact_id")
        if not upsert or not isinstance(existing, int):
            raise
        contact = await _change(tx, existing, _given(body), body.tags)
        return Answer(Data(shapes.contact(contact)), status=200)
    if body.tags:
        await _tag(tx, contact.id, body.tags)
        contact = await people.get(tx, contact.id)
    return Answer(Data(shapes.contact(contact)))


@portal.put("/contacts/{id}", also=("PATCH",), scope="write", raises=(Conflict,))
async def update_contact(tx: Tx, id: int, body: shapes.ContactChanges) -> Data[shapes.ContactOut]:
    """Update a contact. At least one of phone or email must remain set.

    What is left out stays. `tags` replaces all tags, `metadata` its given keys; a null there deletes the key.
    """
    contact = await _change(tx, id, body, None if body.tags is UNSET else body.tags)
    unreachable = not contact.phone and not contact.email
    if unreachable and (body.phone is not UNSET or body.email is not UNSET):
        raise Invalid({"phone": ["At least one of phone or email must remain set."]})
    return Data(shapes.contact(contact))


@portal.delete("/contacts/{id}", scope="write", status=204)
async def delete_contact(tx: Tx, id: int) -> None:
    """Delete a contact."""
    if not await people.delete(tx, [id]):
        raise NotFound("contact", id)


@portal.get("/groups", scope="read")
async def list_groups(tx: Tx) -> Data[list[shapes.GroupOut]]:
    """List groups, whose ids serve as audiences of campaigns."""
    return Data([shapes.group(row) for row in await groups.all(tx)])


def _new(body: shapes.ContactIn) -> NewContact:
    metadata = {key: value for key, value in (body.metadata or {}).items() if value is not None}
    return NewContact(
        name=body.name,
        first_name=body.first_name,
        last_name=body.last_name,
        email=body.email,
        phone=body.phone,
        metadata=metadata,
        source="api",
    )


def _given(body: shapes.ContactIn) -> shapes.ContactChanges:
    """For an upsert, what is null or missing stays as it is."""
    given = {name: value for name in shapes.ContactChanges.__struct_fields__ if (value := getattr(body, name))}
    return shapes.ContactChanges(**given)


async def _change(tx: Tx, id: int, body: shapes.ContactChanges, tagged: list[str] | None) -> Contact:
    changes = Changes(
        name=body.name,
        first_name=body.first_name,
        last_name=body.last_name,
        email=body.email,
        phone=body.phone,
        metadata=body.metadata,
    )
    contact = await people.update(tx, id, changes)
    if tagged is None:
        return contact
    await _tag(tx, id, tagged)
    return await people.get(tx, id)


async def _tag(tx: Tx, id: int, names: list[str]) -> None:
    wanted = await tags.get_or_create(tx, names)
    await tags.replace(tx, [id], [tag.id for tag in wanted])


NEEDS_ONE = "At least one of phone or email is required."
