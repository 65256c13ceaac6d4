"""Pieces of new expressions: their source, how tightly it binds, and what is known of their value."""

import json
import re
from typing import Literal, NamedTuple

Known = Literal["number", "date", "time", "text", "boolean", "unknown"]

# How tightly things bind in the new dialect.
ATOM, NEGATION, POWER, PRODUCT, TOTAL, ORDER, EQUALITY, JOIN = 9, 8, 7, 6, 5, 4, 3, 2
LEVELS = {
    "^": POWER,
    "*": PRODUCT,
    "/": PRODUCT,
    "+": TOTAL,
    "-": TOTAL,
    "<": ORDER,
    "<=": ORDER,
    ">": ORDER,
    ">=": ORDER,
    "=": EQUALITY,
    "!=": EQUALITY,
    "&": JOIN,
}
WHOLE = re.compile(r"-?[0-9]+", re.ASCII)


class New(NamedTuple):
    """A new expression."""

    source: str
    level: int = ATOM
    known: Known = "unknown"

    @property
    def whole(self) -> int | None:
        """The number when the expression is just a whole number."""
        return int(self.source) if len(self.source) < 20 and WHOLE.fullmatch(self.source) else None


def text(value: str) -> New:
    # JSON's escapes are among those of the new dialect.
    return New(json.dumps(value, ensure_ascii=False), known="text")


def number(source: str | int) -> New:
    return New(str(source), known="number")


def boolean(value: bool) -> New:
    return New("true" if value else "false", known="boolean")


def call(name: str, *arguments: New | str, known: Known = "unknown") -> New:
    sources = ", ".join(argument if isinstance(argument, str) else argument.source for argument in arguments)
    return New(f"{name}({sources})", known=known)


def infix(left: New, operator: str, right: New, known: Known) -> New:
    """Brackets go where the new dialect would bind otherwise; all its operators lean to the left."""
    level = LEVELS[operator]
    return New(f"{bound(left, level)} {operator} {bound(right, level + 1)}", level, known)


def bound(operand: New, level: int) -> str:
    return operand.source if operand.level >= level else f"({operand.source})"


def negated(operand: New) -> New:
    return New(f"-{bound(operand, NEGATION)}", NEGATION, "number")
