"""A flow played by somebody who is the contact: lines in, lines out, time jumps over waits."""

import random
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import msgspec

from trunkline.core.ids import new_uuid
from trunkline.flows import contact as contacts
from trunkline.flows import engine, inspection, sessions
from trunkline.flows.cases import documents, doubles, reading
from trunkline.flows.cases.doubles import Doubles
from trunkline.flows.cases.errors import CaseError
from trunkline.flows.engine import NotResumed, Sprint
from trunkline.flows.events import DialWait, Event, IvrCreated, MsgCreated, MsgOut, MsgWait
from trunkline.flows.inputs import Call
from trunkline.flows.requests import AirtimeTransfer, Answer, HttpAnswer, HttpCall, LlmAnswer, LlmCall, Request
from trunkline.flows.sessions import Ref

HELP: str = """  text       is said to the flow
  /timeout   lets the wait time out: the clock jumps to that moment
  /expire    lets the run expire
  /answered, /busy, /no_answer, /failed   end a call that the flow made
  /contact   shows the contact
  /events    shows or hides what happens
  /quit      ends it"""
NUMBER = "tel:+12025550123"


class Play(Doubles):
    """A session with a contact made up for it. Calls to the outside that have no prepared answer work, without content.

    `said` gathers what the flow says until it is taken by `start` or `hear`.
    """

    def __init__(self, document: dict[str, Any], now: Callable[[], datetime], *, flow: str = "", events: bool = False):
        """`document` is a definition, an export or a case's assets. Raises CaseError."""
        super().__init__(document)
        assets = document if isinstance(document.get("flows"), list) else {"flows": [document]}
        self.flow = _chosen(assets, flow)
        self.assets = reading.assets(_completed(assets, self.flow), strict=False)
        self.environment = reading.environment(document.get("environment"))
        self.contact = reading.contact(document.get("contact") or {"uuid": self.ids(), "name": "Kim", "urns": [NUMBER]})
        self.shows_events, self.said = events, list[str]()
        self._session: bytes | None = None
        self._clock, self._ahead = now, timedelta()
        self._wait: MsgWait | DialWait | None = None

    def clock(self) -> datetime:
        return self._clock() + self._ahead

    def ids(self) -> str:
        return str(new_uuid())

    def random(self) -> float:
        return random.random()

    @property
    def is_over(self) -> bool:
        return self._wait is None

    def start(self) -> list[str]:
        """What the flow says first."""
        trigger = {"type": "manual", "flow": {"uuid": self.flow.uuid, "name": self.flow.name}, "origin": "ui"}
        call = Call(self.ids(), Ref(LINE["uuid"], LINE["name"]), NUMBER) if self.flow.type == "voice" else None
        steps = engine.start(self.assets, self.environment, self.contact, trigger, call=call, **self._around())
        return self._told(self.run(steps))

    def hear(self, line: str) -> list[str]:
        """What it says to that."""
        word = line.strip()
        if word == "/contact":
            return documents.write(self.contact).decode().splitlines()
        if word == "/events":
            self.shows_events = not self.shows_events
            return [f"Events are {'shown' if self.shows_events else 'hidden'}."]
        if word.startswith("/") and word not in WORDS:
            return HELP.split("\n")
        if self._session is None or self._wait is None:
            return ["It is over."]
        self._jump(word)
        session, person = sessions.load(self._session), contacts.load(contacts.dump(self.contact))
        resume = WORDS.get(word) or {"type": "msg", "event": {"type": "msg_received", "msg": _message(line)}}
        steps = engine.resume(self.assets, session, self.environment, person, resume, **self._around())
        try:
            return self._told(self.run(steps))
        except NotResumed as error:
            return [str(error)]

    def answer(self, request: Request) -> Answer:
        try:
            return super().answer(request)
        except CaseError:
            return self._made_up(request)

    def _made_up(self, request: Request) -> Answer:
        match request:
            case HttpCall():
                self.said.append(f"({request.method} {request.url}: answered with 200 and {{}})")
                return HttpAnswer(200, {"Content-Type": "application/json"}, b"{}")
            case LlmCall():
                self.said.append(f"(the model is asked: {request.input})")
                return LlmAnswer(f"[answer to: {request.input}]")
            case AirtimeTransfer():
                return doubles.transferred(request, next(iter(request.amounts), ""), "")
        raise TypeError(type(request))

    def _around(self) -> dict[str, Any]:
        return {"clock": self.clock, "ids": self.ids, "random": self.random}

    def _jump(self, word: str) -> None:
        if self._wait and word == "/timeout" and isinstance(self._wait, MsgWait):
            self._ahead += timedelta(seconds=self._wait.timeout_seconds)
        elif self._wait and word == "/expire" and self._wait.expires_on:
            self._ahead += max(self._wait.expires_on - self.clock(), timedelta())

    def _told(self, sprint: Sprint) -> list[str]:
        self.contact = sprint.contact
        waits = (event for event in sprint.events if isinstance(event, MsgWait | DialWait))
        self._wait = next(waits, None) if sprint.session.status == "waiting" else None
        self._session = sessions.dump(sessions.compact(sprint.session))
        lines = [*self.said, *(line for event in sprint.events for line in self._lines(event))]
        self.said.clear()
        return lines if self._wait else [*lines, f"The session is {sprint.session.status}."]

    def _lines(self, event: Event) -> Iterator[str]:
        match event:
            case MsgCreated() | IvrCreated():
                yield from _spoken(event.msg)
            case MsgWait() if event.timeout_seconds:
                yield f"(waits {event.timeout_seconds} seconds, then /timeout)"
            case DialWait():
                yield f"(calls {event.urn}: /answered, /busy, /no_answer or /failed)"
            case _ if self.shows_events or event.type in TROUBLE:
                told = msgspec.to_builtins(event)
                shown = {name: value for name, value in told.items() if name not in ("type", "uuid", "created_on")}
                yield f"  · {event.type} {documents.write(shown).decode() if shown else ''}".rstrip()


