"""What happened in a sprint: the engine applies each to its contact at once, the host to the database afterwards.

`type` is the tag of each struct. Whoever logs an event gives neither `uuid` nor `created_on`; `Scene.log` does.
"""

from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import Struct

from trunkline.flows.contact import FieldValue, Ticket
from trunkline.flows.sessions import FlowRef, Ref


class Event(Struct, kw_only=True, omit_defaults=True, tag_field="type"):
    uuid: str = ""
    created_on: datetime | None = None

    @property
    def type(self) -> str:
        return self.__struct_config__.tag  # type: ignore[return-value]


class FieldRef(Struct, frozen=True):
    key: str
    name: str


class QuickReply(Struct, frozen=True, omit_defaults=True):
    type: str
    text: str
    extra: str = ""


class Templating(Struct, omit_defaults=True):
    """A message template filled in: `components` as in its translation, `variables` `{type, value}`."""

    template: Ref
    components: list[dict[str, Any]] = []
    variables: list[dict[str, Any]] = []
    namespace: str = ""


class MsgOut(Struct, omit_defaults=True, kw_only=True):
    text: str
    urn: str = ""
    channel: Ref | None = None
    attachments: list[str] = []
    quick_replies: list[QuickReply] = []
    templating: Templating | None = None
    locale: str = ""
    unsendable_reason: str = ""


class MsgIn(Struct, omit_defaults=True, kw_only=True):
    text: str
    urn: str = ""
    channel: Ref | None = None
    attachments: list[str] = []
    external_id: str = ""
    payload: Any = None


class ResultBefore(Struct):
    value: str
    category: str


class Dial(Struct, frozen=True):
    status: str
    duration: int = 0


class Tokens(Struct, frozen=True):
    input: int = 0
    output: int = 0


# Runs and results


class RunStarted(Event, tag="run_started"):
    flow: FlowRef
    run_uuid: str
    parent_uuid: str = ""
    terminal: bool = False


class RunEnded(Event, tag="run_ended"):
    run_uuid: str
    flow: FlowRef
    status: str


class RunResultChanged(Event, tag="run_result_changed"):
    name: str
    value: str
    category: str
    extra: Any = None
    previous: ResultBefore | None = None


# Messages and waits


class MsgCreated(Event, tag="msg_created"):
    msg: MsgOut


class IvrCreated(Event, tag="ivr_created"):
    msg: MsgOut


class BroadcastCreated(Event, tag="broadcast_created"):
    """`translations` maps languages to `{text, attachments?, quick_replies?}`."""

    translations: dict[str, Any]
    base_language: str
    groups: list[Ref] = []
    contacts: list[Ref] = []
    contact_query: str = ""
    urns: list[str] = []
    template: Ref | None = None
    template_variables: list[str] = []


class SessionTriggered(Event, tag="session_triggered"):
    flow: FlowRef
    run_summary: dict[str, Any]
    history: Any
    groups: list[Ref] = []
    contacts: list[Ref] = []
    contact_query: str = ""
    urns: list[str] = []
    exclusions: dict[str, Any] = {}
    create_contact: bool = False


class EmailSent(Event, tag="email_sent"):
    to: list[str]
    subject: str
    body: str


class MsgWait(Event, tag="msg_wait"):
    expires_on: datetime | None = None
    timeout_seconds: int = 0
    hint: dict[str, Any] | None = None


class DialWait(Event, tag="dial_wait"):
    urn: str
    dial_limit_seconds: int
    call_limit_seconds: int
    expires_on: datetime | None = None


# The contact


class ContactNameChanged(Event, tag="contact_name_changed"):
    name: str


class ContactLanguageChanged(Event, tag="contact_language_changed"):
    language: str


class ContactTimezoneChanged(Event, tag="contact_timezone_changed"):
    timezone: str


class ContactStatusChanged(Event, tag="contact_status_changed"):
    status: str


class ContactFieldChanged(Event, tag="contact_field_changed"):
    """`value` None clears the field."""

    field: FieldRef
    value: FieldValue | None


class ContactGroupsChanged(Event, tag="contact_groups_changed"):
    groups_added: list[Ref] = []
    groups_removed: list[Ref] = []


class ContactUrnsChanged(Event, tag="contact_urns_changed"):
    """All URNs the contact has now, in order."""

    urns: list[str]


class ContactLastSeenChanged(Event, tag="contact_last_seen_changed"):
    last_seen_on: datetime


class ContactFlowChanged(Event, tag="contact_flow_changed"):
    flow: FlowRef | None


# Things around the contact


class InputLabelsAdded(Event, tag="input_labels_added"):
    input_uuid: str
    labels: list[Ref]


class TicketOpened(Event, tag="ticket_opened"):
    ticket: Ticket


class TicketClosed(Event, tag="ticket_closed"):
    ticket_uuid: str


class TicketReopened(Event, tag="ticket_reopened"):
    ticket_uuid: str


class TicketNoteAdded(Event, tag="ticket_note_added"):
    ticket_uuid: str
    note: str


class TicketAssigneeChanged(Event, tag="ticket_assignee_changed"):
    ticket_uuid: str
    assignee: Ref | None


class TicketTopicChanged(Event, tag="ticket_topic_changed"):
    ticket_uuid: str
    topic: Ref


# The world outside


class WebhookCalled(Event, tag="webhook_called"):
    """`status`: success, response_error, connection_error, subscriber_gone."""

    url: str
    status: str
    request: str
    elapsed_ms: int
    retries: int
    status_code: int = 0
    response: str = ""
    resthook: str = ""


class ResthookCalled(Event, tag="resthook_called"):
    resthook: str
    payload: dict[str, Any]


class LlmCalled(Event, tag="llm_called"):
    llm: Ref
    instructions: str
    input: str
    output: str
    tokens: Tokens
    elapsed_ms: int


class AirtimeCreated(Event, tag="airtime_created"):
    external_id: str
    sender: str
    recipient: str
    currency: str
    amount: int | Decimal


# What went wrong


class Warned(Event, tag="warning"):
    text: str
    code: str = ""
    extra: dict[str, Any] | None = None


class Erred(Event, tag="error"):
    text: str
    code: str = ""
    extra: dict[str, Any] | None = None


class Failed(Event, tag="failure"):
    text: str


# Logged by the host only; here so that histories can be read back


class MsgReceived(Event, tag="msg_received"):
    msg: MsgIn


class WaitTimedOut(Event, tag="wait_timed_out"):
    pass


class WaitExpired(Event, tag="wait_expired"):
    pass


class DialEnded(Event, tag="dial_ended"):
    dial: Dial


def dump(event: Event) -> bytes:
    return ENCODER.encode(event)


ENCODER = msgspec.json.Encoder(decimal_format="number")
