"""Flows without a database: sprints a second of one thread, each with its session and contact read and written."""

import random
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import uuid_utils
from msgspec import Struct

from benchmarks.measuring import Figure, Scale, interleaved, middle, percentile
from benchmarks.stage import Stage
from trunkline.core import clock
from trunkline.expressions.environment import Environment
from trunkline.flows import contact, engine, loading, sessions
from trunkline.flows.assets import Assets, Channel, Field, Group
from trunkline.flows.contact import Contact
from trunkline.flows.definition import Flow
from trunkline.flows.engine import Sprint
from trunkline.flows.requests import Answer, HttpAnswer, HttpCall, Request


class Size(Struct, frozen=True):
    contacts: int
    rounds: int


SIZES: dict[Scale, Size] = {"full": Size(2_000, 5), "quick": Size(500, 3), "tiny": Size(2, 1)}
ENVIRONMENT = Environment(allowed_languages=("eng",))
QUERIES = ('drink = "Tea"', "age > 17", "name ~ Ann", 'drink = ""')
NAME = uuid.UUID("6ba7b811-9dad-41d1-80b4-00c04fd430c8")


async def run(where: Stage, size: Size) -> list[Figure]:
    taken: dict[str, list[float]] = {name: [] for name in FLOWS}
    variants = {name: lambda name=name: _rate(name, size, taken[name]) for name in FLOWS}
    rounds = await interleaved(size.rounds, **variants)
    figures = [
        middle(TITLES[name], rates, "sprints/s", **({"least": 2_000} if name == "questions" else {}))
        for name, rates in rounds.items()
    ]
    slowest = percentile(taken["questions"], 99)
    return [*figures, Figure(name="two questions, p99 of a sprint", value=slowest * 1000, unit="ms")]


async def _rate(name: str, size: Size, taken: list[float]) -> float:
    """Every contact goes through the whole flow, one after the other."""
    flow, answers = FLOWS[name]()
    known, count, began = _assets(flow), 0, time.perf_counter()
    for document in _contacts(size.contacts):
        for _ in _session(known, flow[0], document, answers, taken):
            count += 1
    return count / (time.perf_counter() - began)


def _session(
    known: Assets, flow: Flow, document: bytes, answers: Sequence[str], taken: list[float]
) -> Iterator[Sprint]:
    at = time.perf_counter()
    trigger = {"type": "manual", "flow": {"uuid": flow.uuid, "name": flow.name}, "origin": "api"}
    person = contact.load(document)
    sprint = _drive(engine.start(known, ENVIRONMENT, person, trigger, **AROUND))
    for answer in (*answers, None):
        stored, document = sessions.dump(sessions.compact(sprint.session)), contact.dump(sprint.contact)
        taken.append(time.perf_counter() - at)
        yield sprint
        if answer is None:
            return
        at = time.perf_counter()
        heard = {"type": "msg", "event": {"type": "msg_received", "msg": {"text": answer, "urn": person.urns[0]}}}
        session, person = sessions.load(stored), contact.load(document)
        sprint = _drive(engine.resume(known, session, ENVIRONMENT, person, heard, **AROUND))


def _drive(steps: Any) -> Sprint:
    answer: Answer = None
    while True:
        try:
            answer = _answer(steps.send(answer))
        except StopIteration as done:
            return done.value


def _answer(request: Request) -> Answer:
    return HttpAnswer(200, {}, b'{"price": 2.50}') if isinstance(request, HttpCall) else ""


def _contacts(count: int) -> list[bytes]:
    return [
        contact.dump(Contact(uuid=_uuid(f"c{n}"), id=n, name=f"Ann {n}", urns=[f"tel:+1202555{n:04}"], created_on=BORN))
        for n in range(count)
    ]


def _assets(flows: Sequence[Flow]) -> Assets:
    return Assets(
        Known(flows),
        channels=[Channel(uuid=_uuid("line"), name="Line", address="+12025550100", schemes=("tel",), country="US")],
        fields=[Field(key="drink", name="Drink"), Field(key="age", name="Age", type="number")],
        groups=[Group(uuid=_uuid(query), name=query, query=query) for query in QUERIES],
    )


class Known:
    def __init__(self, flows: Sequence[Flow]):
        self._flows = {flow.uuid: flow for flow in flows}

    def by_uuid(self, uuid: str) -> Flow | None:
        return self._flows.get(uuid)

    def by_name(self, name: str) -> Flow | None:
        return next((flow for flow in self._flows.values() if flow.name == name), None)


def _questions() -> tuple[list[Flow], list[str]]:
    drinks = {"Tea": ("tea chai", "age"), "Coffee": ("coffee java", "age")}
    nodes = [
        _node("hello", [_send("Hi @contact.first_name! Tea or coffee?")], to="drink"),
        _ask("drink", "Drink", "has_any_word", drinks, "hello"),
        _node("age", [_set("drink", "@results.drink.category"), _send("How old are you?")], to="years"),
        _ask("years", "Age", "has_number_between", {"Adult": ("18 120", "thanks")}, "age"),
        _node("thanks", [_set("age", "@results.age"), _send("Enjoy your @(lower(results.drink)), @contact.name.")]),
    ]
    return [_flow("Questions", nodes)], ["what?", "Tea please", "I am 42"]


