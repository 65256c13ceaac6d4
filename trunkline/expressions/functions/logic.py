"""Functions that decide."""

from trunkline.expressions.convert import to_boolean
from trunkline.expressions.functions import MANY, function
from trunkline.expressions.scope import Scope
from trunkline.expressions.values import Value


@function("and", 1, MANY, errors=True)
def every(scope: Scope, *values: Value) -> bool:
    """False at the first that is false; an error counts only if it is reached before."""
    return all(to_boolean(scope, value) for value in values)


@function("or", 1, MANY, errors=True)
def some(scope: Scope, *values: Value) -> bool:
    """True at the first that is true; an error counts only if it is reached before."""
    return any(to_boolean(scope, value) for value in values)


@function("if", 3, errors=True)
def choose(scope: Scope, test: Value, then: Value, otherwise: Value) -> Value:
    """The branch not chosen may be an error."""
    return then if to_boolean(scope, test) else otherwise
