"""Opt-ins that contacts may be asked for."""

from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from trunkline.core.db import Tx
from trunkline.dialects.base import Call, Paged
from trunkline.dialects.rapidpro import lists, reading
from trunkline.dialects.rapidpro.dialect import rapidpro
from trunkline.dialects.rapidpro.fields import Text, name_rules
from trunkline.dialects.rapidpro.reading import Body
from trunkline.dialects.rapidpro.uniqueness import unique
from trunkline.dialects.rapidpro.wire import Moment, moment
from trunkline.dialects.walking import Place, Walk
from trunkline.messaging import optins
from trunkline.messaging.optins import OptIn

MOST = 250
NAME = 64
FORM = {"name": Text("What is asked for.", most=NAME, rules=name_rules(NAME))}


class OptInOut(Struct, frozen=True):
    uuid: UUID
    name: str
    created_on: Moment


class OptInQuery(Struct):
    uuid: Annotated[str | None, Meta(description="Only the opt-in with this UUID.")] = None


@rapidpro.get("/optins.json")
async def list_optins(tx: Tx, walk: Walk, query: OptInQuery) -> Paged[OptInOut]:
    """List the opt-ins of your workspace."""
    uuid = reading.uuid(query.uuid)
    found = [each for each in await optins.all_of(tx) if uuid in (None, each.uuid)]
    page = await walk.page(lists.walked(found, _place), _place)
    return Paged([_shape(each) for each in page.rows], next=page.next, previous=page.previous)


@rapidpro.post("/optins.json", fields=FORM, status=201)
async def create_optin(tx: Tx, call: Call, body: Body) -> OptInOut:
    """Create an opt-in."""
    reading.refuse_full(len(await optins.all_of(tx)), MOST)
    name = (await reading.read(tx, call, FORM, body))["name"]
    return _shape(await unique(optins.create(tx, name)))


def _shape(optin: OptIn) -> OptInOut:
    return OptInOut(optin.uuid, optin.name, moment(optin.created_at))


def _place(optin: OptIn) -> Place:
    return optin.created_at, optin.id
