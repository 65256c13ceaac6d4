"""Rehearsals: a flow played by somebody who is the contact. Nothing is stored, nothing goes out, the clock can jump.

All there is between two answers stands in one `Rehearsal`, which whoever shows it keeps. Everything else is the
workspace's own: fields, groups, globals, other flows, and the contact if one is chosen.
"""

import random
from collections.abc import Generator, Iterable
from copy import copy
from datetime import datetime, timedelta
from typing import Any, Literal

from msgspec import Struct, structs, to_builtins

from trunkline.core import clock
from trunkline.core.db import Tx
from trunkline.core.errors import Invalid, NotFound
from trunkline.core.ids import new_uuid
from trunkline.flows import cast, engine, events, sessions, stock
from trunkline.flows import contact as contacts
from trunkline.flows.assets import Assets, Channel
from trunkline.flows.contact import Contact
from trunkline.flows.engine import NotResumed, Sprint, Unstartable
from trunkline.flows.events import Event
from trunkline.flows.inputs import Call
from trunkline.flows.requests import (
    AirtimeAnswer,
    AirtimeTransfer,
    Answer,
    ClaimUrn,
    EmailAnswer,
    EmailSend,
    HttpAnswer,
    HttpCall,
    IsSendable,
    LlmAnswer,
    LlmCall,
    Request,
)
from trunkline.flows.scene import Options
from trunkline.flows.sessions import Session
from trunkline.flows.stock import Stock
from trunkline.flows.stored import Stored

MOST_LINES = 200
LONGEST = 4_000
ADDRESSES = {
    "tel": "tel:+12025550123",
    "whatsapp": "whatsapp:12025550123",
    "telegram": "telegram:5550123",
    "facebook": "facebook:5550123",
    "mailto": "mailto:kim@example.com",
}
"""Where somebody made up is reached, by the scheme of the channel that is played."""
LINES = {
    scheme: Channel(
        uuid="7b1f0a52-6c1e-4a0e-9d53-1f6c2a0b7d11",
        name="Rehearsal",
        address="+12025550100",
        schemes=(scheme,),
        roles=("send", "receive", "call", "answer"),
        allow_international=True,
    )
    for scheme in ADDRESSES
}
MOST_AHEAD = timedelta(days=3660)
OPTIONS = Options(max_steps=250, max_sprints=250)
DIALLED = ("answered", "busy", "no_answer", "failed")

Kind = Literal[
    "flow", "person", "webhook", "model", "email", "airtime", "broadcast", "start", "result", "field", "group",
    "ungroup", "name", "language", "ticket", "unsent", "later", "dial", "warning", "error", "failure", "end",
]  # fmt: skip


class Said(Struct, frozen=True, array_like=True):
    """One thing that was said or happened: `text` is about `name`."""

    kind: Kind
    text: str
    name: str = ""
    attachments: list[str] = []
    replies: list[str] = []


class Wanted(Struct, frozen=True, kw_only=True):
    """Who plays: a contact as it is now, or somebody made up. `webhook_body` is what every call gets as its answer.

    `scheme` is the kind of channel it is played over, `at` the moment when it begins; without one it is now.
    """

    contact_id: int | None = None
    name: str = "Kim"
    language: str = ""
    webhook_body: str = "{}"
    scheme: str = "tel"
    at: datetime | None = None


class Rehearsal(Struct, array_like=True):
    """`nodes` are those of the played flow that were passed, in order; `waits_for` is empty when it is over."""

    said: list[Said]
    wanted: Wanted
    session: bytes
    contact: bytes
    waits_for: Literal["", "msg", "dial"] = ""
    timeout_seconds: int = 0
    expires_at: datetime | None = None
    ahead: float = 0.0
    nodes: list[str] = []
    results: dict[str, tuple[str, str]] = {}

    @property
    def person(self) -> Contact:
        return contacts.load(self.contact)


async def begin(tx: Tx, flow: Stored, wanted: Wanted) -> Rehearsal:
    """What the flow says first. Raises `Invalid` for a flow that cannot run."""
    stage = await _stage(tx, flow)
    contact = await _player(tx, stage, wanted)
    made = Rehearsal([], wanted, b"", contacts.dump(contact))
    made.ahead = (wanted.at - clock.now()).total_seconds() if wanted.at else 0.0
    call = Call(str(new_uuid()), _line(wanted).ref, ADDRESSES["tel"]) if flow.type == "voice" else None
    trigger = {"type": "manual", "flow": {"uuid": str(flow.uuid), "name": flow.name}, "origin": "ui"}
    steps = engine.start(
        _assets(stage, wanted), stage.environment, contact, trigger, call=call, options=OPTIONS, **_around(made)
    )
    try:
        _tell(made, flow, _run(steps, made))
    except Unstartable as error:
        raise Invalid(message=str(error)) from None
    return made


