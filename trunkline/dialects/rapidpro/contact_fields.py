"""Custom fields of contacts."""

import re
from typing import Annotated, Any

from msgspec import Meta, Struct

from trunkline.campaigns import uses
from trunkline.campaigns.uses import Uses
from trunkline.contacts import fields, names
from trunkline.contacts.fields import Field
from trunkline.core.errors import NotFound
from trunkline.dialects.base import Answer, Call, Paged, Tx
from trunkline.dialects.rapidpro import lists, reading
from trunkline.dialects.rapidpro.dialect import rapidpro
from trunkline.dialects.rapidpro.errors import Rejected, across
from trunkline.dialects.rapidpro.fields import Choice, Text, name_rules
from trunkline.dialects.rapidpro.reading import Body
from trunkline.dialects.rapidpro.uniqueness import unique
from trunkline.dialects.walking import Place, Walk

MOST = 250
NAME = 36
RESERVED = frozenset({"has", "is", "fields", "urns", "created_on", "last_seen_on", "name", "language"})


def _legal(text: str) -> list[str]:
    return [] if LEGAL.fullmatch(text) else ["Can only contain letters, numbers and hypens."]


LEGAL = re.compile(r"[A-Za-z0-9\- ]+")
KEY = re.compile(r"[a-z][a-z0-9_]*")
OLD_TYPES = {"numeric" if each == "number" else each: each for each in fields.TYPES}
NAMES = (_legal, *name_rules(NAME)[:1])
FORM = {
    "name": Text("The name of the field.", most=NAME, required=False, rules=NAMES),
    "type": Choice("What its values are.", fields.TYPES, required=False),
    "label": Text("An older word for name.", most=NAME, required=False, rules=NAMES),
    "value_type": Choice("An older word for type.", tuple(OLD_TYPES), required=False),
}


class Usages(Struct, frozen=True):
    campaign_events: int
    flows: int
    groups: int


class FieldOut(Struct, frozen=True):
    """`label` and `value_type` are older words for `name` and `type`."""

    key: str
    name: str
    type: str
    featured: bool
    priority: int
    usages: Usages
    agent_access: str
    label: str
    value_type: str


class FieldQuery(Struct):
    key: Annotated[str | None, Meta(description="Only the field with this key.")] = None


class FieldLookup(Struct):
    key: Annotated[str | None, Meta(description="The field to change; without it a new one is made.")] = None


@rapidpro.get("/fields.json")
async def list_fields(tx: Tx, walk: Walk, query: FieldQuery) -> Paged[FieldOut]:
    """List the custom fields of your contacts."""
    found = [each for each in await fields.all(tx) if not query.key or each.key == query.key]
    page = await walk.page(lists.walked(found, _place), _place)
    used = await uses.of_fields(tx, [each.key for each in page.rows])
    return Paged([_shape(each, used[each.key]) for each in page.rows], next=page.next, previous=page.previous)


@rapidpro.post("/fields.json", fields=FORM, raises=(NotFound,), answers={201: FieldOut})
async def write_field(tx: Tx, call: Call, body: Body, query: FieldLookup) -> FieldOut | Answer:
    """Create a field, or change name and type of one. Its key is made from its name and never changes."""
    known = await fields.all(tx)
    if reading.lookup(call, "key") is None:
        reading.refuse_full(len(known), MOST)
        name, type = await _given(tx, call, body)
        key = fields.slug(name)
        if not KEY.fullmatch(key) or key in RESERVED:
            raise Rejected({"name": [f'Generated key "{key}" is invalid or a reserved name.']})
        _refuse_rival(known, name, None)
        return Answer(_shape(await unique(fields.create(tx, name, type, key=key)), Uses()), 201)
    field = next((each for each in known if each.key == query.key), None)
    if field is None:
        raise NotFound("field", query.key)
    name, type = await _given(tx, call, body)
    _refuse_rival(known, name, field)
    used = (await uses.of_fields(tx, [field.key]))[field.key]
    if field.type == "datetime" and type != "datetime" and used.campaign_events:
        raise Rejected({"type": ["Can't change type of date field being used by campaign events."]})
    return _shape(await fields.update(tx, field.key, label=name, type=type), used)


async def _given(tx: Tx, call: Call, body: Body) -> tuple[str, Any]:
    given = await reading.read(tx, call, FORM, body)
    name = given.get("name") or given.get("label")
    type = given.get("type") or OLD_TYPES.get(given.get("value_type", ""))
    if name is None:
        raise across("Field 'name' is required.")
    if type is None:
        raise across("Field 'type' is required.")
    return name, type


def _refuse_rival(known: list[Field], name: str, field: Field | None) -> None:
    if any(names.key(each.label) == names.key(name) for each in known if each is not field):
        raise Rejected({"name": ["This field must be unique."]})


def _shape(field: Field, used: Uses) -> FieldOut:
    return FieldOut(
        key=field.key,
        name=field.label,
        type=field.type,
        featured=False,
        priority=0,
        usages=Usages(used.campaign_events, used.flows, used.groups),
        agent_access=field.agent_access,
        label=field.label,
        value_type="numeric" if field.type == "number" else field.type,
    )


def _place(field: Field) -> Place:
    return field.created_at, field.id
