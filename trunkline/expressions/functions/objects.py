"""Functions on objects."""

from trunkline.expressions.convert import to_function, to_object, to_text
from trunkline.expressions.functions import MANY, function
from trunkline.expressions.functions.arrays import applied
from trunkline.expressions.scope import Scope
from trunkline.expressions.values import MISSING, Deprecated, ExpressionError, Object, Value, is_array, type_name


@function("keys", 1)
def keys(scope: Scope, target: Value) -> list[Value]:
    return sorted(to_object(scope, target).keys())


@function("extract", 2)
def extract(scope: Scope, target: Value, key: Value) -> Value:
    """Null if the object has no such property."""
    return _property(scope, to_object(scope, target), to_text(scope, key))


@function("extract_object", 2, MANY)
def extract_object(scope: Scope, target: Value, *keys: Value) -> Object:
    """An object of these properties only; those it has not are null."""
    source, made = to_object(scope, target), Object()
    for key in keys:
        name = to_text(scope, key)
        made.put(name, _property(scope, source, name))
    return made


@function("foreach_value", 2, MANY)
def foreach_value(scope: Scope, target: Value, change: Value, *arguments: Value) -> Object:
    """The object with what `change` makes of each value; `arguments` are passed on after it."""
    function = to_function(scope, change)
    changed = to_object(scope, target).items()
    return Object({key: applied(scope, function, value, *arguments) for key, value in changed})


@function("count", 1)
def count(scope: Scope, value: Value) -> int:
    """Items of an array, properties of an object."""
    if value is None:
        return 0
    if is_array(value) or isinstance(value, Object):
        return len(value)
    raise ExpressionError(f"a {type_name(value)} isn't countable")


def _property(scope: Scope, target: Object, name: str) -> Value:
    found = target.find(name)
    if isinstance(found, Deprecated):
        scope.warn(found.reason)
        return found.value
    return None if found is MISSING else found
