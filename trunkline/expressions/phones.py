"""Phone numbers inside texts, and how people of a country write theirs."""

import re
from collections.abc import Iterator

from trunkline.core import phones


def find(text: str, country: str | None) -> str | None:
    """E.164 of the first number in `text` that could be dialled; `country` completes national ones."""
    return next(_numbers(text, country or None), None)


def national(e164: str) -> str | None:
    """The number as it is written at home; none if it is not a number of any country."""
    # Its tables take 40 ms to load, which flows without phones should not pay.
    import phonenumbers

    try:
        number = phonenumbers.parse(e164)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL)


def _numbers(text: str, country: str | None) -> Iterator[str]:
    for found in CANDIDATE.finditer(text):
        try:
            yield phones.parse(found.group(), country)
        except phones.BadPhone:
            continue


CANDIDATE = re.compile(r"\+?[0-9 .()\-]{5,}")
