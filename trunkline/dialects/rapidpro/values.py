"""Values of custom fields: read the way the workspace writes dates, shown in its time zone, always as text."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from trunkline.accounts.roles import Role
from trunkline.contacts import environments, fields
from trunkline.contacts.fields import Field
from trunkline.core import clock
from trunkline.core.text import clean
from trunkline.dialects.rapidpro.fields import Entries, Reading, Text, Wrong
from trunkline.expressions import dates

MOST = 640
"""Characters of a value that are kept."""

Shown = Callable[[Mapping[str, Any]], dict[str, str | None]]


def visible(known: Sequence[Field], role: Role) -> list[Field]:
    """Agents do not see every field."""
    return [each for each in known if role != "agent" or each.agent_access != "none"]


def shown(known: Sequence[Field], timezone: str) -> Shown:
    """How the stored values of a contact are written: every field by its key, null where there is nothing."""
    zone = ZoneInfo(timezone)
    writers = [(each.key, WRITERS.get(each.type, _text)) for each in known]
    writers = [(each, partial(_moment, zone) if writer is _moment else writer) for each, writer in writers]

    def write(values: Mapping[str, Any]) -> dict[str, str | None]:
        return {key: writer(values[key]) if key in values else None for key, writer in writers}

    return write


class Values(Entries):
    """Values by the keys of fields that are there and that the caller may write."""

    def __init__(self, help: str) -> None:
        super().__init__(help, Text("A value.", most=10_000, blank=True, null=True, required=False), required=False)

    async def read(self, reading: Reading, value: Any) -> dict[str, Any]:
        given = await super().read(reading, value)
        role = reading.call.caller.role
        known = {each.key: each for each in visible(await fields.all(reading.tx), role)}
        for key in given:
            if key not in known:
                raise Wrong([f"Invalid contact field key: {clean(key)}"])
            if role == "agent" and known[key].agent_access != "edit":
                raise Wrong([f"Editing of '{key}' values disallowed for current user."])
        return await _stored(reading, known, given)


async def _stored(reading: Reading, known: Mapping[str, Field], given: Mapping[str, str | None]) -> dict[str, Any]:
    """A date is stored as the moment it means, with its zone; what cannot be read stays a text."""
    environment = await environments.of_account(reading.tx)
    found: dict[str, Any] = {}
    for key, text in given.items():
        found[key] = text[:MOST] if text else None
        if text and known[key].type == "datetime" and not LOCAL.fullmatch(text):
            moment = dates.parse_datetime(environment, SPACED.sub(r"\1T\2", text), clock.now(), fill=True)
            found[key] = moment.isoformat() if moment else found[key]
    return found


def _text(value: Any) -> str | None:
    return (
        value if isinstance(value, str) else str(found) if (found := fields.read("text", value)) is not None else None
    )


def _number(value: Any) -> str | None:
    found = fields.read("number", value)
    return fields.number_text(found) if isinstance(found, Decimal) else None


def _moment(zone: ZoneInfo, value: Any) -> str | None:
    found = fields.read("datetime", value)
    return found.astimezone(zone).isoformat() if isinstance(found, datetime) else None


WRITERS: dict[str, Callable[..., str | None]] = {"number": _number, "datetime": _moment}

# A time without its zone could be several moments.
LOCAL = re.compile(r"\s*\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?\s*", re.ASCII)
SPACED = re.compile(r"^(\d{4}-\d\d-\d\d) (\d\d:)", re.ASCII)
