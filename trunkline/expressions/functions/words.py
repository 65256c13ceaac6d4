"""Functions on the words of a text."""

from itertools import islice

from trunkline.expressions import words
from trunkline.expressions.convert import to_integer, to_text
from trunkline.expressions.functions import function
from trunkline.expressions.scope import Scope
from trunkline.expressions.values import ExpressionError, Value

MOST_PARTS = 10_000
QUOTES = ("'", "_")


@function("split", 1, 2)
def split(scope: Scope, text: Value, delimiters: Value = None) -> list[Value]:
    parts = _parts(scope, text, delimiters)
    if len(parts) > MOST_PARTS:
        raise ExpressionError(f"the text has more than {MOST_PARTS} parts")
    return list(parts)


@function("title", 1)
def title(scope: Scope, text: Value) -> str:
    lowered = to_text(scope, text).lower()
    capitalised, done = [], 0
    for start in words.starts(lowered):
        letter = start
        # A word may begin with a quote, as 'tis.
        while lowered[letter : letter + 1] in QUOTES:
            letter += 1
        capitalised += lowered[done:letter], lowered[letter : letter + 1].title()
        done = letter + 1
    return "".join(capitalised) + lowered[done:]


@function("word", 2, 3)
def word(scope: Scope, text: Value, index: Value, delimiters: Value = None) -> str:
    parts, at = _parts(scope, text, delimiters), to_integer(scope, index)
    if not -len(parts) <= at < len(parts):
        raise ExpressionError(f"index {at} is out of range for {len(parts)} word(s)")
    return parts[at]


@function("word_count", 1, 2)
def word_count(scope: Scope, text: Value, delimiters: Value = None) -> int:
    return len(_parts(scope, text, delimiters))


@function("word_slice", 2, 4)
def word_slice(scope: Scope, text: Value, start: Value, end: Value = None, delimiters: Value = None) -> str:
    """Without `end`, or with one of 0 and below, the slice goes to the last word."""
    first, last = to_integer(scope, start), -1 if end is None else to_integer(scope, end)
    if first < 0:
        raise ExpressionError(f"start must not be negative, got {first}")
    if 0 < last <= first:
        raise ExpressionError(f"end must be after start, got {first} and {last}")
    return " ".join(_parts(scope, text, delimiters)[first : last if last > 0 else None])


@function("remove_first_word", 1)
def remove_first_word(scope: Scope, text: Value) -> str:
    whole = to_text(scope, text)
    second = next(islice(words.starts(whole), 1, None), len(whole))
    return whole[second:]


@function("field", 3)
def field(scope: Scope, text: Value, index: Value, delimiter: Value) -> str:
    at, separator = to_integer(scope, index), to_text(scope, delimiter)
    if at < 0:
        raise ExpressionError(f"index must not be negative, got {at}")
    whole = to_text(scope, text)
    fields = whole.split(separator) if separator else list(whole)
    if separator == " ":
        fields = [each for each in fields if each]
    return fields[at].strip() if at < len(fields) else ""


def _parts(scope: Scope, text: Value, delimiters: Value) -> list[str]:
    return words.between(to_text(scope, text), to_text(scope, delimiters))
