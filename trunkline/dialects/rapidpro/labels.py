"""Labels of messages."""

from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from trunkline.core.errors import NotFound
from trunkline.dialects.base import Answer, Call, Paged, Tx
from trunkline.dialects.rapidpro import lists, reading
from trunkline.dialects.rapidpro.dialect import rapidpro
from trunkline.dialects.rapidpro.fields import Text, name_rules
from trunkline.dialects.rapidpro.reading import Body
from trunkline.dialects.rapidpro.uniqueness import unique
from trunkline.dialects.walking import Place, Walk
from trunkline.messaging import labels
from trunkline.messaging.labels import Label

MOST = 250
NAME = 64

FORM = {"name": Text("The name of the label.", most=NAME, rules=name_rules(NAME))}


class LabelOut(Struct, frozen=True):
    """`count` is the number of messages with the label."""

    uuid: UUID
    name: str
    count: int


class LabelQuery(Struct):
    uuid: Annotated[str | None, Meta(description="Only the label with this UUID.")] = None
    name: Annotated[str | None, Meta(description="Only the label with this name.")] = None


class LabelLookup(Struct):
    uuid: Annotated[str | None, Meta(description="The label to change; without it a new one is made.")] = None


@rapidpro.get("/labels.json")
async def list_labels(tx: Tx, call: Call, walk: Walk, query: LabelQuery) -> Paged[LabelOut]:
    """List the message labels of your workspace."""
    reading.exclusive(call, "uuid", "name")
    page = await walk.page(lists.walked(await _asked(tx, query), _place), _place)
    return Paged([_shape(each) for each in page.rows], next=page.next, previous=page.previous)


@rapidpro.post("/labels.json", fields=FORM, raises=(NotFound,), answers={201: LabelOut})
async def write_label(tx: Tx, call: Call, body: Body, query: LabelLookup) -> LabelOut | Answer:
    """Create a label, or rename one."""
    uuid = reading.uuid_lookup(call)
    if uuid is None:
        reading.refuse_full(len(await labels.all_of(tx)), MOST)
        name = (await reading.read(tx, call, FORM, body))["name"]
        return Answer(_shape(await unique(labels.create(tx, name))), 201)
    label = await _found(tx, uuid)
    name = (await reading.read(tx, call, FORM, body))["name"]
    return _shape(await unique(labels.rename(tx, label.id, name)))


@rapidpro.delete("/labels.json", raises=(NotFound,))
async def delete_label(tx: Tx, call: Call, query: LabelLookup) -> None:
    """Delete a label. The messages stay."""
    label = await _found(tx, reading.uuid_lookup(call, required=True))
    await labels.delete(tx, label.id)


async def _asked(tx: Tx, query: LabelQuery) -> list[Label]:
    if (uuid := reading.uuid(query.uuid)) is not None:
        return list((await labels.by_uuid(tx, [uuid])).values())
    if query.name:
        label = await labels.find(tx, query.name)
        return [label] if label else []
    return await labels.all_of(tx)


async def _found(tx: Tx, uuid: UUID | None) -> Label:
    for label in (await labels.by_uuid(tx, [uuid] if uuid else [])).values():
        return label
    raise NotFound("label", uuid)


def _shape(label: Label) -> LabelOut:
    return LabelOut(label.uuid, label.name, label.size)


def _place(label: Label) -> Place:
    return label.created_at, label.id
