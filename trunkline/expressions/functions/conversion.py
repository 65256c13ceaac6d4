"""Functions that make a value of one type from another."""

from datetime import date, datetime, time

from trunkline.expressions import convert
from trunkline.expressions.functions import MANY, function
from trunkline.expressions.numbers import Number
from trunkline.expressions.scope import Scope
from trunkline.expressions.values import ExpressionError, Object, Value


@function("text", 1)
def to_text(scope: Scope, value: Value) -> str:
    return convert.to_text(scope, value)


@function("boolean", 1)
def to_boolean(scope: Scope, value: Value) -> bool:
    return convert.to_boolean(scope, value)


@function("number", 1)
def to_number(scope: Scope, value: Value) -> Number:
    return convert.to_number(scope, value)


@function("date", 1)
def to_date(scope: Scope, value: Value) -> date:
    return convert.to_date(scope, value)


@function("datetime", 1)
def to_datetime(scope: Scope, value: Value) -> datetime:
    return convert.to_datetime(scope, value)


@function("time", 1)
def to_time(scope: Scope, value: Value) -> time:
    return convert.to_time(scope, value)


@function("array", 0, MANY)
def to_array(scope: Scope, *items: Value) -> list[Value]:
    return list(items)


@function("object", 0, MANY)
def to_object(scope: Scope, *pairs: Value) -> Object:
    """Of names and values in turn; a name given twice has its last value."""
    if len(pairs) % 2:
        raise ExpressionError(f"need an even number of arguments, got {len(pairs)}")
    made = Object()
    for name, value in zip(pairs[::2], pairs[1::2], strict=True):
        made.put(convert.to_text(scope, name), value)
    return made
