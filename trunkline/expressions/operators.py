"""What the operators of the language do with two values."""

from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal

from trunkline.expressions import numbers
from trunkline.expressions.convert import to_number, to_text
from trunkline.expressions.numbers import EXACT, PLACES_OF_DIVISION, Number
from trunkline.expressions.scope import Scope
from trunkline.expressions.values import ErrorValue, ExpressionError, Value

Operator = Callable[[Scope, Value, Value], Value]


def apply(scope: Scope, operator: Operator, left: Value, right: Value) -> Value:
    """The result or an `ErrorValue`, charged to the budget. Raises only `TooComplex`."""
    if type(left) is ErrorValue:
        return left
    if type(right) is ErrorValue:
        return right
    scope.work += WEIGHT
    try:
        result = operator(scope, left, right)
    except ExpressionError as error:
        result = ErrorValue(error.text)
    except ArithmeticError:
        result = ErrorValue("number out of range")
    except ValueError as error:
        result = ErrorValue(str(error))
    scope.charge(result)
    return result


def negative(scope: Scope, value: Value) -> Value:
    return numbers.subtract(0, to_number(scope, value))


def _add(scope: Scope, left: Value, right: Value) -> Value:
    return numbers.add(to_number(scope, left), to_number(scope, right))


def _subtract(scope: Scope, left: Value, right: Value) -> Value:
    return numbers.subtract(to_number(scope, left), to_number(scope, right))


def _multiply(scope: Scope, left: Value, right: Value) -> Value:
    return numbers.multiply(to_number(scope, left), to_number(scope, right))


def _divide(scope: Scope, left: Value, right: Value) -> Value:
    dividend, divisor = to_number(scope, left), to_number(scope, right)
    if not divisor:
        raise ExpressionError("division by zero")
    return numbers.divide(dividend, divisor)


def _power(scope: Scope, left: Value, right: Value) -> Value:
    base, exponent = to_number(scope, left), to_number(scope, right)
    if not isinstance(exponent, int):
        scope.toil(WEIGHT_OF_ROOT)
    return power(base, exponent)


def power(base: Number, exponent: Number) -> Number:
    """Exact where that takes no more digits than a number has, else rounded as a division is."""
    if abs(exponent) > LARGEST_EXPONENT:
        raise ExpressionError(f"exponent {numbers.plain(exponent)} is beyond {LARGEST_EXPONENT}")
    if not base:
        if exponent < 0:
            raise ExpressionError("division by zero")
        return 0 if exponent else 1
    if isinstance(exponent, int):
        # 36 digits a hundred times over: exact, because only an exact result can be told from one with too many.
        whole = base ** abs(exponent) if isinstance(base, int) else WIDE.power(base, abs(exponent))
        return numbers.checked(whole) if exponent >= 0 else _inverse(Decimal(whole))
    if base < 0:
        raise ExpressionError("a negative number has no power that is not whole")
    return numbers.rounded(ROOTS.power(Decimal(base), exponent), PLACES_OF_DIVISION)


def _inverse(number: Decimal) -> Number:
    quotient = EXACT.divide(Decimal(1), number)
    exact = len(quotient.normalize(EXACT).as_tuple().digits) <= numbers.DIGITS
    return numbers.checked(quotient) if exact else numbers.rounded(quotient, PLACES_OF_DIVISION)


def _concatenate(scope: Scope, left: Value, right: Value) -> Value:
    return to_text(scope, left) + to_text(scope, right)


def _equals(scope: Scope, left: Value, right: Value) -> bool:
    one, other = to_text(scope, left), to_text(scope, right)
    scope.toil(min(len(one), len(other)))
    return one == other


def _differs(scope: Scope, left: Value, right: Value) -> bool:
    return not _equals(scope, left, right)


def _less(scope: Scope, left: Value, right: Value) -> bool:
    return to_number(scope, left) < to_number(scope, right)


def _at_most(scope: Scope, left: Value, right: Value) -> bool:
    return to_number(scope, left) <= to_number(scope, right)


def _greater(scope: Scope, left: Value, right: Value) -> bool:
    return to_number(scope, left) > to_number(scope, right)


def _at_least(scope: Scope, left: Value, right: Value) -> bool:
    return to_number(scope, left) >= to_number(scope, right)


LARGEST_EXPONENT = 100
WEIGHT = 40
WEIGHT_OF_ROOT = 5_000
WIDE = EXACT.copy()
WIDE.prec = 4000
ROOTS = EXACT.copy()
ROOTS.prec = 130
ROOTS.rounding = ROUND_HALF_UP

# The higher the level, the tighter it binds; all bind to the left.
BINARY: dict[str, tuple[int, Operator]] = {
    "&": (1, _concatenate),
    "=": (2, _equals),
    "!=": (2, _differs),
    "<": (3, _less),
    "<=": (3, _at_most),
    ">": (3, _greater),
    ">=": (3, _at_least),
    "+": (4, _add),
    "-": (4, _subtract),
    "*": (5, _multiply),
    "/": (5, _divide),
    "^": (6, _power),
}
