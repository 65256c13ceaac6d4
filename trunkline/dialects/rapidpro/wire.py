"""What many answers hold: references to things, and times with six digits."""

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta, Struct

Moment = Annotated[str, Meta(examples=["2016-10-13T11:54:32.525277Z"], extra_json_schema={"format": "date-time"})]


class Ref(Struct, frozen=True):
    uuid: UUID
    name: str | None


class UserRef(Struct, frozen=True):
    email: str
    name: str


def moment(value: datetime) -> Any:
    """Six digits of the second, always: as the encoder writes it, many times faster than we could, unless all are 0."""
    if value.tzinfo is not UTC:
        value = value.astimezone(UTC)
    return value if value.microsecond else f"{value.isoformat()[:19]}.000000Z"


def moment_or_none(value: datetime | None) -> Any:
    return None if value is None else moment(value)
