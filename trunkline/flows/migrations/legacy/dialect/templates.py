"""Old templates: which of their texts are expressions, and the same in the new dialect."""

import re

from trunkline.expressions import TOP_LEVELS as NEW_TOP_LEVELS
from trunkline.expressions.scanner import PATH
from trunkline.flows.migrations.legacy.dialect.context import TOP_LEVELS, reference
from trunkline.flows.migrations.legacy.dialect.parsing import Unreadable, as_expression
from trunkline.flows.migrations.legacy.dialect.printing import New

# A name as it may stand after the sign, without brackets.
PLAIN = re.compile(r"[^\W0-9]\w*(?:\.\w+)*")
BRACKET = re.compile(r'[()]|"(?:[^"]|"")*+"|"')


def as_template(old: str) -> str:
    """The template in the new dialect; an expression that cannot be read stays as it is."""
    done, parts = 0, []
    position = 0
    while (sign := old.find("@", position)) >= 0:
        end, new = _insertion(old, sign)
        parts += [old[done:sign], new]
        done = position = end
    return "".join([*parts, old[done:]])


def _insertion(old: str, sign: int) -> tuple[int, str]:
    """Where what begins at a sign ends, and what comes in its place."""
    if old.startswith("@@", sign):
        return sign + 2, "@@"
    if old.startswith("@(", sign):
        end = _closing(old, sign + 1)
        return (end, _rewritten(old[sign:end])) if end else (len(old), old[sign:])
    found = PATH.match(old, sign + 1)
    if not found:
        return sign + 1, "@"
    root = found[0].partition(".")[0].lower()
    if root in TOP_LEVELS:
        return found.end(), _written(reference(found[0]))
    # What was plain text must not become an expression.
    return found.end(), f"@@{found[0]}" if root in NEW_TOP_LEVELS else f"@{found[0]}"


def _rewritten(source: str) -> str:
    try:
        return f"@({as_expression(source[2:-1]).source})"
    except Unreadable:
        return source


def _written(new: New) -> str:
    return f"@{new.source}" if PLAIN.fullmatch(new.source) else f"@({new.source})"


def _closing(old: str, opening: int) -> int:
    depth = 0
    for found in BRACKET.finditer(old, opening):
        if found[0] == '"':
            return 0
        depth += (found[0] == "(") - (found[0] == ")")
        if depth == 0:
            return found.end()
    return 0
