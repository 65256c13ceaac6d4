"""Regular expressions in the RE2 dialect: linear time, no look-around, no back-references."""

from functools import lru_cache
from typing import Any

import re2


class BadPattern(ValueError):
    """Not a regular expression."""


def first_match(pattern: str, text: str) -> list[str] | None:
    """Whole match and groups of the first place in `text` that fits; a group without a part is "".

    `^` and `$` match at lines, case does not matter.
    """
    found = _compiled(pattern).search(text)
    return [found[0], *(group or "" for group in found.groups())] if found else None


@lru_cache(maxsize=128)
def _compiled(pattern: str) -> Any:
    if len(pattern) > LONGEST:
        raise BadPattern("the pattern is too long")
    try:
        return re2.compile(f"(?mi){pattern}", OPTIONS)
    except re2.error as error:
        reason = error.args[0] if error.args else error
        raise BadPattern(f"bad pattern: {reason.decode() if isinstance(reason, bytes) else reason}") from None


def _options() -> Any:
    options = re2.Options()
    # A mistake in somebody's flow is told to its author, not to the server's log.
    options.log_errors = False
    return options


LONGEST = 10_000
OPTIONS = _options()
