"""Templates: texts with expressions in them, compiled once and evaluated as text or as one typed value."""

from collections.abc import Callable, Mapping
from functools import lru_cache

from msgspec import Struct

from trunkline.expressions import parser, scanner
from trunkline.expressions.nodes import Node
from trunkline.expressions.rendering import to_text
from trunkline.expressions.scope import Problem, Scope
from trunkline.expressions.values import TOO_COMPLEX, ErrorValue, ExpressionError, Object, TooComplex, Value

LIMIT = 10_000
ELLIPSIS = "..."

Escape = Callable[[str], str]


class Evaluated(Struct, frozen=True):
    """What became of a template; not `ok` if a piece failed, which then contributed nothing."""

    text: str
    ok: bool
    errors: list[Problem]


class Template:
    """A compiled template. It keeps nothing of an evaluation, so one serves everybody."""

    __slots__ = ("parts", "source")

    def __init__(self, source: str, parts: list["str | Compiled"]) -> None:
        self.source = source
        self.parts = parts

    def text(
        self, context: Object, scope: Scope, *, escape: Escape | None = None, limit: int | None = LIMIT
    ) -> Evaluated:
        """Every piece as text, `escape`d; cut to `limit` characters with an ellipsis (None: not cut)."""
        before = len(scope.problems)
        out: list[str] = []
        for part in self.parts:
            text = part.text(context, scope, escape) if isinstance(part, Compiled) else part
            # Many long insertions would fill the memory before the whole is cut.
            out.append(text if limit is None else text[: limit + 1])
        text = "".join(out)
        if limit is not None and len(text) > limit:
            text = truncated(text, limit)
        failed = scope.problems[before:]
        return Evaluated(text, not failed, failed)

    @property
    def sole(self) -> "Compiled | None":
        """The piece of a template that consists of it."""
        part = self.parts[0] if len(self.parts) == 1 else None
        return part if isinstance(part, Compiled) else None


class Compiled:
    """One expression: `source` as it is reported, `node` to evaluate."""

    __slots__ = ("node", "source")

    def __init__(self, source: str, expression: str) -> None:
        self.source = source
        self.node: Node = parser.compile(expression)

    def value(self, context: Object, scope: Scope) -> Value:
        """Its value with its type. An `ErrorValue` is also written down as a problem."""
        scope.begin()
        try:
            value = self.node(scope, context, NO_NAMES)
        except FAULTS as fault:
            value = faulty(fault)
        if type(value) is ErrorValue:
            scope.problems.append(Problem(value.text, self.source, value.code))
        return value

    def text(self, context: Object, scope: Scope, escape: Escape | None = None) -> str:
        """Its value as text; "" if there is none, which is then a problem."""
        value = self.value(context, scope)
        kind = type(value)
        if kind is ErrorValue:
            return ""
        if kind is not str:
            try:
                value = to_text(scope, value)
            except FAULTS as fault:
                problem = faulty(fault)
                scope.problems.append(Problem(problem.text, self.source, problem.code))
                return ""
        return escape(value) if escape else value


def faulty(fault: BaseException) -> ErrorValue:
    """The error that an evaluation ended with, as its value."""
    if isinstance(fault, TooComplex | RecursionError | MemoryError):
        return ErrorValue("the expression is too complex", TOO_COMPLEX)
    return ErrorValue(str(fault) or type(fault).__name__)


def compiled(source: str, tops: frozenset[str]) -> Template:
    """The template of a text, from the cache if it was used before."""
    return _short(source, tops) if len(source) <= SHORT else _long(source, tops)


def truncated(text: str, limit: int) -> str:
    """Cut so that the ellipsis fits into `limit` characters."""
    return text if len(text) <= limit else text[: max(limit - len(ELLIPSIS), 0)] + ELLIPSIS[:limit]


def compile(source: str, tops: frozenset[str]) -> Template:
    """The template of a text, made anew."""
    parts = scanner.scan(source, tops)
    return Template(source, [part if isinstance(part, str) else Compiled(part.source, part.inside) for part in parts])


SHORT = 1_000
# Two caches, so that a few enormous templates cannot fill the memory.
_short = lru_cache(maxsize=8192)(compile)
_long = lru_cache(maxsize=128)(compile)
expression = lru_cache(maxsize=128)(lambda source: Compiled(source, source))
NO_NAMES: Mapping[str, Value] = {}
# Dates beyond year 9999 and texts without a UTF-8 form are met in conversions: the last two.
FAULTS = (ExpressionError, TooComplex, RecursionError, MemoryError, ArithmeticError, ValueError)
