"""Rule: a file has at most 500 lines (tests more) and a function 60; the goals are 300 and 30."""

import ast
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from tools.source import Source

FILE_GOAL, FILE_MOST = 300, 500
FUNCTION_GOAL, FUNCTION_MOST = 30, 60

Function = ast.FunctionDef | ast.AsyncFunctionDef


class Long(NamedTuple):
    """How many of the product's files and functions miss the goals."""

    files: int
    functions: int


def find(source: Source) -> Iterator[tuple[int, str]]:
    if (length := _lines(source)) > FILE_MOST and not source.path.startswith("tests/"):
        yield 1, f"has {length} lines, at most {FILE_MOST}: a capability wants a file of its own"
    for function, length in _functions(source):
        if length > FUNCTION_MOST:
            yield function.lineno, f"{function.name} has {length} lines, at most {FUNCTION_MOST}"


def long(sources: Iterable[Source]) -> Long | None:
    """None when all goals are met."""
    product = [source for source in sources if source.is_product]
    files = sum(_lines(source) > FILE_GOAL for source in product)
    functions = sum(length > FUNCTION_GOAL for source in product for _, length in _functions(source))
    return Long(files, functions) if files or functions else None


def _lines(source: Source) -> int:
    return source.text.count("\n")


def _functions(source: Source) -> Iterator[tuple[Function, int]]:
    for node in source.nodes:
        if isinstance(node, Function):
            yield node, (node.end_lineno or node.lineno) - node.lineno + 1
