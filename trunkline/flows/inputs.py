"""What starts a session and what wakes it up again: triggers, resumes and calls.

Both are documents, objects of JSON: a session keeps its trigger as given. `read_trigger` and `read_resume` check them.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Literal, TypeVar

import msgspec
from msgspec import Struct

from trunkline.flows.events import Dial, MsgIn
from trunkline.flows.sessions import FlowRef, Input, Moment, Ref

TriggerType = Literal["manual", "msg", "flow_action", "campaign", "ticket", "chat", "call", "channel", "optin"]
ResumeType = Literal["msg", "wait_timeout", "wait_expiration", "dial"]


AnyInput = TypeVar("AnyInput")


class Unreadable(ValueError):
    """A document that is none of ours; the text is a sentence for its writer."""


class KeywordMatch(Struct, frozen=True):
    type: Literal["first_word", "only_word"]
    keyword: str


class History(Struct, frozen=True, omit_defaults=True):
    """Counts sessions that started each other; five since the last input end the chain."""

    parent_uuid: str = ""
    ancestors: int = 0
    ancestors_since_input: int = 0


class Person(Struct, frozen=True, omit_defaults=True):
    uuid: str = ""
    name: str = ""
    email: str = ""


class TriggerEvent(Struct, frozen=True, omit_defaults=True):
    """msg_received, campaign_fired, ticket_closed, chat_started, call_received, call_missed …"""

    type: str = ""
    uuid: str = ""
    created_on: Moment | None = None
    msg: MsgIn | None = None
    campaign: Ref | None = None
    point_uuid: str = ""
    ticket_uuid: str = ""
    ticket: dict[str, Any] | None = None
    channel: Ref | None = None
    params: dict[str, Any] | None = None


class Trigger(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """`batch` counts in the first sprint only."""

    type: TriggerType
    flow: FlowRef
    event: TriggerEvent | None = None
    batch: bool = False
    params: dict[str, Any] | None = None
    history: History | None = None
    triggered_on: Moment | None = None
    keyword_match: KeywordMatch | None = None
    user: Person | None = None
    origin: str = ""
    run_summary: dict[str, Any] | None = None
    ticket: dict[str, Any] | None = None


class ResumeEvent(Struct, frozen=True, omit_defaults=True):
    """msg_received, wait_timed_out, wait_expired, dial_ended."""

    type: str = ""
    uuid: str = ""
    created_on: Moment | None = None
    msg: MsgIn | None = None
    dial: Dial | None = None


class Resume(Struct, frozen=True, omit_defaults=True, kw_only=True):
    type: ResumeType
    event: ResumeEvent | None = None
    resumed_on: Moment | None = None

    @property
    def dial(self) -> Dial | None:
        return self.event.dial if self.event else None


class Call(Struct, frozen=True):
    """The telephone call that a voice flow speaks in."""

    uuid: str
    channel: Ref
    urn: str


def read_trigger(document: dict[str, Any]) -> Trigger:
    """Raises Unreadable."""
    trigger = _read(document, Trigger, "trigger")
    if trigger.type == "msg" and trigger.event and not trigger.event.msg:
        raise Unreadable("The event of a msg trigger needs a msg.")
    if trigger.type == "flow_action" and trigger.run_summary is None:
        raise Unreadable("A flow_action trigger needs a run_summary.")
    return trigger


def read_resume(document: dict[str, Any]) -> Resume:
    """Raises Unreadable."""
    resume = _read(document, Resume, "resume")
    if resume.type == "msg" and resume.event and not resume.event.msg:
        raise Unreadable("The event of a msg resume needs a msg.")
    if resume.type == "dial" and not resume.dial:
        raise Unreadable("A dial resume needs an event with a dial.")
    return resume


def read_call(document: dict[str, Any]) -> Call:
    """Raises Unreadable."""
    return _read(document, Call, "call")


def completed(document: dict[str, Any], moment: str, clock: Callable[[], datetime], ids: Callable[[], str]) -> Any:
    """The document with `moment` (triggered_on, resumed_on) and its event's uuid and created_on, made up if absent."""
    document = {key: value for key, value in document.items() if value is not None}
    if moment not in document:
        document[moment] = clock()
    if document.get("type") == "msg" and "event" not in document:
        document["event"] = {"type": "msg_received", "msg": {"text": ""}}
    if isinstance(event := document.get("event"), dict):
        made = {"uuid": event.get("uuid") or ids(), "created_on": event.get("created_on") or clock()}
        document["event"] = event | made
    return document


def heard(event: TriggerEvent | ResumeEvent | None, ids: Callable[[], str], clock: Callable[[], datetime]) -> Input:
    """The input that a msg_received event brings; without an event an empty one."""
    msg = event.msg if event and event.msg else MsgIn(text="")
    return Input(
        type="msg",
        uuid=(event.uuid if event else "") or ids(),
        created_on=(event.created_on if event else None) or clock(),
        text=msg.text,
        channel=msg.channel,
        urn=msg.urn,
        attachments=msg.attachments,
        external_id=msg.external_id,
        payload=msg.payload,
    )


def _read(document: Any, kind: type[AnyInput], what: str) -> AnyInput:
    try:
        return msgspec.convert(without_nulls(document), kind)
    except msgspec.ValidationError as error:
        raise Unreadable(f"This {what} cannot be read: {error}") from None


def without_nulls(value: Any) -> Any:
    """A key given as null counts as absent; not inside `params`, `payload` and the like, which are anybody's JSON."""
    if isinstance(value, list):
        return [without_nulls(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {key: item if key in FREE else without_nulls(item) for key, item in value.items() if item is not None}


FREE = frozenset({"params", "payload", "run_summary", "flows"})
