"""Conversions between the types of values. What cannot be converted raises `ExpressionError`."""

from datetime import date, datetime, time
from decimal import Decimal

from trunkline.expressions import dates, numbers
from trunkline.expressions.numbers import Number
from trunkline.expressions.rendering import describe, to_text
from trunkline.expressions.scope import Scope
from trunkline.expressions.values import (
    ErrorValue,
    ExpressionError,
    Function,
    Object,
    Value,
    array,
    is_array,
    is_number,
    item,
    type_name,
)

__all__ = [
    "to_array",
    "to_boolean",
    "to_date",
    "to_datetime",
    "to_function",
    "to_integer",
    "to_number",
    "to_object",
    "to_text",
    "to_time",
]


def to_number(scope: Scope, value: Value) -> Number:
    kind = type(value)
    if kind is int or kind is Decimal:
        return value
    value = _plain(value)
    if isinstance(value, str):
        number = numbers.parse(value)
        if number is not None:
            return number
    elif is_number(value):
        return value
    raise _unfit(value, "a number")


def to_integer(scope: Scope, value: Value) -> int:
    """Decimals are cut off; what needs more than 32 bits is refused."""
    whole = int(to_number(scope, value))
    if not -(2**31) <= whole < 2**31:
        raise ExpressionError(f"number {describe(whole)} is out of range for an integer")
    return whole


def to_boolean(scope: Scope, value: Value) -> bool:
    """Whether a value counts as true."""
    value = _plain(value)
    if isinstance(value, str):
        return value != "" and value.lower() != "false"
    if is_array(value) or isinstance(value, Object):
        return len(value) > 0
    if isinstance(value, time):
        return value != time()
    if value is None or isinstance(value, int | Decimal):
        return bool(value)
    return True


def to_datetime(scope: Scope, value: Value, *, fill: bool = False) -> datetime:
    """Of a text without a time it is midnight, or with `fill` the time of day it is now."""
    value = _plain(value)
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime.combine(value, time(), scope.environment.zone)
    if isinstance(value, str):
        found = dates.parse_datetime(scope.environment, value, scope.now(), fill=fill)
        if found is not None:
            return found
    raise _unfit(value, "a datetime")


def to_date(scope: Scope, value: Value) -> date:
    value = _plain(value)
    if isinstance(value, datetime):
        return value.astimezone(scope.environment.zone).date()
    if isinstance(value, date):
        return value
    if isinstance(value, str):
        found = dates.parse_date(scope.environment, value, scope.now())
        if found is not None:
            return found
    raise _unfit(value, "a date")


def to_time(scope: Scope, value: Value) -> time:
    """Of a number, the full hour it names: 24 is midnight too."""
    value = _plain(value)
    if isinstance(value, datetime):
        return value.time()
    if isinstance(value, time):
        return value
    if is_number(value) and 0 <= (hour := int(value)) <= 24 and value >= 0:
        return time(hour % 24)
    if isinstance(value, str):
        found = dates.parse_time(value)
        if found is not None:
            return found
    raise _unfit(value, "a time")


def to_array(scope: Scope, value: Value) -> list[Value]:
    """Null is an empty one."""
    value = item(value)
    if value is None:
        return []
    if is_array(value):
        scope.toil(len(value))
        return array(value)
    raise _unfit(value, "an array")


def to_object(scope: Scope, value: Value) -> Object:
    """Null is an empty one."""
    value = item(value)
    if value is None:
        return Object()
    if isinstance(value, Object):
        return value
    raise _unfit(value, "an object")


def to_function(scope: Scope, value: Value) -> Function:
    value = item(value)
    if isinstance(value, Function):
        return value
    raise _unfit(value, "a function")


def _plain(value: Value) -> Value:
    """An object with a default is its default; an error is raised."""
    for _ in range(DEFAULTS):
        value = item(value)
        if not isinstance(value, Object) or not value.has_default:
            break
        value = value.default
    if isinstance(value, ErrorValue):
        raise ExpressionError(value.text)
    return value


def _unfit(value: Value, wanted: str) -> ExpressionError:
    if isinstance(value, ErrorValue):
        return ExpressionError(value.text)
    kind = type_name(value)
    shown = describe(value) if kind in {"text", "number", "null"} else f"{kind} {describe(value)}"
    return ExpressionError(f"unable to convert {shown if kind != describe(value) else kind} to {wanted}")


DEFAULTS = 20
"""How many defaults may stand for one another."""
