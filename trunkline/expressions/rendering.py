"""Values as text, as JSON, in words, and their equality."""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from trunkline.expressions import numbers
from trunkline.expressions.scope import Scope
from trunkline.expressions.values import (
    Deprecated,
    ErrorValue,
    ExpressionError,
    Function,
    Lazy,
    Object,
    Value,
    item,
    type_name,
)

DEEPEST = 100
"""Levels of arrays and objects inside one another that are written or compared."""

LEVEL, STEP = 300, 30
"""What entering an array or object weighs, and each of its values: many small ones cost most."""

Plain = dict[str, Any] | list[Any] | str | int | Decimal | bool | None


def to_text(scope: Scope, value: Value) -> str:
    """What is inserted into a template. An error anywhere in the value is raised."""
    return value if type(value) is str else _text(scope, value, 0)


render = to_text


def to_json(scope: Scope, value: Value) -> Plain:
    """What a JSON writer may write: keys sorted, defaults left out, null for errors and functions."""
    return _json(scope, value, 0, _same)


def to_json_text(scope: Scope, value: Value) -> str:
    """Compact JSON, numbers without exponent."""
    return msgspec.json.encode(_json(scope, value, 0, _written)).decode()


def equal(scope: Scope, a: Value, b: Value) -> bool:
    """Whether two values are of one type and the same; objects are compared without their defaults."""
    return _equal(scope, item(a), item(b), 0)


def describe(value: Value) -> str:
    """A value in the words of an error message."""
    match type_name(value):
        case "text":
            return f'"{value}"' if len(value) <= 50 else f'"{value[:47]}..."'
        case "number":
            return numbers.plain(value)
        case "boolean":
            return "true" if value else "false"
        case "error" | "null" as name:
            return name
        case "function":
            return f"{value.name or 'anonymous function'}(...)"
        case "datetime" | "date" | "time":
            return _moment(value)
        case name:
            return name


def _text(scope: Scope, value: Value, depth: int) -> str:
    writer = _TEXTS.get(type(value)) or _writer(value)
    return writer(scope, value, depth)


def _array_text(scope: Scope, values: list[Value], depth: int) -> str:
    deeper = _deeper(scope, len(values), depth)
    texts = [_text(scope, value, deeper) for value in values]
    return _joined(scope, "[", texts, "]")


def _object_text(scope: Scope, value: Object, depth: int) -> str:
    deeper = _deeper(scope, len(value), depth)
    if value.has_default:
        return _text(scope, value.default, deeper)
    texts = [f"{key}: {_text(scope, value.get(key), deeper)}" for key in sorted(value.keys())]
    return _joined(scope, "{", texts, "}")


def _joined(scope: Scope, opening: str, texts: list[str], closing: str) -> str:
    # An array may hold one long text a thousand times: count what is written before it is.
    scope.toil(sum(map(len, texts)))
    return f"{opening}{', '.join(texts)}{closing}"


def _error_text(scope: Scope, value: ErrorValue, depth: int) -> str:
    raise ExpressionError(value.text)


def _writer(value: Value) -> Callable[[Scope, Any, int], str]:
    """For a subclass of one of our types; what is none of them is written as nothing."""
    return next((writer for kind, writer in _TEXTS.items() if isinstance(value, kind)), _TEXTS[type(None)])


def _json(scope: Scope, value: Value, depth: int, number: Callable[[Decimal], Any]) -> Any:
    match type_name(value):
        case "text" | "boolean":
            return value
        case "number":
            return value if isinstance(value, int) else number(value)
        case "datetime" | "date" | "time":
            return _moment(value)
        case "array":
            deeper = _deeper(scope, len(value), depth)
            return [_json(scope, item(each), deeper, number) for each in value]
        case "object":
            deeper = _deeper(scope, len(value), depth)
            return {key: _json(scope, value.get(key), deeper, number) for key in sorted(value.keys())}
        case _:
            return None


def _same(number: Decimal) -> Decimal:
    return number


def _written(number: Decimal) -> msgspec.Raw:
    return msgspec.Raw(numbers.plain(number).encode())


def _equal(scope: Scope, a: Value, b: Value, depth: int) -> bool:
    kind = type_name(a)
    if kind != type_name(b):
        return False
    if kind == "array":
        deeper = _deeper(scope, len(a), depth)
        return len(a) == len(b) and all(
            _equal(scope, item(one), item(other), deeper) for one, other in zip(a, b, strict=True)
        )
    if kind == "object":
        deeper = _deeper(scope, len(a), depth)
        return len(a) == len(b) and all(
            key in b and _equal(scope, value, b.get(key), deeper) for key, value in a.items()
        )
    if kind == "function":
        return a is b
    return bool(a == b)


def _deeper(scope: Scope, steps: int, depth: int) -> int:
    if depth >= DEEPEST:
        raise ExpressionError(f"nested deeper than {DEEPEST} levels")
    scope.toil(LEVEL + steps * STEP)
    return depth + 1


def _moment(value: datetime | date | time) -> str:
    if isinstance(value, datetime):
        written = value.isoformat(timespec="microseconds")
        return f"{written[:26]}Z" if value.utcoffset() == timedelta(0) else _whole_minutes(written, value)
    return value.isoformat(timespec="microseconds") if isinstance(value, time) else value.isoformat()


def _whole_minutes(written: str, value: datetime) -> str:
    """Offsets of times before standard zones have seconds; they are cut."""
    return written[:32] if value.utcoffset() is not None else written


# bool before int and datetime before date: the first that fits takes a subclass.
_TEXTS: dict[type, Callable[[Scope, Any, int], str]] = {
    str: lambda scope, value, depth: value,
    type(None): lambda scope, value, depth: "",
    bool: lambda scope, value, depth: "true" if value else "false",
    int: lambda scope, value, depth: str(value),
    Decimal: lambda scope, value, depth: numbers.plain(value),
    datetime: lambda scope, value, depth: _moment(value),
    date: lambda scope, value, depth: value.isoformat(),
    time: lambda scope, value, depth: _moment(value),
    list: _array_text,
    tuple: _array_text,
    Object: _object_text,
    Function: lambda scope, value, depth: value.name or "<anon>",
    ErrorValue: _error_text,
    Deprecated: lambda scope, value, depth: _text(scope, value.value, depth),
    Lazy: lambda scope, value, depth: _text(scope, item(value), depth),
}
