"""Rewrites references inside templates; every character outside of them stays as it was typed."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from trunkline.expressions.parser import parse
from trunkline.expressions.scanner import BRACKETS, PATH
from trunkline.expressions.tokens import SyntaxFault, Token, tokenise


class Change(NamedTuple):
    """What comes in the place of some characters of an expression."""

    start: int
    end: int
    new: str


# Gets the tokens of an expression and the place of a reference among them.
Edit = Callable[[list[Token], int], Change | None]


def rewritten(template: str, root: str, edit: Edit, *, inside: tuple[str, ...] = ()) -> str:
    """The template with every reference to the context's `root` edited, and to its like `inside` other roots."""
    if "@" not in template or root not in template.lower():
        return template
    done, parts = 0, []
    for start, end in insertions(template):
        parts += [template[done:start], _edited(template[start:end], root, edit, inside)]
        done = end
    return "".join([*parts, template[done:]])


def insertions(template: str) -> Iterator[tuple[int, int]]:
    """Where the paths of `@name.part` and the expressions of `@(…)` begin and end. `@@` is a plain sign."""
    position = 0
    while (sign := template.find("@", position)) >= 0:
        position = sign + 1
        if template.startswith("@", position):
            position += 1
        elif template.startswith("(", position):
            if not (end := closing(template, position)):
                return
            yield position + 1, end - 1
            position = end
        elif found := PATH.match(template, position):
            yield found.span()
            position = found.end()


def closing(template: str, opening: int) -> int:
    """Just after the bracket that closes the one at `opening`, brackets in quotes aside; 0 when none does."""
    depth = 0
    for found in BRACKETS.finditer(template, opening):
        if found[0] == '"':
            break
        depth += (found[0] == "(") - (found[0] == ")")
        if depth == 0:
            return found.end()
    return 0


def _edited(expression: str, root: str, edit: Edit, inside: tuple[str, ...]) -> str:
    if root not in expression.lower():
        return expression
    try:
        # What cannot be read fails as well under new names, so it may stay as somebody wrote it.
        parse(expression)
        tokens = list(tokenise(expression))
    except SyntaxFault:
        return expression
    done, parts = 0, []
    for place in references(tokens, root, inside):
        if change := edit(tokens, place):
            parts += [expression[done : change.start], change.new]
            done = change.end
    return "".join([*parts, expression[done:]])


def references(tokens: list[Token], root: str, inside: tuple[str, ...] = ()) -> Iterator[int]:
    """Where the context's `root` is named: not as a property of something else, nor as an argument of a function."""
    hidden = _hidden(tokens, root)
    for place, token in enumerate(tokens):
        if token.kind != "name" or token.written.lower() != root or place in hidden:
            continue
        owner = _owner(tokens, place)
        if owner is None or (tokens[owner].written.lower() in inside and _owner(tokens, owner) is None):
            yield place


def _owner(tokens: list[Token], place: int) -> int | None:
    """What the name at a place is a property of."""
    return place - 2 if place >= 2 and tokens[place - 1].written == "." else None


def _hidden(tokens: list[Token], root: str) -> set[int]:
    """The places inside `(root) => …`, where the name stands for an argument."""
    hidden: set[int] = set()
    for arrow, token in enumerate(tokens):
        if token.written == "=>":
            first = next((place for place in range(arrow - 1, -1, -1) if tokens[place].written == "("), arrow)
            if any(argument.written.lower() == root for argument in tokens[first:arrow]):
                hidden.update(range(first, _end_of_body(tokens, arrow)))
    return hidden


def _end_of_body(tokens: list[Token], arrow: int) -> int:
    depth = 0
    for place in range(arrow + 1, len(tokens)):
        match tokens[place].written:
            case "(" | "[":
                depth += 1
            case ")" | "]":
                depth -= 1
        if depth < 0 or (depth == 0 and tokens[place].written == ","):
            return place
    return len(tokens)
