"""The @(...) language of flows: templates, typed values, expressions and functions.

Nothing here raises on account of what is evaluated. Failed pieces are told in `Evaluated.errors` and gathered in
`scope.problems`, deprecated look-ups in `scope.warnings`; whoever reads those two lists clears them.
"""

from collections.abc import Sequence

from trunkline.expressions import functions, templates
from trunkline.expressions.scope import Problem, Scope
from trunkline.expressions.templates import LIMIT, Escape, Evaluated, Template
from trunkline.expressions.values import ErrorValue, Function, Object, Value

__all__ = [
    "LIMIT",
    "TOP_LEVELS",
    "Evaluated",
    "Problem",
    "Template",
    "call",
    "compiled",
    "expression",
    "template",
    "value",
]

TOP_LEVELS = frozenset(
    {
        "child",
        "contact",
        "fields",
        "globals",
        "input",
        "legacy_extra",
        "locals",
        "node",
        "parent",
        "results",
        "resume",
        "run",
        "ticket",
        "trigger",
        "urns",
        "webhook",
    }
)  # fmt: skip
"""What an @name may begin with. Everything else, as in an e-mail address, is literal text."""


def template(
    source: str,
    context: Object,
    scope: Scope,
    escape: Escape | None = None,
    limit: int | None = LIMIT,
    *,
    tops: frozenset[str] = TOP_LEVELS,
) -> Evaluated:
    """The text of a template, cut to `limit` characters; `escape` is applied to each inserted value."""
    return templates.compiled(source, tops).text(context, scope, escape=escape, limit=limit)


def value(
    source: str,
    context: Object,
    scope: Scope,
    escape: Escape | None = None,
    limit: int | None = LIMIT,
    *,
    tops: frozenset[str] = TOP_LEVELS,
) -> Value:
    """The value of a template that is one expression, blanks around it aside: it keeps its type, and may be an
    `ErrorValue`. Any other template gives its text, with `escape` and `limit` as in `template`.
    """
    found = templates.compiled(source.strip(), tops)
    piece = found.sole
    if piece is None:
        return found.text(context, scope, escape=escape, limit=limit).text
    return piece.value(context, scope)


def expression(source: str, context: Object, scope: Scope) -> Value:
    """The value of a bare expression, as it stands between `@(` and `)`."""
    return templates.expression(source).value(context, scope)


def call(name: str | Function, arguments: Sequence[Value], scope: Scope) -> Value:
    """The result of a function or router test, or an `ErrorValue`."""
    scope.begin()
    function = functions.find(name) if isinstance(name, str) else name
    if function is None:
        return ErrorValue(f"there is no function {name!r}")
    try:
        result = functions.call(scope, function, arguments)
    except templates.FAULTS as fault:
        result = templates.faulty(fault)
    if isinstance(result, ErrorValue):
        scope.problems.append(Problem(result.text, name if isinstance(name, str) else name.name, result.code))
    return result


def compiled(source: str, tops: frozenset[str] = TOP_LEVELS) -> Template:
    """A template ready for use, for those who keep it beside what it belongs to."""
    return templates.compiled(source, tops)


functions.load()
