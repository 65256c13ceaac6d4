"""What expressions compute with.

| expression type | here                                                                   |
|-----------------|------------------------------------------------------------------------|
| text            | `str`                                                                  |
| number          | `int` or `Decimal` (`numbers.checked` makes whole ones `int`), never `bool` |
| boolean         | `bool`                                                                 |
| date, time      | `datetime.date`, `datetime.time` (naive)                               |
| datetime        | `datetime.datetime`, always aware                                      |
| array           | `list` (a `tuple` is read as one); never changed once made             |
| object          | `Object`                                                               |
| function        | `Function`                                                             |
| error           | `ErrorValue`                                                           |
| null            | `None`                                                                 |

Conversions are in `convert`, texts and JSON in `rendering`, arithmetic in `numbers` and `operators`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Final, Literal

from msgspec import Struct

Value = Any
"""One of the table above; `Deprecated` and `Lazy` occur only inside an `Object` or an array."""

TypeName = Literal[
    "text", "number", "boolean", "date", "time", "datetime", "array", "object", "function", "error", "null"
]  # fmt: skip

EXPRESSION = "expression"
TOO_COMPLEX = "expression:too_complex"


class ExpressionError(Exception):
    """What a function or conversion refuses. It becomes an `ErrorValue`, wrapped with the function's name."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class TooComplex(Exception):
    """The expression's budget is spent: the whole expression ends, no function can catch it."""


class ErrorValue(Struct, frozen=True):
    """An error as a value: it may be an argument, an operand, the result."""

    text: str
    code: str = EXPRESSION


class Deprecated(Struct, frozen=True):
    """A value whose look-up adds `reason` to the warnings."""

    value: Value
    reason: str


class Lazy:
    """A value made at the first look, and kept."""

    __slots__ = ("make",)

    def __init__(self, make: Callable[[], Value]) -> None:
        self.make = make


class Missing:
    """What a look-up finds where there is nothing (null is something)."""

    __slots__ = ()

    def __bool__(self) -> Literal[False]:
        return False


MISSING: Final = Missing()


class Object:
    """Named values in order, found whatever the case of the name; `default` is what it is when not an object.

    Values may be `Lazy` or `Deprecated`; so may the default be lazy. A default of null is a default all the same.
    """

    __slots__ = ("_default", "_folded", "values")

    def __init__(self, values: Mapping[str, Value] | None = None, *, default: Value = MISSING) -> None:
        self.values: dict[str, Value] = dict(values) if values else {}
        self._default = default
        self._folded: dict[str, str] | None = None

    def find(self, key: str) -> Value:
        """The value, as stored but made: it may be `Deprecated`, or `MISSING`."""
        value = self.values.get(key, MISSING)
        if value is MISSING:
            spelt = self._spelling(key)
            if spelt is None:
                return MISSING
            key, value = spelt, self.values[spelt]
        if type(value) is Lazy:
            value = self.values[key] = value.make()
        return value

    def get(self, key: str, otherwise: Value = None) -> Value:
        """The value without its deprecation, `otherwise` where there is none."""
        value = self.find(key)
        if value is MISSING:
            return otherwise
        return item(value) if type(value) is Deprecated else value

    def put(self, key: str, value: Value) -> None:
        """For whoever owns the object, as the engine its context. Expressions change nothing."""
        spelt = self._spelling(key) or key
        self.values[spelt] = value
        if self._folded is not None:
            self._folded[key.lower()] = spelt

    def keys(self) -> list[str]:
        """In order of definition, as spelt."""
        return list(self.values)

    def items(self) -> Iterator[tuple[str, Value]]:
        for key in list(self.values):
            yield key, self.get(key)

    @property
    def has_default(self) -> bool:
        return self._default is not MISSING

    @property
    def default(self) -> Value:
        """`MISSING` when it has none."""
        if type(self._default) is Lazy:
            self._default = self._default.make()
        return self._default

    def __contains__(self, key: str) -> bool:
        return key in self.values or self._spelling(key) is not None

    def __len__(self) -> int:
        return len(self.values)

    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        return f"Object({self.values!r})"

    def _spelling(self, key: str) -> str | None:
        if self._folded is None:
            self._folded = {}
            for name in self.values:
                self._folded.setdefault(name.lower(), name)
        return self._folded.get(key.lower())


class Function:
    """Something to call: a built-in function, a router test, or an anonymous function.

    Call it with `functions.call(scope, function, arguments)`, which checks, charges and never raises.
    """

    __slots__ = ("body", "least", "most", "name", "takes_errors", "weight")

    def __init__(
        self,
        name: str,
        body: Callable[..., Value],
        least: int,
        most: int,
        *,
        takes_errors: bool = False,
        weight: int = 0,
    ) -> None:
        self.name = name
        self.body = body
        self.least = least
        self.most = most
        self.takes_errors = takes_errors
        self.weight = weight

    def __repr__(self) -> str:
        return f"Function({self.name})"


def type_name(value: Value) -> TypeName:
    """The expression type of a value."""
    if value is None:
        return "null"
    named = _TYPES.get(type(value))
    if named:
        return named
    for kind, name in _TYPES.items():
        if isinstance(value, kind):
            return name
    return "null"


def is_number(value: Value) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def is_array(value: Value) -> bool:
    return isinstance(value, list | tuple)


def array(values: Iterable[Value]) -> list[Value]:
    """An array of what is there, deprecations taken off."""
    return [item(value) for value in values]


def item(value: Value) -> Value:
    """An item of an array as a plain value."""
    while True:
        kind = type(value)
        if kind is Lazy:
            value = value.make()
        elif kind is Deprecated:
            value = value.value
        else:
            return value


# bool before int and datetime before date: the first that fits names a subclass.
_TYPES: dict[type, TypeName] = {
    str: "text",
    bool: "boolean",
    int: "number",
    Decimal: "number",
    datetime: "datetime",
    date: "date",
    time: "time",
    list: "array",
    tuple: "array",
    Object: "object",
    Function: "function",
    ErrorValue: "error",
}