def _subflow() -> tuple[list[Flow], list[str]]:
    inner = [_send("From @parent.flow.name: @contact.name?")]
    child = _flow("Child", [_node("ask", inner, to="word"), _ask("word", "Word", "has_text", {"Any": ("", "")}, "ask")])
    enter = {"type": "enter_flow", "flow": {"uuid": child.uuid, "name": "Child"}}
    back = _send("You said @child.results.word, and that is @child.status.")
    parent = _flow("Parent", [_node("enter", [enter], to="back"), _node("back", [back])])
    return [parent, child], ["hello"]


def _menu() -> tuple[list[Flow], list[str]]:
    cases = {f"Item {n}": (f"item{n} number{n}", "chosen") for n in range(30)}
    nodes = [
        _node("list", [_send("Which of the thirty?")], to="menu"),
        _ask("menu", "Choice", "has_any_word", cases, "list"),
        _node("chosen", [_send("@results.choice.category it is.")]),
    ]
    return [_flow("Menu", nodes)], ["none", "item29"]


def _loop() -> tuple[list[Flow], list[str]]:
    count = {"type": "set_run_local", "local": "n", "value": "1", "operation": "increment"}
    cases = {"On": ("50", "count")}
    nodes = [_node("count", [count], to="more"), _split("more", "@locals.n", "has_number_lt", cases)]
    return [_flow("Loop", nodes)], []


def _webhook() -> tuple[list[Flow], list[str]]:
    call = {
        "type": "call_webhook",
        "method": "POST",
        "url": "http://example.com/@contact.uuid",
        "body": "@(json(contact))",
    }
    nodes = [
        _node("call", [call], to="worked"),
        _split("worked", "@webhook.status", "has_number_between", {"Yes": ("200 299", "tell")}),
        _node("tell", [_send("It costs @webhook.json.price.")]),
    ]
    return [_flow("Webhook", nodes)], []


def _flow(name: str, nodes: list[dict[str, Any]]) -> Flow:
    header = {"uuid": _uuid(name), "name": name, "spec_version": "14.4.2", "language": "eng", "type": "messaging"}
    return loading.load({**header, "localization": {}, "nodes": nodes})


def _node(name: str, actions: list[dict[str, Any]], *, to: str = "") -> dict[str, Any]:
    numbered = [{"uuid": _uuid(f"{name}{n}"), **action} for n, action in enumerate(actions)]
    return {"uuid": _uuid(name), "actions": numbered, "exits": [_exit(name, to)]}


def _ask(name: str, result: str, test: str, cases: dict[str, tuple[str, str]], otherwise: str) -> dict[str, Any]:
    """A wait for a message, and where its answers lead."""
    node = _split(name, "@input.text", test, cases, otherwise)
    node["router"] |= {"result_name": result, "wait": {"type": "msg"}}
    return node


def _split(
    name: str, operand: str, test: str, cases: dict[str, tuple[str, str]], otherwise: str = ""
) -> dict[str, Any]:
    ways = {category: to for category, (_, to) in cases.items()} | {"Other": otherwise}
    between = test == "has_number_between"
    router = {
        "type": "switch",
        "operand": operand,
        "categories": [
            {"uuid": _uuid(f"{name} {way}"), "name": way, "exit_uuid": _uuid(f"{name} {way} exit")} for way in ways
        ],
        "cases": [
            {
                "uuid": _uuid(f"{name} {way} case"),
                "type": test,
                "arguments": said.split() if between else [said] if said else [],
                "category_uuid": _uuid(f"{name} {way}"),
            }
            for way, (said, _) in cases.items()
        ],
        "default_category_uuid": _uuid(f"{name} Other"),
    }
    return {"uuid": _uuid(name), "router": router, "exits": [_exit(f"{name} {way}", to) for way, to in ways.items()]}


def _exit(name: str, to: str) -> dict[str, Any]:
    return {"uuid": _uuid(f"{name} exit"), "destination_uuid": _uuid(to) if to else None}


def _send(text: str) -> dict[str, Any]:
    return {"type": "send_msg", "text": text}


def _set(key: str, value: str) -> dict[str, Any]:
    return {"type": "set_contact_field", "field": {"key": key, "name": key.title()}, "value": value}


def _uuid(name: str) -> str:
    return str(uuid.uuid5(NAME, name))


BORN = datetime(2026, 1, 1, tzinfo=UTC)
AROUND: dict[str, Any] = {"clock": clock.now, "ids": lambda: str(uuid_utils.uuid7()), "random": random.random}
FLOWS: dict[str, Callable[[], tuple[list[Flow], list[str]]]] = {
    "questions": _questions,
    "subflow": _subflow,
    "menu": _menu,
    "loop": _loop,
    "webhook": _webhook,
}
TITLES = {
    "questions": "two questions, a field each, four query groups",
    "subflow": "a flow inside a flow, with a question",
    "menu": "a menu of 30 cases",
    "loop": "a loop of 100 steps in one sprint",
    "webhook": "a webhook, answered at once",
}
