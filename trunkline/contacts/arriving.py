"""Arriving: contacts as integrations bring them along, who are often there already."""

from collections.abc import Sequence

import msgspec

from trunkline.contacts import groups, people, tags, urns
from trunkline.contacts.records import Contact, NewContact
from trunkline.core.db import Tx
from trunkline.core.errors import Conflict, NotFound
from trunkline.core.urns import Urn


async def create_or_get(
    tx: Tx, new: NewContact, *, lists: Sequence[int] = (), tagged: Sequence[str] = ()
) -> tuple[Contact, bool]:
    """A new contact on these lists and with these tags; or, as it is, the one who has this phone already.

    The email tells who it is only where no phone is given. Returns the contact and whether it is new. Raises
    `NotFound("group")` before anything is made, and `Conflict` when another address is somebody else's.
    """
    known = await groups.get_many(tx, lists)
    if len(known) < len(set(lists)):
        raise NotFound("group")
    try:
        contact = await people.create(tx, new)
    except Conflict as conflict:
        owner = _owner(conflict, "phone" if (new.phone or "").strip() else "email")
        if owner is None:
            raise
        return await people.get(tx, owner), False
    for group in known:
        await groups.add(tx, group.id, [contact.id])
    if tagged:
        await tags.add(tx, [contact.id], [tag.id for tag in await tags.get_or_create(tx, tagged)])
    return await people.get(tx, contact.id) if tagged else contact, True


async def meet(tx: Tx, urn: Urn, new: NewContact) -> tuple[int, bool]:
    """The contact who has this address, else a new one of that name; and whether it is new.

    Whoever writes from an unknown address may claim any email and phone: those that somebody has are left out.
    """
    if owner := (await urns.owners(tx, [urn])).get(urn):
        return owner, False
    while True:
        try:
            return (await people.create(tx, msgspec.structs.replace(new, urns=[urn]))).id, True
        except Conflict as conflict:
            if owner := _owner(conflict, "urns"):
                return owner, False
            new = msgspec.structs.replace(new, **dict.fromkeys(_taken(conflict)))


def _taken(conflict: Conflict) -> dict[str, int]:
    """Whose the addresses are that are in the way, by the field in which they were given."""
    taken = conflict.details.get("owners")
    if not isinstance(taken, dict):
        raise conflict
    return taken


def _owner(conflict: Conflict, field: str) -> int | None:
    return _taken(conflict).get(field)
