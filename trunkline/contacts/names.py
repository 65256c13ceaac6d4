"""Names as they are stored, compared, split and joined; limits for the texts of contacts."""

import re
import unicodedata

from trunkline.core import text
from trunkline.core.errors import Invalid

MOST = {"name": 512, "phone": 100, "country": 100, "timezone": 100, "language": 35, "avatar": 2048, "notes": 20_000}
MOST_OTHERWISE = 255


def tidy(value: str | None, field: str, most: int | None = None) -> str | None:
    """One line in composed Unicode without outer space, None when nothing is left; raises when too long."""
    if not value:
        return None
    if value.isascii() and value.isprintable():  # most are, and imports have millions
        kept = value.strip()
    else:
        kept = value if field == "notes" else text.one_line(value)
        kept = unicodedata.normalize("NFC", text.clean(kept)).strip()
    most = most or MOST.get(field, MOST_OTHERWISE)
    if len(kept) > most:
        raise Invalid({field: [f"The {label(field)} must not be longer than {most} characters."]})
    return kept or None


def required(value: str | None, field: str = "name") -> str:
    """Like `tidy`, for the name of a thing, which must not be empty."""
    kept = tidy(value, field, MOST_OTHERWISE)
    if kept is None:
        raise Invalid({field: [f"The {label(field)} field is required."]})
    return kept


def key(name: str) -> str:
    """What makes two names the same: neither case, nor width, nor the amount of space."""
    return SPACES.sub(" ", unicodedata.normalize("NFKC", name).casefold()).strip()


def split(name: str) -> tuple[str, str]:
    """First and last name, parted at the first space; for display only."""
    first, _, last = name.partition(" ")
    return first[:MOST_OTHERWISE], last.strip()[:MOST_OTHERWISE]


def join(first: str | None, last: str | None) -> str:
    return f"{first or ''} {last or ''}".strip()


def label(field: str) -> str:
    return field.replace("_", " ")


SPACES = re.compile(r"\s+")