async def go_on(
    tx: Tx, flow: Stored, before: Rehearsal, text: str = "", *, event: str = "", attachment: str = ""
) -> Rehearsal:
    """What it says to an answer, or to an `event`: timeout, expiration, or how a call that it made ended."""
    made = structs.replace(before, said=list(before.said), nodes=list(before.nodes), results=dict(before.results))
    if not made.waits_for:
        return made
    resume = _resume(made, text, event, attachment)
    stage = await _stage(tx, flow, sessions.load(before.session))
    session, contact = sessions.load(before.session), before.person
    steps = engine.resume(
        _assets(stage, made.wanted), session, stage.environment, contact, resume, options=OPTIONS, **_around(made)
    )
    try:
        _tell(made, flow, _run(steps, made))
    except NotResumed as error:
        made.said.append(Said("error", str(error)))
    return made


async def _stage(tx: Tx, flow: Stored, session: Session | None = None) -> Stock:
    if flow.archived or not flow.valid:
        raise Invalid(message=f"{flow.name} {'is put away' if flow.archived else 'does not load'} and cannot run.")
    found = await stock.of(tx)
    entered = {run.flow.uuid for run in session.runs if run.is_open} if session else set[str]()
    await found.ready(tx, [str(flow.uuid), *entered])
    return found


async def _player(tx: Tx, stage: Stock, wanted: Wanted) -> Contact:
    if wanted.contact_id is None:
        made = Contact(str(new_uuid()), name=wanted.name, language=wanted.language, urns=[ADDRESSES[wanted.scheme]])
        made.created_on = wanted.at or clock.now()
        return made
    members = await cast.load(tx, stage, [wanted.contact_id], locked=True)
    if wanted.contact_id not in members:
        raise NotFound("contact", wanted.contact_id)
    contact = members[wanted.contact_id].contact
    contact.language = wanted.language or contact.language
    return contact


def _line(wanted: Wanted) -> Channel:
    return LINES[wanted.scheme]


def _assets(stage: Stock, wanted: Wanted) -> Assets:
    """The workspace's, with a line for those who have no channel yet."""
    made, line = copy(stage.assets), _line(wanted)
    made.channels = {line.uuid: line, **stage.assets.channels}
    return made


def _around(made: Rehearsal) -> dict[str, Any]:
    ahead = timedelta(seconds=made.ahead)
    return {"clock": lambda: clock.now() + ahead, "ids": lambda: str(new_uuid()), "random": random.random}


def _resume(made: Rehearsal, text: str, event: str, attachment: str) -> dict[str, Any]:
    if event == "timeout" and made.timeout_seconds:
        made.ahead += made.timeout_seconds
        return {"type": "wait_timeout"}
    if event == "expiration" and made.expires_at:
        now = clock.now() + timedelta(seconds=made.ahead)
        made.ahead += max(0.0, (made.expires_at - now).total_seconds())
        return {"type": "wait_expiration"}
    if made.waits_for == "dial":
        status = event if event in DIALLED else "answered"
        made.said.append(Said("person", "", status))
        return {"type": "dial", "event": {"type": "dial_ended", "dial": {"status": status, "duration": 0}}}
    files = [attachment] if attachment else []
    made.said.append(Said("person", text, "", files))
    line = _line(made.wanted)
    of_line = [urn for urn in made.person.urns if urn.partition(":")[0] in line.schemes]
    urn = next(iter([*of_line, *made.person.urns]), ADDRESSES[made.wanted.scheme])
    channel = {"uuid": line.uuid, "name": line.name}
    message = {"text": text, "urn": urn.partition("?")[0], "channel": channel, "attachments": files}
    return {"type": "msg", "event": {"type": "msg_received", "msg": message}}


def _run(steps: Generator[Request, Answer, Sprint], made: Rehearsal) -> Sprint:
    answer = None
    while True:
        try:
            request = steps.send(answer)
        except StopIteration as done:
            return done.value
        answer = _answer(request, made)