def _spoken(msg: MsgOut) -> Iterator[str]:
    for line in msg.text.splitlines() or [""]:
        yield f"< {line}"
    for attachment in msg.attachments:
        yield f"  [{attachment}]"
    if msg.quick_replies:
        yield "  " + " ".join(f"[{reply.text or reply.type}]" for reply in msg.quick_replies)


def _chosen(assets: dict[str, Any], name: str) -> Any:
    """The flow of that name or uuid, else the first."""
    flows = [each for each in assets["flows"] if isinstance(each, dict)]
    wanted = name.strip().lower()
    found = [each for each in flows if not wanted or wanted in (str(each.get("name")).lower(), each.get("uuid"))]
    if not found:
        raise CaseError("input", f"There is no flow {name!r} in the file." if name else "There is no flow in the file.")
    return reading.flow(found[0], strict=False)


def _completed(assets: dict[str, Any], flow: Any) -> dict[str, Any]:
    """With what the flow uses and the file does not have, and a channel for everything."""
    made: dict[str, Any] = {name: list(assets.get(name) or []) for name in ("fields", "groups", "flows", "channels")}
    made |= {name: list(assets.get(name) or []) for name in CREATED.values()}
    made |= {name: assets[name] for name in ("resthooks", "templates", "locations", "campaigns") if name in assets}
    made["globals"] = list(assets.get("globals") or [])
    for used in inspection.inspect(flow)["dependencies"]:
        kind, named = CREATED.get(used["type"]), {"name": used["name"] or "?"}
        if used["type"] in ("field", "global"):
            made[f"{used['type']}s"].append({"key": used["key"], "value": "", **named})
        elif kind and used.get("uuid") and all(each.get("uuid") != used["uuid"] for each in made[kind]):
            made[kind].append({"uuid": used["uuid"], **named})
    made["channels"] = made["channels"] or [LINE]
    return made


def _message(line: str) -> dict[str, Any]:
    return {"text": line, "urn": NUMBER, "channel": {"uuid": LINE["uuid"], "name": LINE["name"]}}


CREATED = {"group": "groups", "label": "labels", "topic": "topics", "user": "users", "llm": "llms"}
TROUBLE = ("error", "warning", "failure")
LINE = {
    "uuid": "5a1e4f5e-5d5b-4b3c-9c1d-0e5f0c1b2a3d",
    "name": "Play",
    "address": "+12025550100",
    "schemes": ["tel"],
    "roles": ["send", "receive", "call", "answer"],
    "allow_international": True,
}
WORDS: dict[str, dict[str, Any]] = {
    "/timeout": {"type": "wait_timeout"},
    "/expire": {"type": "wait_expiration"},
    **{
        f"/{status}": {"type": "dial", "event": {"type": "dial_ended", "dial": {"status": status, "duration": 0}}}
        for status in ("answered", "busy", "no_answer", "failed")
    },
}
