"""Contacts."""

from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta, Struct

from trunkline.accounts import accounts, settings
from trunkline.accounts.accounts import Account
from trunkline.contacts import groups, notes, people, profiles, urns
from trunkline.contacts.groups import Group
from trunkline.contacts.people import Changes, NewContact
from trunkline.contacts.profiles import Filter, Profile
from trunkline.core.errors import Conflict, NotFound
from trunkline.core.urns import Urn
from trunkline.dialects.base import Answer, Call, Paged, Tx
from trunkline.dialects.rapidpro import languages, reading
from trunkline.dialects.rapidpro.contact_shapes import ContactOut, shapes
from trunkline.dialects.rapidpro.dialect import rapidpro
from trunkline.dialects.rapidpro.errors import Rejected, across
from trunkline.dialects.rapidpro.fields import Items, Text
from trunkline.dialects.rapidpro.reading import Body
from trunkline.dialects.rapidpro.references import Address, Groups, Many
from trunkline.dialects.rapidpro.values import Values
from trunkline.dialects.walking import Place, Walk
from trunkline.messaging import shelving

SOURCE = "rapidpro"

FORM = {
    "name": Text("The full name.", most=64, required=False, null=True),
    "language": languages.of_contact("The language that the contact prefers, an ISO 639-3 code."),
    "urns": Items("The addresses, the preferred one first.", Address("A URN."), required=False),
    "groups": Many("The groups kept by hand that the contact is in.", Groups(smart=False), required=False),
    "fields": Values("Values of custom fields by key; an empty one clears."),
    "note": Text("A note to add.", most=notes.LENGTH, blank=True, required=False),
}


class ContactQuery(Struct):
    uuid: Annotated[str | None, Meta(description="Only the contact with this UUID.")] = None
    urn: Annotated[str | None, Meta(description="Only the contact with this address.")] = None
    group: Annotated[str | None, Meta(description="Only members of the group with this UUID or name.")] = None
    deleted: Annotated[str | None, Meta(description="true: only contacts that were deleted.")] = None
    before: Annotated[str | None, Meta(description="Changed at this time or before.")] = None
    after: Annotated[str | None, Meta(description="Changed at this time or after.")] = None
    reverse: Annotated[str | None, Meta(description="true: the oldest change first.")] = None
    expand_urns: Annotated[str | None, Meta(description="true: addresses as objects with their channels.")] = None


class ContactLookup(Struct):
    uuid: Annotated[str | None, Meta(description="The contact that is meant, by UUID.")] = None
    urn: Annotated[str | None, Meta(description="The contact that is meant, by address.")] = None


class ContactToWrite(ContactLookup):
    expand_urns: Annotated[str | None, Meta(description="true: addresses as objects with their channels.")] = None


@rapidpro.get("/contacts.json")
async def list_contacts(tx: Tx, call: Call, walk: Walk, query: ContactQuery) -> Paged[ContactOut]:
    """List contacts, the last changed first. Blocked and stopped ones are among them."""
    after, before = reading.between(query.after, query.before)
    group = await _group(tx, query.group) if query.group else None
    filter = Filter(
        uuid=reading.uuid(query.uuid),
        urn=reading.urn(query.urn, await accounts.current(tx)) if query.urn else None,
        group_id=group.id if group else None,
        group_size=group.size if group else 0,
        deleted=reading.flag(query.deleted) or False,
        since=after,
        until=before,
    )
    if query.group and group is None:
        return Paged([])
    page = await walk.page(
        lambda span: profiles.page(tx, filter, after=span.after, limit=span.limit, oldest_first=span.oldest_first),
        _place,
        oldest_first=reading.flag(query.reverse) or False,
    )
    rows = await shapes(tx, call, page.rows, expand=reading.flag(query.expand_urns) or False)
    return Paged(rows, next=page.next, previous=page.previous)