def _answer(request: Request, made: Rehearsal) -> Answer:
    """The outside world, made up: everything works, nobody is asked. Events tell of it afterwards."""
    match request:
        case IsSendable():
            return ""
        case ClaimUrn():
            return True
        case HttpCall():
            return HttpAnswer(200, {"Content-Type": "application/json"}, made.wanted.webhook_body.encode())
        case LlmCall():
            return LlmAnswer(f"[{request.input}]")
        case EmailSend():
            return EmailAnswer()
        case AirtimeTransfer():
            currency, amount = next(iter(request.amounts.items()), ("", 0))
            return AirtimeAnswer("", currency, amount)


def _tell(made: Rehearsal, flow: Stored, sprint: Sprint) -> None:
    """Take what came of a sprint into the rehearsal."""
    wait = _wait(sprint)
    made.waits_for = ("msg" if isinstance(wait, events.MsgWait) else "dial") if wait else ""
    made.timeout_seconds = wait.timeout_seconds if isinstance(wait, events.MsgWait) else 0
    made.expires_at = wait.expires_on if wait else None
    made.nodes += _passed(flow, sprint)
    made.nodes = made.nodes[-1000:]
    for run in sprint.session.runs:
        if run.flow.uuid == str(flow.uuid):
            made.results |= {result.name: (result.value, result.category) for result in run.results.values()}
    made.said += (said for event in sprint.events for said in _said(event))
    if not wait:
        made.said.append(Said("end", sprint.session.status))
    made.said = made.said[-MOST_LINES:]
    made.contact = contacts.dump(sprint.contact)
    made.session = sessions.dump(sessions.compact(sprint.session))


def _wait(sprint: Sprint) -> events.MsgWait | events.DialWait | None:
    if sprint.session.status != "waiting":
        return None
    return next((each for each in sprint.events if isinstance(each, events.MsgWait | events.DialWait)), None)


def _passed(flow: Stored, sprint: Sprint) -> list[str]:
    """The nodes that this sprint came to; the first one of a run is in no segment."""
    uuid = str(flow.uuid)
    mine = [segment for segment in sprint.segments if segment.flow_uuid == uuid]
    began = [run.path[0].node_uuid for run in sprint.session.runs if run.flow.uuid == uuid and run.path]
    passed = [each for segment in mine for each in (segment.node_uuid, segment.destination_uuid) if each]
    return list(dict.fromkeys([*began, *passed]))


def _said(event: Event) -> Iterable[Said]:
    match event:
        case events.MsgCreated() | events.IvrCreated():
            replies = [each.text or each.type for each in event.msg.quick_replies]
            yield Said("flow", event.msg.text[:LONGEST], "", event.msg.attachments, replies)
            if event.msg.unsendable_reason:
                yield Said("unsent", event.msg.unsendable_reason)
        case events.MsgWait() if event.timeout_seconds:
            yield Said("later", str(event.timeout_seconds))
        case events.DialWait():
            yield Said("dial", event.urn)
        case events.WebhookCalled():
            yield Said("webhook", event.url[:500], event.request.partition(" ")[0])
        case events.LlmCalled():
            yield Said("model", event.input[:LONGEST], event.llm.name)
        case events.EmailSent():
            yield Said("email", event.subject[:500], ", ".join(event.to))
        case events.AirtimeCreated():
            yield Said("airtime", f"{event.amount} {event.currency}", event.recipient)
        case events.BroadcastCreated():
            content = to_builtins(event.translations.get(event.base_language)) or {}
            yield Said("broadcast", content.get("text", "")[:LONGEST])
        case events.SessionTriggered():
            yield Said("start", event.flow.name)
        case _:
            yield from _changed(event)


def _changed(event: Event) -> Iterable[Said]:
    match event:
        case events.RunResultChanged():
            yield Said("result", event.value[:LONGEST], event.name)
        case events.ContactFieldChanged():
            yield Said("field", event.value.text[:LONGEST] if event.value else "", event.field.name)
        case events.ContactGroupsChanged():
            yield from (Said("group", group.name) for group in event.groups_added)
            yield from (Said("ungroup", group.name) for group in event.groups_removed)
        case events.ContactNameChanged():
            yield Said("name", event.name)
        case events.ContactLanguageChanged():
            yield Said("language", event.language)
        case events.TicketOpened():
            yield Said("ticket", event.ticket.topic.name if event.ticket.topic else "")
        case events.Warned() | events.Erred() | events.Failed():
            yield Said(event.type, event.text[:LONGEST])  # type: ignore[arg-type]
