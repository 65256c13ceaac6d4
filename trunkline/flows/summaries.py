"""What one session tells another about its run: written when a session is started, read as `@parent`."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import Struct

from trunkline.flows.contact import Contact, Ticket
from trunkline.flows.inputs import Trigger, without_nulls
from trunkline.flows.sessions import FlowRef, Result, Run


class Summary(Struct, omit_defaults=True, kw_only=True):
    uuid: str = ""
    flow: FlowRef = FlowRef("")
    contact: Contact | None = None
    status: str = ""
    results: dict[str, "SummaryResult"] = {}


class SummaryResult(Result, kw_only=True):
    """Other systems leave things out."""

    name: str = ""
    value: str = ""
    node_uuid: str = ""
    created_on: datetime = datetime(1970, 1, 1, tzinfo=UTC)


def write(run: Run, contact: Contact) -> dict[str, Any]:
    """As plain JSON, for the event that starts other sessions."""
    summary = {
        "uuid": run.uuid,
        "flow": FlowRef(run.flow.uuid, run.flow.name),
        "contact": contact,
        "status": run.status,
        "results": run.results,
    }
    return DECODER.decode(ENCODER.encode(summary))


def read(document: dict[str, Any]) -> Summary:
    """An unreadable summary is an empty one: expressions then say so."""
    try:
        return msgspec.convert(without_nulls(document), Summary)
    except msgspec.ValidationError:
        return Summary()


def ticket(trigger: Trigger) -> Ticket | None:
    """The ticket whose closing triggered a session."""
    document = trigger.ticket or (trigger.event.ticket if trigger.event else None)
    try:
        return msgspec.convert(without_nulls(document), Ticket) if document else None
    except msgspec.ValidationError:
        return None


ENCODER = msgspec.json.Encoder(decimal_format="number")
DECODER = msgspec.json.Decoder(float_hook=Decimal)
