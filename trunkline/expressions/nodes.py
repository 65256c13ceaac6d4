"""The parts of an expression as closures: called with what evaluation may use, each gives its value.

Every value is one of `values`, never `Lazy` or `Deprecated`; what fails is an `ErrorValue`. Nothing is raised but
`TooComplex`.
"""

from collections.abc import Callable, Mapping, Sequence

from trunkline.expressions import functions, operators
from trunkline.expressions.convert import to_integer, to_text
from trunkline.expressions.operators import Operator
from trunkline.expressions.rendering import describe
from trunkline.expressions.scope import Scope
from trunkline.expressions.values import (
    MISSING,
    Deprecated,
    ErrorValue,
    ExpressionError,
    Function,
    Lazy,
    Object,
    Value,
    is_array,
    item,
)

Names = Mapping[str, Value]
"""Arguments of the anonymous functions around, by lower-cased name."""

Node = Callable[[Scope, Object, Names], Value]


def constant(value: Value) -> Node:
    return lambda scope, context, names: value


def argument(name: str) -> Node:
    """What an anonymous function around was called with."""
    key = name.lower()
    return lambda scope, context, names: names[key]


def name(spelt: str) -> Node:
    """Something of the context, else a function."""
    missing = functions.find(spelt) or ErrorValue(f"context has no property '{spelt}'")

    def evaluate(scope: Scope, context: Object, names: Names) -> Value:
        value = context.values.get(spelt, MISSING)
        if type(value) in UNMADE:
            value = _made(scope, context.find(spelt))
            return missing if value is MISSING else value
        return value

    return evaluate


def path(of: Node, keys: Sequence[str]) -> Node:
    """`of.key.key`: every key has to be there."""
    if len(keys) > 1:
        return _long_path(of, keys)
    key = keys[0]

    def evaluate(scope: Scope, context: Object, names: Names) -> Value:
        container = of(scope, context, names)
        if type(container) is Object:
            value = container.values.get(key, MISSING)
            if type(value) not in UNMADE:
                return value
        return look_up(scope, container, key)

    return evaluate


def _long_path(of: Node, keys: Sequence[str]) -> Node:
    def evaluate(scope: Scope, context: Object, names: Names) -> Value:
        value = of(scope, context, names)
        for key in keys:
            value = look_up(scope, value, key)
        return value

    return evaluate


def index(of: Node, inside: Node) -> Node:
    """`of[inside]`: null where an object has no such key."""

    def evaluate(scope: Scope, context: Object, names: Names) -> Value:
        container = of(scope, context, names)
        key = inside(scope, context, names)
        if type(container) is ErrorValue:
            return container
        if type(key) is ErrorValue:
            return key
        if not isinstance(container, Object):
            return look_up(scope, container, key)
        try:
            value = _made(scope, container.find(to_text(scope, key)))
        except ExpressionError as error:
            return ErrorValue(error.text)
        return None if value is MISSING else value

    return evaluate


def look_up(scope: Scope, container: Value, key: Value) -> Value:
    """A property that has to be there, or an item of an array."""
    if isinstance(container, Object):
        value = _made(scope, container.find(key))
        return ErrorValue(f"object has no property '{key}'") if value is MISSING else value
    if is_array(container):
        return _nth(scope, container, key)
    if type(container) is ErrorValue:
        return container
    return ErrorValue(f"{describe(container)} doesn't support lookups")


def _nth(scope: Scope, values: Sequence[Value], key: Value) -> Value:
    try:
        place = to_integer(scope, key)
    except ExpressionError as error:
        return ErrorValue(error.text)
    if not -len(values) <= place < len(values):
        return ErrorValue(f"index {place} out of range for {len(values)} items")
    return _made(scope, values[place])


def _made(scope: Scope, value: Value) -> Value:
    """A value that was looked up, which is when deprecations are told."""
    while type(value) is Deprecated or type(value) is Lazy:
        if type(value) is Deprecated:
            scope.warn(value.reason)
        value = value.value if type(value) is Deprecated else item(value)
    return value


def call(of: Node, arguments: Sequence[Node]) -> Node:
    """Arguments are evaluated first, all of them, from left to right."""

    def evaluate(scope: Scope, context: Object, names: Names) -> Value:
        target = of(scope, context, names)
        given = []
        for node in arguments:
            given.append(node(scope, context, names))
        if type(target) is Function:
            return functions.call(scope, target, given)
        return target if type(target) is ErrorValue else ErrorValue(f"{describe(target)} is not a function")

    return evaluate


def anonymous(parameters: Sequence[str], body: Node) -> Node:
    """`(a, b) => body`, which sees the arguments of the functions around it."""
    keys = [parameter.lower() for parameter in parameters]

    def evaluate(scope: Scope, context: Object, names: Names) -> Value:
        def run(scope: Scope, *arguments: Value) -> Value:
            return body(scope, context, {**names, **dict(zip(keys, arguments, strict=True))})

        return Function("", run, len(keys), len(keys), takes_errors=True)

    return evaluate


def negation(of: Node, times: int) -> Node:
    """As many minuses as stand before it; even an even number of them makes a number of it."""

    def negate(scope: Scope, left: Value, right: Value) -> Value:
        number = operators.negative(scope, right)
        return number if times % 2 else operators.negative(scope, number)

    def evaluate(scope: Scope, context: Object, names: Names) -> Value:
        return operators.apply(scope, negate, None, of(scope, context, names))

    return evaluate


def operation(program: Sequence[Node | Operator], shape: Sequence[bool]) -> Node:
    """Operands and operators in the order of their use; `shape` tells which are operators."""
    if list(shape) == [False, False, True]:
        return _single(*program)

    def evaluate(scope: Scope, context: Object, names: Names) -> Value:
        waiting: list[Value] = []
        for part, is_operator in zip(program, shape, strict=True):
            if is_operator:
                right = waiting.pop()
                waiting[-1] = operators.apply(scope, part, waiting[-1], right)
            else:
                waiting.append(part(scope, context, names))
        return waiting[0]

    return evaluate


def _single(left: Node, right: Node, operator: Operator) -> Node:
    def evaluate(scope: Scope, context: Object, names: Names) -> Value:
        return operators.apply(scope, operator, left(scope, context, names), right(scope, context, names))

    return evaluate


# What a look-up has to look at twice.
UNMADE = frozenset({type(MISSING), Lazy, Deprecated})
