"""Whom a query is asked about: a contact of a flow session, or any object with the same attributes."""

from collections.abc import Mapping, Sequence
from datetime import datetime as Moment
from decimal import Decimal
from typing import Any, Protocol

import msgspec
from msgspec import Struct


class Value(Protocol):
    """A text, with what it means as each type; a location is a path, "" or None where there is none."""

    @property
    def text(self) -> str: ...

    @property
    def number(self) -> int | Decimal | None: ...

    @property
    def datetime(self) -> Moment | None: ...


class Subject(Protocol):
    """`urns` are texts like `tel:+250788123123?channel=…`; groups, flow and history have `uuid` and `name`;
    a ticket is open unless its `status` is closed.
    """

    @property
    def uuid(self) -> str: ...

    @property
    def id(self) -> int: ...

    @property
    def ref(self) -> str: ...

    @property
    def name(self) -> str: ...

    @property
    def status(self) -> str: ...

    @property
    def language(self) -> str: ...

    @property
    def created_on(self) -> Moment | None: ...

    @property
    def last_seen_on(self) -> Moment | None: ...

    @property
    def urns(self) -> Sequence[str]: ...

    @property
    def groups(self) -> Sequence[Any]: ...

    @property
    def flow(self) -> Any: ...

    @property
    def history(self) -> Sequence[Any]: ...

    @property
    def tickets(self) -> Sequence[Any]: ...

    @property
    def fields(self) -> Mapping[str, Value | None]: ...


class Named(Struct, frozen=True):
    uuid: str = ""
    name: str = ""


class Ticket(Struct, frozen=True):
    status: str = "open"


class FieldValue(Struct, frozen=True):
    text: str = ""
    number: int | Decimal | None = None
    datetime: Moment | None = None
    state: str | None = None
    district: str | None = None
    ward: str | None = None


class Person(Struct):
    """A contact in its JSON form, as far as queries ask."""

    uuid: str = ""
    id: int = 0
    ref: str = ""
    name: str = ""
    status: str = "active"
    language: str = ""
    created_on: Moment | None = None
    last_seen_on: Moment | None = None
    urns: list[str] = []
    groups: list[Named] = []
    flow: Named | None = None
    history: list[Named] = []
    tickets: list[Ticket] = []
    fields: dict[str, FieldValue | None] = {}


def read(document: Any) -> Person:
    """The person in an object of JSON; raises `msgspec.ValidationError`."""
    given = {key: value for key, value in document.items() if value is not None} if isinstance(document, dict) else None
    return DECODER.decode(ENCODER.encode(given))


ENCODER = msgspec.json.Encoder(decimal_format="number")
DECODER = msgspec.json.Decoder(Person, float_hook=Decimal)
