"""What many answers hold: references to things, and times with six digits."""

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

Moment = Annotated[str, Meta(examples=["2016-10-13T11:54:32.525277Z"], extra_json_schema={"format": "date-time"})]


class Ref(Struct, frozen=True):
    uuid: UUID
    name: str | None


class UserRef(Struct, frozen=True):
    email: str
    name: str


def moment(value: datetime) -> str:
    """Six digits of the second, always."""
    if value.tzinfo is not UTC:
        value = value.astimezone(UTC)
    return value.isoformat(timespec="microseconds")[:26] + "Z"


def moment_or_none(value: datetime | None) -> str | None:
    return None if value is None else moment(value)
