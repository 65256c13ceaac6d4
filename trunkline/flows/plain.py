"""JSON that was read already, as values of expressions."""

from decimal import Decimal
from typing import Any

from trunkline.expressions import numbers
from trunkline.expressions.values import ErrorValue, Object, Value

DEEPEST = 100


def from_json(value: Any, depth: int = 0) -> Value:
    """A number beyond our limits is an error in its place; what is nested absurdly deep is null."""
    if value is None or type(value) is str or type(value) is bool:
        return value
    if isinstance(value, int | Decimal):
        try:
            return numbers.checked(value)
        except numbers.OutOfRange as error:
            return ErrorValue(str(error))
    if depth > DEEPEST:
        return None
    if isinstance(value, dict):
        return Object({str(key): from_json(item, depth + 1) for key, item in value.items()})
    return [from_json(item, depth + 1) for item in value] if isinstance(value, list | tuple) else None
