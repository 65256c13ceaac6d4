"""One flow: its drawing with numbers, what came of it, what is wrong with it, and starting it."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct
from starlette.responses import Response

from trunkline.campaigns import uses
from trunkline.contacts import groups, people, searching
from trunkline.core import urns
from trunkline.core.db import Tx
from trunkline.core.errors import Invalid
from trunkline.core.urns import BadUrn, Urn
from trunkline.flows import counts, revisions, runs, starts
from trunkline.flows.counts import Recent
from trunkline.flows.definition import Exit, Flow, Node
from trunkline.flows.starts import NewStart
from trunkline.flows.stored import Stored
from trunkline.web.flows import drawing, steps
from trunkline.web.flows.drawing import Drawing
from trunkline.web.flows.steps import Phrase
from trunkline.web.flows.table import TABS, flow_of
from trunkline.web.sections import Section
from trunkline.web.visits import Visit

pages = Section("flows")

SIZES = (50, 75, 100)
MOST_ADDRESSES = 1_000


class Way(Struct, frozen=True):
    """An exit of the chosen node; `recent` are the last who took it."""

    uuid: str
    name: str
    passed: int
    is_end: bool
    recent: list[Recent]


class Chosen(Struct, frozen=True):
    """The node that was clicked."""

    uuid: str
    number: int
    phrases: list[Phrase]
    tests: Sequence[tuple[str, str]]
    ways: list[Way]
    entered: int
    waiting: int


class Bar(Struct, frozen=True):
    category: str
    number: int
    share: float


class Result(Struct, frozen=True):
    """What is known of a result: its categories by how many runs ended up in them."""

    key: str
    name: str
    total: int
    bars: list[Bar]


@pages.get("/flows/{uuid:uuid}")
async def show(visit: Visit) -> Response:
    """`node` in the address chooses one, `exit` one of its exits. Scripts ask for the part that they put anew."""
    async with visit.tx() as tx:
        flow = await flow_of(visit, tx)
        definition = await revisions.loaded(tx, flow)
        counted = await counts.of(tx, flow.id)
        values: dict[str, Any] = {
            "flow": flow,
            "language": definition.language if definition else "",
            "drawing": drawing.draw(definition, counted, visit.words) if definition else Drawing(0, 0, []),
            "size": _size(visit),
            "sizes": SIZES,
            "results": _results(flow, counted["result"]),
            "totals": (await runs.counts(tx, [flow.id]))[flow.id],
            **await _chosen(visit, tx, flow, definition, counted),
        }
        if visit.is_partial:
            return visit.page("flows/flow.html", block="chosen" if "node" in visit.query else "drawn", **values)
        latest = await starts.page(tx, flow_id=flow.id, origins=("ui", "api", "zapier", "flow", "trigger"), limit=5)
        return visit.page(
            "flows/flow.html",
            starts=latest,
            revisions=(await revisions.revisions(tx, flow.id))[:10],
            users=await uses.of_flow(tx, flow.id, flow.uuid),
            tabs=TABS,
            **values,
        )


@pages.get("/flows/{uuid:uuid}/starts", level="interact")
async def prepare(visit: Visit) -> Response:
    async with visit.tx() as tx:
        flow = await flow_of(visit, tx)
        return visit.page("flows/start.html", flow=flow, groups=await groups.all(tx))


@pages.post("/flows/{uuid:uuid}/starts", level="interact")
async def start(visit: Visit) -> Response:
    """For members of groups, people with addresses, and whom a query finds; each of them once."""
    form, words = visit.form, visit.words
    async with visit.tx() as tx:
        flow = await flow_of(visit, tx)
        if flow.archived or not flow.valid:
            raise Invalid({"": [words("This flow cannot be started.")]})
        new = NewStart(
            flow_id=flow.id,
            origin="ui",
            groups=[group.id for group in await groups.get_many(tx, form.numbers("group"))],
            urns=_addresses(visit),
            query=form.text("query", most=10_000) or None,
            exclude_groups=[group.id for group in await groups.get_many(tx, form.numbers("exclude"))],
            exclude_in_flow=form.flag("exclude_in_flow"),
            exclude_started=form.flag("exclude_started"),
        )
        if not (new.groups or new.urns or new.query):
            raise Invalid({"": [words("Say for whom: groups, addresses or a query.")]})
        if new.query:
            await searching.read(tx, new.query)
        await starts.create(tx, new)
    return visit.to(f"/flows/{flow.uuid}", words("Started."))


@pages.post("/flows/starts/{id:int}/interruption", level="interact")
async def stop(visit: Visit) -> Response:
    """Who has not had a turn yet will not get one."""
    async with visit.tx() as tx:
        await starts.interrupt(tx, visit.id())
    return visit.back("/flows", visit.words("Stopped."))


def _size(visit: Visit) -> int:
    size = visit.query.number("size")
    return size if size in SIZES else 100


def _addresses(visit: Visit) -> list[Urn]:
    """One a line: numbers, mail addresses, or URNs like telegram:123."""
    lines = [line.strip() for line in visit.form.text("addresses", most=100_000).splitlines() if line.strip()]
    if len(lines) > MOST_ADDRESSES:
        raise Invalid({"addresses": [visit.words("At most {number} addresses.", number=MOST_ADDRESSES)]})
    try:
        return [urns.parse(_urn(line)) for line in lines]
    except BadUrn as error:
        raise Invalid({"addresses": [str(error)]}) from None


def _urn(line: str) -> str:
    scheme = "mailto" if "@" in line else "tel"
    return line if line.partition(":")[0].isalpha() and ":" in line else f"{scheme}:{line}"


def _results(flow: Stored, counted: Mapping[str, int]) -> list[Result]:
    """Those that the flow saves, in its order, then those that it saved once."""
    by_key: dict[str, dict[str, int]] = {}
    names = {each["key"]: each["name"] for each in flow.info.get("results", [])}
    for each in flow.info.get("results", []):
        by_key[each["key"]] = dict.fromkeys(each["categories"], 0)
    for joined, number in counted.items():
        key, _, category = joined.partition("/")
        found = by_key.setdefault(key, {})
        found[category] = found.get(category, 0) + number
    return [_result(key, names.get(key, key), categories) for key, categories in by_key.items()]


def _result(key: str, name: str, categories: Mapping[str, int]) -> Result:
    total = sum(categories.values())
    bars = [Bar(category, number, round(100 * number / (total or 1), 1)) for category, number in categories.items()]
    return Result(key, name, total, bars)


async def _chosen(
    visit: Visit, tx: Tx, flow: Stored, definition: Flow | None, counted: Mapping[str, Mapping[str, int]]
) -> dict[str, Any]:
    """The chosen node, the exit that was clicked, and the names of who took its exits."""
    node = definition.node(visit.query.text("node")) if definition else None
    if definition is None or node is None:
        return {"chosen": None, "exit": "", "names": {}}
    recent = await counts.recent(tx, flow.id)
    chosen = Chosen(
        uuid=node.uuid,
        number=definition.nodes.index(node) + 1,
        phrases=steps.phrases(node, visit.words),
        tests=steps.tests(node),
        ways=[_way(node, exit, counted["exit"], recent) for exit in node.exits],
        entered=counted["node"].get(node.uuid, 0),
        waiting=counted["waiting"].get(node.uuid, 0),
    )
    contacts = {each.contact_id for way in chosen.ways for each in way.recent}
    names = {one.id: one.name or one.phone or one.email for one in await people.get_many(tx, sorted(contacts))}
    return {"chosen": chosen, "exit": visit.query.text("exit"), "names": names}


def _way(node: Node, exit: Exit, passed: Mapping[str, int], recent: Sequence[Recent]) -> Way:
    return Way(
        uuid=exit.uuid,
        name=steps.way(node, exit),
        passed=passed.get(f"{exit.uuid}:{exit.destination_uuid or ''}", 0),
        is_end=exit.destination_uuid is None,
        recent=[each for each in recent if str(each.exit) == exit.uuid],
    )
