"""The functions of the expression language by name, and how one is called.

A family of functions is a file beside this one:

    @function("word", 2, 3)
    def word(scope: Scope, text: Value, index: Value, delimiters: Value = None) -> Value:
        words = tokens.split(to_text(scope, text))
        ...

Arguments come as they are: the body converts them (`convert`), and raises `ExpressionError` for what it refuses.
An argument that is an error never reaches the body, unless the function is declared with `errors=True`.
"""

import importlib
import pkgutil
import sys
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from trunkline.expressions.scope import DEPTH, ITEM, Scope
from trunkline.expressions.values import ErrorValue, ExpressionError, Function, TooComplex, Value

MANY: Final = sys.maxsize
"""As `most`: any number of arguments."""
WEIGHT = 50

_FUNCTIONS: dict[str, Function] = {}
_Body = TypeVar("_Body", bound=Callable[..., Value])


def function(
    name: str,
    least: int,
    most: int | None = None,
    *,
    errors: bool = False,
    alias: str | None = None,
    weight: int = WEIGHT,
) -> Callable[[_Body], _Body]:
    """Register a function of `least` to `most` arguments (without `most`: exactly `least`).

    `weight` is what a call costs in time, in characters read meanwhile: ten or so to the microsecond.
    """

    def register(body: _Body) -> _Body:
        for spelt in filter(None, (name, alias)):
            if spelt in _FUNCTIONS:
                raise ValueError(f"there are two functions {spelt}")
            _FUNCTIONS[spelt] = Function(
                spelt, body, least, least if most is None else most, takes_errors=errors, weight=weight
            )
        return body

    return register


def find(name: str) -> Function | None:
    """The function of a name in any case."""
    return _FUNCTIONS.get(name) or _FUNCTIONS.get(name.lower())


def names() -> list[str]:
    return sorted(_FUNCTIONS)


def load() -> None:
    """Read every family, once: a new file beside this one is all that a new family takes."""
    for family in pkgutil.iter_modules(__path__, f"{__name__}."):
        importlib.import_module(family.name)


def call(scope: Scope, target: Function, arguments: Sequence[Value]) -> Value:
    """The function's result or an `ErrorValue`; the result is charged to the budget. Raises only `TooComplex`."""
    result = _result(scope, target, arguments)
    scope.charge(result)
    return result


def _result(scope: Scope, target: Function, arguments: Sequence[Value]) -> Value:
    count = len(arguments)
    if not target.least <= count <= target.most:
        return _wrapped(target, _needs(target, count))
    scope.work += target.weight
    for argument in arguments:
        kind = type(argument)
        if kind is str:
            scope.toil(len(argument))
        elif kind is list:
            scope.toil(len(argument) * ITEM)
        elif kind is ErrorValue and not target.takes_errors:
            return _wrapped(target, argument.text)
    if scope.depth >= DEPTH:
        raise TooComplex
    scope.depth += 1
    try:
        return target.body(scope, *arguments)
    except ExpressionError as error:
        return _wrapped(target, error.text)
    except (ArithmeticError, ValueError, LookupError) as error:
        # A number or text beyond what the language's own types hold is the author's error, not ours.
        return _wrapped(target, str(error) or type(error).__name__)
    finally:
        scope.depth -= 1


def _wrapped(target: Function, text: str) -> ErrorValue:
    return ErrorValue(f"error calling {target.name or 'anonymous function'}(...): {text}"[:1000])


def _needs(target: Function, count: int) -> str:
    if target.least == target.most:
        return f"need {target.least} argument(s), got {count}"
    if target.most == MANY:
        return f"need at least {target.least} argument(s), got {count}"
    return f"need {target.least} to {target.most} argument(s), got {count}"
