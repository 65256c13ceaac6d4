"""Groups of contacts."""

from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from trunkline.campaigns import uses
from trunkline.contacts import groups, standard
from trunkline.contacts.groups import Group
from trunkline.core.errors import NotFound
from trunkline.dialects.base import Answer, Call, Paged, Tx
from trunkline.dialects.rapidpro import lists, reading
from trunkline.dialects.rapidpro.dialect import rapidpro
from trunkline.dialects.rapidpro.errors import BadAsk, SystemObject
from trunkline.dialects.rapidpro.fields import Text, name_rules
from trunkline.dialects.rapidpro.reading import Body
from trunkline.dialects.rapidpro.uniqueness import unique
from trunkline.dialects.walking import Place, Walk

MOST = 250
NAME = 64

FORM = {"name": Text("The name of the group.", most=NAME, rules=name_rules(NAME))}


class GroupOut(Struct, frozen=True):
    uuid: UUID
    name: str
    query: str | None
    status: str
    system: bool
    count: int


class GroupQuery(Struct):
    uuid: Annotated[str | None, Meta(description="Only the group with this UUID.")] = None
    name: Annotated[str | None, Meta(description="Only the group with this name.")] = None


class GroupLookup(Struct):
    uuid: Annotated[str | None, Meta(description="The group to change; without it a new one is made.")] = None


@rapidpro.get("/groups.json")
async def list_groups(tx: Tx, call: Call, walk: Walk, query: GroupQuery) -> Paged[GroupOut]:
    """List the contact groups of your workspace. Groups with a query fill themselves."""
    reading.exclusive(call, "uuid", "name")
    await standard.ensure(tx)
    found = await _asked(tx, query)
    page = await walk.page(lists.walked([each for each in found if each.status != "initializing"], _place), _place)
    return Paged([_shape(each) for each in page.rows], next=page.next, previous=page.previous)


@rapidpro.post("/groups.json", fields=FORM, raises=(NotFound,), answers={201: GroupOut})
async def write_group(tx: Tx, call: Call, body: Body, query: GroupLookup) -> GroupOut | Answer:
    """Create a group that is kept by hand, or rename one."""
    uuid = reading.uuid_lookup(call)
    if uuid is None:
        reading.refuse_full(sum(not each.system for each in await groups.all(tx)), MOST)
        name = (await reading.read(tx, call, FORM, body))["name"]
        return Answer(_shape(await unique(groups.create(tx, name))), 201)
    group = await _found(tx, uuid)
    if group.system:
        raise SystemObject("modify")
    name = (await reading.read(tx, call, FORM, body))["name"]
    return _shape(await unique(groups.rename(tx, group.id, name)))


@rapidpro.delete("/groups.json", raises=(NotFound,))
async def delete_group(tx: Tx, call: Call, query: GroupLookup) -> None:
    """Delete a group. Its contacts stay."""
    uuid = reading.uuid_lookup(call, required=True)
    group = await _found(tx, uuid)
    if group.system:
        raise SystemObject("delete")
    for user in await uses.of_group(tx, group.id):
        raise BadAsk(f"Group is being used by {user} which must be archived first.")
    await groups.delete(tx, group.id)


async def _asked(tx: Tx, query: GroupQuery) -> list[Group]:
    if (uuid := reading.uuid(query.uuid)) is not None:
        return list((await groups.by_uuid(tx, [uuid])).values())
    if query.name:
        return list((await groups.by_names(tx, [query.name])).values())
    return await groups.all(tx)


async def _found(tx: Tx, uuid: UUID | None) -> Group:
    found = await groups.by_uuid(tx, [uuid] if uuid else [])
    for group in found.values():
        return group
    raise NotFound("group", uuid)


def _shape(group: Group) -> GroupOut:
    return GroupOut(group.uuid, group.name, group.query, group.status, group.system, group.size)


def _place(group: Group) -> Place:
    return group.created_at, group.id
