"""Functions on arrays."""

from datetime import date, datetime, time
from decimal import Decimal
from functools import reduce
from typing import Any

from trunkline.expressions import numbers
from trunkline.expressions.convert import to_array, to_boolean, to_function, to_integer, to_number, to_text
from trunkline.expressions.functions import MANY, call, function
from trunkline.expressions.numbers import Number
from trunkline.expressions.rendering import equal
from trunkline.expressions.scope import Scope
from trunkline.expressions.values import ErrorValue, ExpressionError, Function, Value, type_name


@function("slice", 2, 3)
def part(scope: Scope, array: Value, start: Value, end: Value = None) -> list[Value]:
    """Negative positions count from the end; positions beyond it are the end."""
    first, last = to_integer(scope, start), None if end is None else to_integer(scope, end)
    return to_array(scope, array)[first:last]


@function("contains", 2)
def contains(scope: Scope, array: Value, value: Value) -> bool:
    return any(equal(scope, each, value) for each in _weighed(scope, array))


@function("join", 2)
def join(scope: Scope, array: Value, separator: Value) -> str:
    texts = [to_text(scope, each) for each in to_array(scope, array)]
    between = to_text(scope, separator)
    # An array may hold one long text a thousand times: count what is written before it is.
    scope.toil(sum(map(len, texts)) + len(between) * len(texts))
    return between.join(texts)


@function("reverse", 1)
def reverse(scope: Scope, array: Value) -> list[Value]:
    return to_array(scope, array)[::-1]


@function("sort", 1)
def sort(scope: Scope, array: Value) -> list[Value]:
    items: list[Any] = _weighed(scope, array)
    kinds = {type_name(each) for each in items}
    if len(kinds) > 1:
        raise ExpressionError(f"can't sort values of different types: {', '.join(sorted(kinds))}")
    if not kinds <= COMPARABLE:
        raise ExpressionError(f"can't sort values of type {kinds.pop()}")
    return sorted(items)


@function("sum", 1)
def total(scope: Scope, array: Value) -> Number:
    return reduce(numbers.add, (to_number(scope, each) for each in to_array(scope, array)), 0)


@function("unique", 1)
def unique(scope: Scope, array: Value) -> list[Value]:
    """Each value where it comes first."""
    kept: list[Value] = []
    seen: set[tuple[str, Value]] = set()
    for each in _weighed(scope, array):
        if isinstance(each, HASHABLE):
            mark = (type_name(each), each)
            if mark not in seen:
                seen.add(mark)
                kept.append(each)
        elif not any(equal(scope, each, other) for other in kept):
            kept.append(each)
    return kept


@function("concat", 2)
def concat(scope: Scope, first: Value, second: Value) -> list[Value]:
    return [*to_array(scope, first), *to_array(scope, second)]


@function("filter", 2)
def kept(scope: Scope, array: Value, test: Value) -> list[Value]:
    """The items for which `test` is true."""
    function = to_function(scope, test)
    return [each for each in to_array(scope, array) if to_boolean(scope, applied(scope, function, each))]


@function("foreach", 2, MANY)
def foreach(scope: Scope, array: Value, change: Value, *arguments: Value) -> list[Value]:
    """What `change` makes of each item; `arguments` are passed on after it."""
    function = to_function(scope, change)
    return [applied(scope, function, each, *arguments) for each in to_array(scope, array)]


def applied(scope: Scope, function: Function, *arguments: Value) -> Value:
    """The function's result; its error is ours."""
    result = call(scope, function, arguments)
    if isinstance(result, ErrorValue):
        raise ExpressionError(result.text)
    return result


def _weighed(scope: Scope, array: Value) -> list[Value]:
    """Items to compare: an array may hold one long text a thousand times."""
    items = to_array(scope, array)
    scope.toil(sum(len(each) for each in items if isinstance(each, str)))
    return items


COMPARABLE = {"text", "number", "boolean", "date", "time", "datetime"}
HASHABLE = (str, int, Decimal, date, time, datetime, type(None))
