"""Functions on numbers."""

from decimal import Decimal
from functools import reduce

from trunkline.expressions import numbers
from trunkline.expressions.convert import to_integer, to_number
from trunkline.expressions.functions import MANY, function
from trunkline.expressions.numbers import Number
from trunkline.expressions.scope import Scope
from trunkline.expressions.values import ExpressionError, Value


@function("round", 1, 2)
def rounded(scope: Scope, number: Value, places: Value = None) -> Number:
    return numbers.rounded(to_number(scope, number), _places(scope, places))


@function("round_up", 1, 2)
def rounded_up(scope: Scope, number: Value, places: Value = None) -> Number:
    return numbers.rounded_up(to_number(scope, number), _places(scope, places))


@function("round_down", 1, 2)
def rounded_down(scope: Scope, number: Value, places: Value = None) -> Number:
    return numbers.rounded_down(to_number(scope, number), _places(scope, places))


@function("abs", 1)
def absolute(scope: Scope, number: Value) -> Number:
    # Not abs(): the decimal context of the process would round to 28 digits.
    value = to_number(scope, number)
    return value if value >= 0 else numbers.subtract(0, value)


@function("max", 1, MANY)
def largest(scope: Scope, *values: Value) -> Number:
    return max(to_number(scope, value) for value in values)


@function("min", 1, MANY)
def smallest(scope: Scope, *values: Value) -> Number:
    return min(to_number(scope, value) for value in values)


@function("mean", 1, MANY)
def mean(scope: Scope, *values: Value) -> Number:
    total = reduce(numbers.add, (to_number(scope, value) for value in values))
    return numbers.divide(total, len(values))


@function("mod", 2)
def modulo(scope: Scope, dividend: Value, divisor: Value) -> Number:
    a, b = to_number(scope, dividend), to_number(scope, divisor)
    if not b:
        raise ExpressionError("division by zero")
    return numbers.remainder(a, b)


@function("rand", 0)
def rand(scope: Scope) -> Number:
    return numbers.checked(Decimal(str(scope.random())))


@function("rand_between", 2)
def rand_between(scope: Scope, least: Value, most: Value) -> Number:
    low, high = to_number(scope, least), to_number(scope, most)
    width = numbers.add(numbers.subtract(high, low), 1)
    # Above 0 by up to the width, which chance never reaches.
    above = numbers.EXACT.multiply(Decimal(str(scope.random())), Decimal(width))
    return numbers.rounded_down(numbers.EXACT.add(above, Decimal(low)))


def _places(scope: Scope, places: Value) -> int:
    return 0 if places is None else to_integer(scope, places)
