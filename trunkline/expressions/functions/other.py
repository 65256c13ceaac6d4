"""Functions of no family: defaults, errors, reading aloud, prompts."""

import re
from datetime import datetime, timedelta

from trunkline.expressions import dates, numbers
from trunkline.expressions.convert import to_datetime, to_integer, to_number, to_text
from trunkline.expressions.functions import MANY, function
from trunkline.expressions.numbers import Number
from trunkline.expressions.scope import Scope
from trunkline.expressions.values import ErrorValue, ExpressionError, Value


@function("default", 2, errors=True)
def default(scope: Scope, value: Value, otherwise: Value) -> Value:
    """`otherwise` for an error and for what is written as nothing; blanks are something."""
    try:
        return value if to_text(scope, value) else otherwise
    except ExpressionError:
        return otherwise


@function("is_error", 1, errors=True)
def is_error(scope: Scope, value: Value) -> bool:
    return isinstance(value, ErrorValue)


@function("legacy_add", 2)
def legacy_add(scope: Scope, a: Value, b: Value) -> Number | datetime:
    """The sum of two numbers, or the date so many days after one; for expressions of the old language."""
    one, other = _number(scope, a), _number(scope, b)
    if one is not None and other is not None:
        return numbers.add(one, other)
    start, days = (a, b) if one is None else (b, a)
    moment = to_datetime(scope, start)
    day = moment.date() + timedelta(days=to_integer(scope, days))
    return dates.combine(day, moment.time(), moment.tzinfo or scope.environment.zone)


@function("read_chars", 1)
def read_chars(scope: Scope, text: Value) -> str:
    """A code or a number, spaced so that speech reads it character by character."""
    characters = to_text(scope, text).removeprefix("+")
    size = next((size for size in (3, 4) if len(characters) % size == 0), 1)
    groups = [characters[at : at + size] for at in range(0, len(characters), size)]
    return " , ".join(" ".join(group) for group in groups)


@function("prompt", 1, MANY)
def prompt(scope: Scope, name: Value, *arguments: Value) -> str:
    """The host's text of that name; `{1}`, `{2}`, … in it stand for the arguments."""
    named = to_text(scope, name)
    template = scope.prompts.get(named)
    if template is None:
        raise ExpressionError(f"there is no prompt '{named[:100]}'")
    texts = [to_text(scope, argument) for argument in arguments]
    for slot in SLOT.finditer(template):
        scope.toil(len(_filled(slot, texts)))
    return SLOT.sub(lambda slot: _filled(slot, texts), template)


def _filled(slot: re.Match[str], texts: list[str]) -> str:
    """A slot without an argument stays as it was written."""
    at = int(slot[1])
    return texts[at - 1] if 1 <= at <= len(texts) else slot[0]


def _number(scope: Scope, value: Value) -> Number | None:
    try:
        return to_number(scope, value)
    except ExpressionError:
        return None


SLOT = re.compile(r"\{([0-9]{1,3})\}")
