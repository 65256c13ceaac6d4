"""Search terms: what somebody typed, as patterns for the database."""

import re
import unicodedata

from msgspec import Struct

from trunkline.contacts import names
from trunkline.core import text


class Term(Struct, frozen=True):
    """A search term as `like` patterns, its wildcards taken literally."""

    pattern: str
    digits: str | None
    company: str
    indexable: bool

    @classmethod
    def of(cls, typed: str) -> "Term | None":
        """None for a term of spaces, which asks for nothing."""
        term = names.SPACES.sub(" ", unicodedata.normalize("NFC", text.clean(typed))).strip().lower()
        if not term:
            return None
        digits = NOT_DIGITS.sub("", term) if PHONE.fullmatch(term) else ""
        return cls(
            pattern=_like(term[:LONGEST]),
            digits=_like(digits) if digits and digits != term and len(digits) >= 3 else None,
            company=_like(names.key(term)[:LONGEST]),
            indexable=TRIGRAM.search(term) is not None,
        )


def _like(term: str) -> str:
    literal = WILDCARDS.sub(r"\\\g<0>", term)
    return f"%{literal}%"


LONGEST = 200
WILDCARDS = re.compile(r"[%_\\]")
TRIGRAM = re.compile(r"[^\W_]{3}")
PHONE = re.compile(r"\+?[\d\s().\-/]+")
NOT_DIGITS = re.compile(r"\D")
