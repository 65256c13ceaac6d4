"""The contact of a session, as the engine sees and changes it."""

from decimal import Decimal
from typing import Any

import msgspec
from msgspec import Struct

from trunkline.flows.sessions import FlowRef, Moment, Ref

MAX_URNS = 50


class FieldValue(Struct, frozen=True, omit_defaults=True):
    """One text, parsed into every type it can be."""

    text: str
    number: int | Decimal | None = None
    datetime: Moment | None = None
    state: str = ""
    district: str = ""
    ward: str = ""


class Ticket(Struct, frozen=True, omit_defaults=True):
    """Open unless `status` says closed."""

    uuid: str
    topic: Ref | None = None
    assignee: Ref | None = None
    status: str = ""
    last_activity_on: Moment | None = None

    @property
    def is_open(self) -> bool:
        return self.status != "closed"


class Contact(Struct, omit_defaults=True):
    """Changed in place during a sprint. `urns` are texts: `scheme:path?channel=uuid#display` (see `addresses`).

    `ref`, `flow` and `history` serve queries only and may stay away.
    """

    uuid: str
    id: int = 0
    name: str = ""
    language: str = ""
    status: str = ""  # active, blocked, stopped, archived
    timezone: str = ""
    created_on: Moment | None = None
    last_seen_on: Moment | None = None
    urns: list[str] = []
    groups: list[Ref] = []
    fields: dict[str, FieldValue] = {}
    tickets: list[Ticket] = []
    ref: str = ""
    flow: FlowRef | None = None
    history: list[FlowRef] = []

    def __post_init__(self) -> None:
        self.status = self.status or "active"  # not the default of the field, which would be left out of JSON


def load(document: bytes | str) -> Contact:
    """Raises msgspec.ValidationError or DecodeError."""
    return DECODER.decode(document)


def dump(contact: Contact) -> bytes:
    return ENCODER.encode(contact)


def convert(document: Any) -> Contact:
    """The contact in an object of JSON already read."""
    return msgspec.convert(document, Contact)


ENCODER = msgspec.json.Encoder(decimal_format="number")
DECODER = msgspec.json.Decoder(Contact, float_hook=Decimal)
