"""Forms: what was typed into a page or stands in its address, read as what it should be."""

from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

from starlette.datastructures import ImmutableMultiDict, UploadFile
from starlette.requests import Request

from trunkline.core import text
from trunkline.core.errors import Invalid

Option = TypeVar("Option", bound=str)

MOST_FIELDS = 1_000
MOST_FILES = 5
LONGEST = 1_000_000


class Form:
    """Values by name. What is missing reads as empty; what cannot be read as asked is refused with the field's name."""

    def __init__(self, values: ImmutableMultiDict[str, UploadFile | str]):
        self._values = values

    def text(self, name: str, *, most: int = 1_000) -> str:
        """One line or several, without the spaces around."""
        value = self._values.get(name, "")
        said = text.clean(value).strip() if isinstance(value, str) else ""
        if len(said) > most:
            raise Invalid({name: [f"At most {most:,} characters."]})
        return said

    def raw(self, name: str) -> str:
        """As it was typed: passwords."""
        value = self._values.get(name, "")
        return value if isinstance(value, str) else ""

    def texts(self, name: str) -> list[str]:
        """All that a list of boxes or a choice of several says."""
        return [text.clean(each).strip() for each in self._values.getlist(name) if isinstance(each, str) and each]

    def one_of(self, name: str, options: Sequence[Option]) -> Option:
        """The option that was chosen. A form of ours says no other, so anything else is the first one."""
        said = self.text(name)
        return next((option for option in options if option == said), options[0])

    def flag(self, name: str) -> bool:
        return self.text(name).lower() in ("1", "on", "true", "yes")

    def number(self, name: str, *, least: int = 0, most: int = 2**63 - 1) -> int | None:
        """A whole number; None when nothing was typed."""
        said = self.text(name)
        if not said:
            return None
        try:
            value = int(said)
        except ValueError:
            raise Invalid({name: ["This is no whole number."]}) from None
        if not least <= value <= most:
            raise Invalid({name: [f"From {least:,} to {most:,}."]})
        return value

    def numbers(self, name: str) -> list[int]:
        """Ids of chosen rows."""
        try:
            return [int(each) for each in self.texts(name)]
        except ValueError:
            raise Invalid({name: ["This is no whole number."]}) from None

    def moment(self, name: str, zone: ZoneInfo) -> datetime | None:
        """What a field for date and time says, on the clock of `zone`."""
        said = self.text(name)
        if not said:
            return None
        try:
            return datetime.fromisoformat(said).replace(tzinfo=zone)
        except ValueError:
            raise Invalid({name: ["This is no date and time."]}) from None

    def file(self, name: str) -> UploadFile | None:
        """An upload; None when no file was chosen."""
        value = self._values.get(name)
        return value if isinstance(value, UploadFile) and value.filename else None

    def __contains__(self, name: str) -> bool:
        return name in self._values


async def read(request: Request) -> Form:
    """The body of a request. Files live until the request ends."""
    return Form(await request.form(max_files=MOST_FILES, max_fields=MOST_FIELDS, max_part_size=LONGEST))


def query(request: Request) -> Form:
    """What stands behind the question mark."""
    pairs = parse_qsl(request.url.query, keep_blank_values=True, max_num_fields=MOST_FIELDS)
    return Form(ImmutableMultiDict(pairs))
