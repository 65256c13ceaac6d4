"""Globals: values of the workspace that flows use."""

from typing import Annotated

from msgspec import Meta, Struct

from trunkline.core.errors import Invalid, NotFound
from trunkline.dialects.base import Answer, Call, Paged, Tx
from trunkline.dialects.rapidpro import lists, reading
from trunkline.dialects.rapidpro.dialect import rapidpro
from trunkline.dialects.rapidpro.errors import Rejected, across
from trunkline.dialects.rapidpro.fields import Text
from trunkline.dialects.rapidpro.reading import Body
from trunkline.dialects.rapidpro.uniqueness import unique
from trunkline.dialects.rapidpro.wire import Moment, moment
from trunkline.dialects.walking import Place, Walk
from trunkline.flows import globals as values
from trunkline.flows.globals import Global

VALUE = Text("The value.", most=values.VALUE_LENGTH)
FORM = {"name": Text("The name of a new global.", most=values.NAME_LENGTH, required=False), "value": VALUE}
UPDATE = {"value": VALUE}


class GlobalOut(Struct, frozen=True):
    key: str
    name: str
    value: str
    modified_on: Moment


class GlobalQuery(Struct):
    key: Annotated[str | None, Meta(description="Only the global with this key.")] = None
    before: Annotated[str | None, Meta(description="Changed at this time or before.")] = None
    after: Annotated[str | None, Meta(description="Changed at this time or after.")] = None
    reverse: Annotated[str | None, Meta(description="true: the oldest change first.")] = None


class GlobalLookup(Struct):
    key: Annotated[str | None, Meta(description="The global to change; without it a new one is made.")] = None


@rapidpro.get("/globals.json")
async def list_globals(tx: Tx, walk: Walk, query: GlobalQuery) -> Paged[GlobalOut]:
    """List the globals of your workspace, the last changed first."""
    found = await values.get_many(tx, [query.key]) if query.key else await values.all_of(tx)
    after, before = reading.between(query.after, query.before)
    kept = [
        each
        for each in found
        if (after is None or each.modified_at >= after) and (before is None or each.modified_at <= before)
    ]
    page = await walk.page(lists.walked(kept, _place), _place, oldest_first=reading.flag(query.reverse) or False)
    return Paged([_shape(each) for each in page.rows], next=page.next, previous=page.previous)


@rapidpro.post("/globals.json", fields=FORM, raises=(NotFound,), answers={201: GlobalOut})
async def write_global(tx: Tx, call: Call, body: Body, query: GlobalLookup) -> GlobalOut | Answer:
    """Create a global, or give one another value. Its key is made from its name and never changes."""
    if reading.lookup(call, "key") is not None:
        if not query.key or not await values.get_many(tx, [query.key]):
            raise NotFound("global", query.key)
        given = await reading.read(tx, call, UPDATE, body)
        return _shape(await values.update(tx, query.key, given["value"]))
    reading.refuse_full(len(await values.all_of(tx)), values.MOST)
    given = await reading.read(tx, call, FORM, body)
    if "name" not in given:
        raise across("Name is required when creating new global.")
    try:
        return Answer(_shape(await unique(values.create(tx, given["name"], given["value"]))), 201)
    except Invalid as error:
        raise Rejected(dict(error.fields)) from None


def _shape(value: Global) -> GlobalOut:
    return GlobalOut(value.key, value.name, value.value, moment(value.modified_at))


def _place(value: Global) -> Place:
    return value.modified_at, value.id
