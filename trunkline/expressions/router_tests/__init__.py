"""The tests of switch routers: what a case asks of the operand. Expressions may call them too.

A test gives an object that is true or false, with what matched in the operand as `match`, and sometimes `extra`.
An argument that cannot be used is an error, which a router logs before it goes on with the next case.
"""

from typing import Final

from trunkline.expressions.values import Object, Value

FAILED: Final = Object({"match": None}, default=False)
"""Shared by all tests that did not pass: nobody changes a value."""


def passed(match: Value, extra: Object | None = None) -> Object:
    """`extra` only of tests that have one."""
    return Object({"match": match} if extra is None else {"match": match, "extra": extra}, default=True)


def has_passed(result: Value) -> bool:
    """Whether what a test gave means that its case is the one."""
    return isinstance(result, Object) and result.default is True
