"""What the stored value of a custom field means as each type; the database reads the same (`field_values`)."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from trunkline.contacts.query.subjects import FieldValue
from trunkline.contacts.query.words import SPACES


def read(value: Any) -> FieldValue | None:
    """A text with its readings; None for what is empty, or no text, number or truth."""
    if isinstance(value, bool):
        return FieldValue(text=str(value).lower())
    if not isinstance(value, str | int | float | Decimal):
        return None
    text = str(value).strip(SPACES)
    if not text:
        return None
    return FieldValue(text, _number(text), moment(text), state=text, district=text, ward=text)


def moment(text: str) -> datetime | None:
    """A date with its time and zone; a bare date or a local time could mean several moments."""
    if not MOMENT.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _number(text: str) -> Decimal | None:
    return Decimal(text) if NUMBER.fullmatch(text) else None


NUMBER = re.compile(r"[+-]?(?:[0-9]{1,36}(?:\.[0-9]{0,18})?|\.[0-9]{1,18})")
MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ](?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\.[0-9]{1,6})?)?"
    r"(?:[Zz]|[+-](?:0[0-9]|1[0-5]):[0-5][0-9])"
)
