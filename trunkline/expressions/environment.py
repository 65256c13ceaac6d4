"""The environment an expression is evaluated in: formats, zone, languages, country, redaction."""

from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from trunkline.expressions.values import ExpressionError

DateFormat = Literal["YYYY-MM-DD", "MM-DD-YYYY", "DD-MM-YYYY"]
TimeFormat = Literal["tt:mm", "h:mm aa", "tt:mm:ss", "h:mm:ss aa"]
Collation = Literal["default", "confusables", "arabic_variants"]
Redaction = Literal["none", "urns"]


class NumberFormat(Struct, frozen=True):
    decimal_symbol: str = "."
    digit_grouping_symbol: str = ","


class Environment(Struct, frozen=True):
    """How an account writes dates and numbers, and where it is. `timezone` is an IANA name that exists."""

    date_format: DateFormat = "YYYY-MM-DD"
    time_format: TimeFormat = "tt:mm"
    timezone: str = "UTC"
    allowed_languages: tuple[str, ...] = ()
    default_country: str = ""
    number_format: NumberFormat = NumberFormat()
    input_collation: Collation = "default"
    redaction_policy: Redaction = "none"
    obfuscation_key: tuple[int, int, int, int] | None = None

    def __post_init__(self) -> None:
        zone(self.timezone)

    @property
    def zone(self) -> ZoneInfo:
        return zone(self.timezone)

    @property
    def default_language(self) -> str:
        return self.allowed_languages[0] if self.allowed_languages else ""

    @property
    def redacts_urns(self) -> bool:
        return self.redaction_policy == "urns"


def read(document: object) -> Environment:
    """The environment of its JSON form. Missing keys and nulls take the defaults; `None` is all defaults."""
    if document is None:
        return Environment()
    if not isinstance(document, dict):
        raise ExpressionError("an environment is an object")
    try:
        return msgspec.convert(_given(document), Environment)
    except msgspec.ValidationError as error:
        raise ExpressionError(f"unreadable environment: {error}") from None


def _given(document: dict[str, object]) -> dict[str, object]:
    return {
        key: _given(value) if isinstance(value, dict) else value for key, value in document.items() if value is not None
    }


@lru_cache(maxsize=1024)
def zone(name: str) -> ZoneInfo:
    """The zone of an IANA name, from the packaged table or the system's."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ExpressionError(f"unknown timezone {name!r}") from None