@rapidpro.post("/contacts.json", fields=FORM, raises=(NotFound,), answers={201: ContactOut})
async def write_contact(tx: Tx, call: Call, body: Body, query: ContactToWrite) -> Answer[ContactOut]:
    """Create a contact, or change one: only what is sent changes.

    `urns` takes the place of all addresses, `groups` that of all groups kept by hand; `fields` are merged. A contact
    that is looked up by an address that nobody has is created with it.
    """
    by = reading.lookup(call, "uuid", "urn")
    account = await accounts.current(tx)
    urn = reading.urn(query.urn, account)
    profile = await _wanted(tx, reading.uuid(query.uuid), urn)
    if by == "uuid" and profile is None:
        raise NotFound("contact", query.uuid)
    given = await reading.read_for(tx, call, await reading.writing(tx), FORM, body)
    if profile is None:
        if urn is not None:
            _refuse_urns(given)
        id = await _create(tx, given, urn)
    else:
        id = await _change(tx, account, profile, given, by)
    if "note" in given:
        await notes.add(tx, id, given["note"], call.caller.user_id)
    [shape] = await shapes(tx, call, await profiles.get_many(tx, [id]), expand=reading.flag(query.expand_urns) or False)
    return Answer(shape, 201 if profile is None else 200)


@rapidpro.delete("/contacts.json", raises=(NotFound,))
async def delete_contact(tx: Tx, call: Call, query: ContactLookup) -> None:
    """Delete a contact and what was said with it. Its addresses become free."""
    reading.lookup(call, "uuid", "urn", required=True)
    urn = reading.urn(query.urn, await accounts.current(tx))
    profile = await _wanted(tx, reading.uuid(query.uuid), urn)
    if profile is None or not await people.delete(tx, [profile.id]):
        raise NotFound("contact", query.uuid or query.urn)
    shelving.delete_of(tx, [profile.id])


async def _group(tx: Tx, text: str) -> Group | None:
    """By UUID, or by its name to the letter."""
    if (uuid := reading.loose_uuid(text)) and (found := await groups.by_uuid(tx, [uuid])):
        return found[uuid]
    group = await groups.find(tx, text)
    return group if group and group.name == text else None


async def _wanted(tx: Tx, uuid: UUID | None, urn: Urn | None) -> Profile | None:
    if uuid is not None:
        return await profiles.find_any(tx, uuid)
    if urn is not None and (found := await urns.owners(tx, [urn])):
        return (await profiles.get_many(tx, [found[urn]]))[0]
    return None


async def _create(tx: Tx, given: dict[str, Any], urn: Urn | None) -> int:
    wanted = [urn] if urn else given.get("urns", [])
    _refuse_twins(wanted)
    new = NewContact(
        name=given.get("name"),
        language=given.get("language"),
        urns=wanted,
        fields=given.get("fields", {}),
        source=SOURCE,
    )
    try:
        contact = await people.create(tx, new)
    except Conflict:
        taken = await urns.owners(tx, wanted)
        places = {str(place): [IN_USE] for place, each in enumerate(wanted) if each in taken}
        raise Rejected({"urns": places or {"0": [IN_USE]}}) from None
    for group in given.get("groups", ()):
        await groups.add(tx, group.id, [contact.id])
    return contact.id


async def _change(tx: Tx, account: Account, profile: Profile, given: dict[str, Any], by: str | None) -> int:
    if profile.deleted_at is not None:
        raise across("Deleted contacts can't be modified.")
    if given.get("groups") and profile.status != "active":
        raise Rejected({"groups": ["Non-active contacts can't be added to groups"]})
    if "urns" in given:
        if by == "urn":
            _refuse_urns(given)
        if settings.value(account, "anon"):
            raise Rejected({"urns": ["Updating URNs not allowed for anonymous organizations"]})
        _refuse_twins(given["urns"])
    plain = {name: given[name] for name in ("name", "language", "fields") if name in given}
    if plain:
        await people.update(tx, profile.id, Changes(**plain))
    if "urns" in given:
        await urns.replace(tx, profile.id, given["urns"])
    if "groups" in given:
        await groups.replace(tx, profile.id, [group.id for group in given["groups"]])
    return profile.id


def _refuse_urns(given: dict[str, Any]) -> None:
    if "urns" in given:
        raise Rejected({"urns": ["Field not allowed when using URN in URL"]})


def _refuse_twins(wanted: list[Urn]) -> None:
    twins = {str(place): ["URN is not valid."] for place, urn in enumerate(wanted) if urn in wanted[:place]}
    if twins:
        raise Rejected({"urns": twins})


def _place(profile: Profile) -> Place:
    return profile.updated_at, profile.id


IN_USE = "URN is in use by another contact."
