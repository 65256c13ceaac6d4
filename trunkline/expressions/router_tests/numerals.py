"""Tests on the numbers of a text. Those that compare look at all of them and take the first that fits."""

from collections.abc import Callable

from trunkline.expressions import numbers
from trunkline.expressions.convert import to_number, to_text
from trunkline.expressions.functions import function
from trunkline.expressions.numbers import Number
from trunkline.expressions.router_tests import FAILED, passed
from trunkline.expressions.scope import Scope
from trunkline.expressions.values import Object, Value


@function("has_number", 1)
def has_number(scope: Scope, operand: Value) -> Object:
    return _first(scope, operand, lambda number: True)


@function("has_number_lt", 2)
def has_number_lt(scope: Scope, operand: Value, limit: Value) -> Object:
    bound = to_number(scope, limit)
    return _first(scope, operand, lambda number: number < bound)


@function("has_number_lte", 2)
def has_number_lte(scope: Scope, operand: Value, limit: Value) -> Object:
    bound = to_number(scope, limit)
    return _first(scope, operand, lambda number: number <= bound)


@function("has_number_eq", 2)
def has_number_eq(scope: Scope, operand: Value, wanted: Value) -> Object:
    exact = to_number(scope, wanted)
    return _first(scope, operand, lambda number: number == exact)


@function("has_number_gte", 2)
def has_number_gte(scope: Scope, operand: Value, limit: Value) -> Object:
    bound = to_number(scope, limit)
    return _first(scope, operand, lambda number: number >= bound)


@function("has_number_gt", 2)
def has_number_gt(scope: Scope, operand: Value, limit: Value) -> Object:
    bound = to_number(scope, limit)
    return _first(scope, operand, lambda number: number > bound)


@function("has_number_between", 3)
def has_number_between(scope: Scope, operand: Value, least: Value, most: Value) -> Object:
    """Both bounds are inside."""
    low, high = to_number(scope, least), to_number(scope, most)
    return _first(scope, operand, lambda number: low <= number <= high)


def _first(scope: Scope, operand: Value, fits: Callable[[Number], bool]) -> Object:
    symbols = scope.environment.number_format
    found = numbers.find(to_text(scope, operand), symbols.decimal_symbol, symbols.digit_grouping_symbol)
    number = next(filter(fits, found), None)
    return FAILED if number is None else passed(number)
