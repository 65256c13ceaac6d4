"""Functions on characters: codes, case, trimming, cutting, searching, encoding."""

import html
import unicodedata
from urllib.parse import quote

from trunkline.expressions import numbers, patterns
from trunkline.expressions.convert import to_integer, to_number, to_text
from trunkline.expressions.functions import function
from trunkline.expressions.scope import Scope
from trunkline.expressions.values import ExpressionError, Value

LONGEST_REPETITION = 10_000


@function("char", 1)
def char(scope: Scope, number: Value) -> str:
    code_point = to_integer(scope, number)
    if not 0 <= code_point < 0x110000 or 0xD800 <= code_point < 0xE000:
        raise ExpressionError(f"{code_point} is not the code of a character")
    return chr(code_point)


@function("code", 1)
def code(scope: Scope, text: Value) -> int:
    characters = to_text(scope, text)
    if not characters:
        raise ExpressionError("requires a text of at least one character")
    return ord(characters[0])


@function("trim", 1, 2)
def trim(scope: Scope, text: Value, characters: Value = None) -> str:
    return to_text(scope, text).strip(_trimmed(scope, characters))


@function("trim_left", 1, 2)
def trim_left(scope: Scope, text: Value, characters: Value = None) -> str:
    return to_text(scope, text).lstrip(_trimmed(scope, characters))


@function("trim_right", 1, 2)
def trim_right(scope: Scope, text: Value, characters: Value = None) -> str:
    return to_text(scope, text).rstrip(_trimmed(scope, characters))


@function("clean", 1)
def clean(scope: Scope, text: Value) -> str:
    """Without control, format and unassigned characters, line ends among them."""
    dirty = to_text(scope, text)
    if dirty.isascii() and dirty.isprintable():
        return dirty
    return "".join(each for each in dirty if unicodedata.category(each)[0] != "C")


@function("text_slice", 2, 3)
def text_slice(scope: Scope, text: Value, start: Value, end: Value = None) -> str:
    first, last = to_integer(scope, start), None if end is None else to_integer(scope, end)
    return to_text(scope, text)[first:last]


@function("lower", 1)
def lower(scope: Scope, text: Value) -> str:
    return to_text(scope, text).lower()


@function("upper", 1)
def upper(scope: Scope, text: Value) -> str:
    return to_text(scope, text).upper()


@function("text_length", 1)
def text_length(scope: Scope, text: Value) -> int:
    return len(to_text(scope, text))


@function("text_compare", 2)
def text_compare(scope: Scope, a: Value, b: Value) -> int:
    one, other = to_text(scope, a), to_text(scope, b)
    return (one > other) - (one < other)


@function("regex_match", 2, 3)
def regex_match(scope: Scope, text: Value, pattern: Value, group: Value = None) -> str:
    number = 0 if group is None else to_integer(scope, group)
    found = patterns.first_match(to_text(scope, pattern), to_text(scope, text))
    if not found:
        raise ExpressionError("the text has no match for the pattern")
    if not 0 <= number < len(found):
        raise ExpressionError(f"the pattern has no group {number}")
    return found[number]


@function("repeat", 2)
def repeat(scope: Scope, text: Value, times: Value) -> str:
    repeated, count = to_text(scope, text), to_integer(scope, times)
    if count < 0:
        raise ExpressionError(f"can't repeat a text {count} times")
    if len(repeated) * count > LONGEST_REPETITION:
        raise ExpressionError(f"the result is longer than {LONGEST_REPETITION} characters")
    return repeated * count


@function("replace", 3, 4)
def replace(scope: Scope, text: Value, needle: Value, replacement: Value, count: Value = None) -> str:
    haystack, sought, instead = to_text(scope, text), to_text(scope, needle), to_text(scope, replacement)
    most = -1 if count is None else to_integer(scope, count)
    places = haystack.count(sought)
    # Count what is written before it is: a short text may ask for a very long one.
    scope.toil((places if most < 0 else min(places, most)) * len(instead))
    return haystack.replace(sought, instead, most)


@function("percent", 1)
def percent(scope: Scope, number: Value) -> str:
    hundredths = numbers.multiply(to_number(scope, number), 100)
    return f"{numbers.plain(numbers.rounded(hundredths))}%"


@function("url_encode", 1)
def url_encode(scope: Scope, text: Value) -> str:
    return quote(to_text(scope, text), safe="")


@function("html_decode", 1)
def html_decode(scope: Scope, text: Value) -> str:
    return html.unescape(to_text(scope, text))


def _trimmed(scope: Scope, characters: Value) -> str | None:
    """None means white space."""
    return to_text(scope, characters) or None
