"""Phone numbers: whatever people type in, E.164 out."""

import re
from functools import lru_cache
from types import ModuleType


class BadPhone(ValueError):
    """Not a phone number with its country code; the text is a sentence for the user."""


@lru_cache(maxsize=16_384)
def parse(text: str, country: str | None = None) -> str:
    """E.164 of a number that could be dialled; it need not be in service.

    Without `country` (ISO 3166, two letters) the number must start with `+` and its country code.
    """
    typed = text.translate(INVISIBLE).strip() if not text.isascii() else text.strip()
    if not SHAPE.fullmatch(typed):
        raise BadPhone("The phone number may hold only digits, spaces and + - . ( ) /.")
    if not typed.startswith("+") and not country:
        raise BadPhone("The phone number must start with + and the country code.")
    return _e164(typed, country.upper() if country else None)


def country_of(e164: str) -> str | None:
    """The two letters of the country, the main one where several share a code; none for satellites."""
    phonenumbers = _library()
    try:
        number = phonenumbers.parse(e164)
    except phonenumbers.NumberParseException:
        return None
    region = phonenumbers.region_code_for_number(number)
    region = region or phonenumbers.region_code_for_country_code(number.country_code)
    return region if region.isalpha() and region != "ZZ" else None


@lru_cache(maxsize=16_384)
def national(e164: str) -> str:
    """As people in its country write it: +250788123123 is 0788 123 123."""
    phonenumbers = _library()
    try:
        number = phonenumbers.parse(e164)
    except phonenumbers.NumberParseException:
        return e164
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL)


def is_extra_charged(e164: str) -> bool:
    """Whether the number bills whoever calls it."""
    phonenumbers = _library()
    kind = phonenumbers.number_type(phonenumbers.parse(e164))
    return phonenumbers.PhoneNumberType.to_string(kind) == "PREMIUM_RATE"


def _e164(typed: str, country: str | None) -> str:
    phonenumbers = _library()
    try:
        number = phonenumbers.parse(typed, country)
    except phonenumbers.NumberParseException:
        raise BadPhone("The phone number has no country code that exists.") from None
    reason = phonenumbers.is_possible_number_with_reason(number)
    # "Local only" numbers lack their area code and cannot be dialled from here.
    if reason != phonenumbers.ValidationResult.IS_POSSIBLE:
        raise BadPhone("The phone number has too few or too many digits for its country.")
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    # A trunk prefix came off, as in +44 (0)20; if another comes off at a second reading, nobody can say
    # which number is meant.
    if len(e164) > 16 or (e164 != "+" + DECORATION.sub("", typed) and _e164(e164, None) != e164):
        raise BadPhone("The phone number has too many digits.")
    return e164


def _library() -> ModuleType:
    # Its tables take 40 ms to load, which commands that know no phone should not pay.
    import phonenumbers

    return phonenumbers


DECORATION = re.compile(r"[^0-9]")
SHAPE = re.compile(r"\+?[ ().\-/]*(?:[0-9][ ().\-/]*){2,20}", re.ASCII)
# Address books paste numbers wrapped in direction marks, with hard spaces and typographic hyphens.
INVISIBLE = {
    **dict.fromkeys([0x200B, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2060, 0x206A), 0xFEFF]),
    **dict.fromkeys([0x00A0, 0x2009, 0x202F], " "),
    **dict.fromkeys([0x2010, 0x2011, 0x2012, 0x2013], "-"),
}
