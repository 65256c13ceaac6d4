"""Starts of flows: many contacts enter a flow."""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from trunkline.contacts import groups, named
from trunkline.dialects.base import Answer, Call, Paged, Tx
from trunkline.dialects.rapidpro import reading
from trunkline.dialects.rapidpro.dialect import rapidpro
from trunkline.dialects.rapidpro.errors import across
from trunkline.dialects.rapidpro.fields import Field, Flag, Items, Reading, Wrong
from trunkline.dialects.rapidpro.reading import Body
from trunkline.dialects.rapidpro.references import Address, Contacts, Flows, Groups, Many, One
from trunkline.dialects.rapidpro.wire import Moment, Ref, moment
from trunkline.dialects.walking import Place, Walk
from trunkline.flows import listing, starts
from trunkline.flows.starts import NewStart, Start

PARAMS = 10_000
MOST_ITEMS = 256
LONGEST_KEY = 255
LONGEST_VALUE = 640


class Document(Field):
    """A JSON object of any kind."""

    kind = "object"

    async def read(self, reading: Reading, value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise Wrong(["Must be a valid JSON object"])
        if len(msgspec.json.encode(value).decode()) > PARAMS:
            raise Wrong(["Cannot exceed 10,000 characters encoded."])
        return value


FORM = {
    "flow": One("The flow to start, by UUID.", Flows()),
    "groups": Many("Groups whose contacts enter, by UUID or name.", Groups(), required=False),
    "contacts": Many("Contacts that enter, by UUID or URN.", Contacts(), required=False),
    "urns": Items("Addresses; those that nobody has become contacts.", Address("A URN."), required=False),
    "restart_participants": Flag("Whether contacts who were in this flow before enter again.", required=False),
    "exclude_active": Flag("Whether contacts who are in a flow now are left out.", required=False),
    "params": Document("What the flow finds under @trigger.params.", required=False, null=True),
    "extra": Document("An older word for params.", required=False, null=True),
}


class ProgressOut(Struct, frozen=True):
    """`total` is -1 as long as nobody knows."""

    total: int
    started: int


class StartOut(Struct, frozen=True):
    """`id`, `extra`, `restart_participants` and `exclude_active` are there for older clients."""

    uuid: UUID
    flow: Ref | None
    status: str
    progress: ProgressOut
    groups: list[Ref]
    contacts: list[Ref]
    params: dict[str, Any] | None
    created_on: Moment
    modified_on: Moment
    id: int
    extra: dict[str, Any] | None
    restart_participants: bool
    exclude_active: bool


class StartQuery(Struct):
    uuid: Annotated[str | None, Meta(description="Only the start with this UUID.")] = None
    before: Annotated[str | None, Meta(description="Changed at this time or before.")] = None
    after: Annotated[str | None, Meta(description="Changed at this time or after.")] = None
    reverse: Annotated[str | None, Meta(description="true: the oldest change first.")] = None


@rapidpro.get("/flow_starts.json")
async def list_starts(tx: Tx, walk: Walk, query: StartQuery) -> Paged[StartOut]:
    """List the starts that people and programs asked for, the last changed first."""
    uuid = reading.uuid(query.uuid)
    after, before = reading.between(query.after, query.before)
    page = await walk.page(
        lambda span: starts.page(
            tx,
            uuid=uuid,
            after=after,
            before=before,
            cursor=span.after,
            limit=span.limit,
            oldest_first=span.oldest_first,
        ),
        _place,
        oldest_first=reading.flag(query.reverse) or False,
    )
    return Paged(await _shapes(tx, page.rows), next=page.next, previous=page.previous)


@rapidpro.post("/flow_starts.json", fields=FORM, status=201)
async def create_start(tx: Tx, call: Call, body: Body) -> Answer[StartOut]:
    """Start a flow for contacts, groups and addresses. They enter as soon as the workers come to them."""
    given = await reading.read(tx, call, FORM, body)
    if not any(given.get(name) for name in ("groups", "contacts", "urns")):
        raise across("Must specify at least one group, contact or URN")
    extra = given.get("extra")
    params = given.get("params")
    if params is None and extra is not None:
        params = _normalised(extra)
    start = await starts.create(
        tx,
        NewStart(
            flow_id=given["flow"].id,
            origin="zapier" if "Zapier" in (call.header("user-agent") or "") else "api",
            groups=[each.id for each in given.get("groups", ())],
            contacts=[each.id for each in given.get("contacts", ())],
            urns=given.get("urns", ()),
            exclude_started=not given.get("restart_participants", True),
            exclude_in_flow=given.get("exclude_active", False),
            params=params,
        ),
    )
    [shape] = await _shapes(tx, [start])
    return Answer(shape, 201)


async def _shapes(tx: Tx, rows: Sequence[Start]) -> list[StartOut]:
    contacts = await named.of(tx, {id for row in rows for id in row.contacts})
    found = await groups.get_many(tx, list({id for row in rows for id in row.groups}))
    titles = await listing.titles(tx, {row.flow_id for row in rows})
    refs = {each.id: Ref(each.uuid, each.name) for each in found}
    people = {each.id: Ref(each.uuid, each.name) for each in contacts.values()}
    return [_shape(row, titles, refs, people) for row in rows]


def _shape(
    start: Start, titles: Mapping[int, listing.Titled], groups: Mapping[int, Ref], contacts: Mapping[int, Ref]
) -> StartOut:
    flow = titles.get(start.flow_id)
    return StartOut(
        uuid=start.uuid,
        flow=Ref(flow.uuid, flow.name) if flow else None,
        status=start.status,
        progress=ProgressOut(-1 if start.total_known is None else start.total_known, start.started),
        groups=[groups[id] for id in start.groups if id in groups],
        contacts=[contacts[id] for id in start.contacts if id in contacts],
        params=start.params,
        created_on=moment(start.created_at),
        modified_on=moment(start.modified_at),
        id=start.id,
        extra=start.params,
        restart_participants=not start.exclude_started,
        exclude_active=start.exclude_in_flow,
    )


def _normalised(extra: dict[str, Any]) -> dict[str, Any]:
    """As older flows read it: plain keys, no lists, texts of bounded length, and not too much of it all."""
    left = [MOST_ITEMS]

    def plain(value: Any) -> Any:
        match value:
            case dict():
                return collected((PLAIN.sub("_", str(key))[:LONGEST_KEY], each) for key, each in value.items())
            case list():
                return collected((str(place), each) for place, each in enumerate(value))
            case str():
                return value[:LONGEST_VALUE]
            case None:
                return ""
        return value

    def collected(items: Any) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, each in items:
            if left[0] <= 0:
                break
            left[0] -= 1
            found[key] = plain(each)
        return found

    return plain(extra)


PLAIN = re.compile(r"[^a-zA-Z0-9_]")


def _place(start: Start) -> Place:
    return start.modified_at, start.id
