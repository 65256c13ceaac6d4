"""Appointments: events that workflows put into calendars, and the invitations (RFC 5545) that go out for them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from msgspec import Struct

from trunkline.core import clock
from trunkline.core.db import Tx, sql

LINE = 75
"""Octets after which a line is folded."""


class Appointment(Struct, frozen=True):
    uuid: UUID
    contact_id: int | None
    summary: str
    description: str
    location: str
    timezone: str
    starts_at: datetime
    ends_at: datetime
    attendees: list[str]


async def keep(tx: Tx, event: Appointment) -> None:
    """Store an event; the same uuid is the same event."""
    columns = (event.summary, event.description, event.location, event.timezone, event.starts_at, event.ends_at)
    await tx.run(KEEP, tx.account, event.uuid, event.contact_id, *columns, event.attendees)


async def of_contact(tx: Tx, contact_id: int, limit: int = 100) -> list[Appointment]:
    """The latest first."""
    return await tx.fetch(Appointment, OF_CONTACT, tx.account, contact_id, limit)


def invitation(event: Appointment, organizer: str, to: Sequence[str]) -> bytes:
    """The file that calendars understand as an invitation. Moments are in UTC, which needs no table of zones."""
    people = [f"ATTENDEE;ROLE=REQ-PARTICIPANT;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:{one}" for one in to]
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Trunkline//Workflows//EN",
        "METHOD:REQUEST",
        "BEGIN:VEVENT",
        f"UID:{event.uuid}",
        f"DTSTAMP:{_moment(clock.now())}",
        f"DTSTART:{_moment(event.starts_at)}",
        f"DTEND:{_moment(event.ends_at)}",
        f"SUMMARY:{_text(event.summary)}",
        *([f"DESCRIPTION:{_text(event.description)}"] if event.description else []),
        *([f"LOCATION:{_text(event.location)}"] if event.location else []),
        f"ORGANIZER:mailto:{organizer}",
        *people,
        "SEQUENCE:0",
        "STATUS:CONFIRMED",
        "END:VEVENT",
        "END:VCALENDAR",
    ]
    return b"".join(_folded(line) for line in lines)


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def _text(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    return "\\n".join(escaped.splitlines())


def _folded(line: str) -> bytes:
    """Lines go on after a space; a letter of several octets is never torn."""
    pieces, piece = [], b""
    for letter in line:
        octets = letter.encode()
        if len(piece) + len(octets) > LINE - (1 if pieces else 0):
            pieces.append(piece)
            piece = b""
        piece += octets
    return b"\r\n ".join([*pieces, piece]) + b"\r\n"


KEEP = sql("""
    insert into calendar_events (account_id, uuid, contact_id, summary, description, location, timezone, starts_at,
        ends_at, attendees)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
    on conflict (account_id, uuid) do nothing
""")

OF_CONTACT = sql("""
    select uuid, contact_id, summary, coalesce(description, '') as description, coalesce(location, '') as location,
        timezone, starts_at, ends_at, attendees
    from calendar_events where account_id = $1 and contact_id = $2 order by starts_at desc, id desc limit $3
""")
