"""Reads an old expression and writes the new one as it goes."""

import re

from trunkline.flows.migrations.legacy.dialect import operators, printing
from trunkline.flows.migrations.legacy.dialect.context import reference
from trunkline.flows.migrations.legacy.dialect.functions import converted
from trunkline.flows.migrations.legacy.dialect.printing import New

DEEPEST = 100
TOKEN = re.compile(
    r'\s*(?:(?P<text>"(?:[^"]|"")*")|(?P<number>[0-9]+(?:\.[0-9]+)?)|(?P<name>[^\W\d_]\w*(?:\.\w+)*)'
    r"|(?P<operator><>|<=|>=|[-+*/^=<>&])|(?P<bracket>[(),]))\s*"
)
LOGICAL = {"true": True, "false": False}


class Unreadable(ValueError):
    """This is no expression of the old dialect."""


def as_expression(old: str) -> New:
    """The new expression. Raises Unreadable."""
    reader = Reader(old)
    new = reader.expression(0)
    if reader.kind:
        raise Unreadable(old)
    return new


class Reader:
    """Goes through the tokens of an expression, one at a time; `kind` is "" after the last."""

    def __init__(self, old: str):
        self.tokens = self._tokens(old)
        self.place, self.depth = -1, 0
        self.kind = self.source = ""
        self._advance()

    def expression(self, loosest: int) -> New:
        """Everything that binds at least as tightly as a level."""
        left = self._operand()
        while self.kind == "operator" and (level := operators.level_of(self.source)) >= loosest:
            operator = self._advance()
            left = operators.combined(left, operator, self.expression(level + 1))
        return left

    def _operand(self) -> New:
        minuses = 0
        while self.source == "-" and self.kind == "operator":
            self._advance()
            minuses += 1
        operand = self._atom()
        for _ in range(minuses):
            operand = printing.negated(operand)
        return operand

    def _atom(self) -> New:
        match self.kind:
            case "number":
                return printing.number(self._advance())
            case "text":
                return printing.text(self._advance()[1:-1].replace('""', '"'))
            case "name":
                name = self._advance()
                return self._named(name)
            case "bracket" if self.source == "(":
                return self._bracketed()
        raise Unreadable(self.source)

    def _named(self, name: str) -> New:
        if self.source == "(" and self.kind == "bracket":
            return converted(name.lower(), self._arguments())
        if name.lower() in LOGICAL:
            return printing.boolean(LOGICAL[name.lower()])
        return reference(name)

    def _bracketed(self) -> New:
        self._open()
        inner = self.expression(0)
        self._close()
        return inner

    def _arguments(self) -> list[New]:
        self._open()
        arguments: list[New] = []
        while self.source != ")":
            arguments.append(self.expression(0))
            if self.source != ",":
                break
            self._advance()
            if self.source == ")":
                raise Unreadable("an argument is missing")
        self._close()
        return arguments

    def _open(self) -> None:
        self._advance()
        self.depth += 1
        if self.depth > DEEPEST:
            raise Unreadable("too deep")

    def _close(self) -> None:
        if self.source != ")":
            raise Unreadable("a bracket is not closed")
        self._advance()
        self.depth -= 1

    def _advance(self) -> str:
        """Goes on to the next token and gives back the one that was there."""
        before = self.source
        self.place += 1
        self.kind, self.source = self.tokens[self.place] if self.place < len(self.tokens) else ("", "")
        return before

    @staticmethod
    def _tokens(old: str) -> list[tuple[str, str]]:
        tokens: list[tuple[str, str]] = []
        position = 0
        while position < len(old):
            if not (found := TOKEN.match(old, position)) or not found.lastgroup:
                raise Unreadable(old)
            tokens.append((found.lastgroup, found[found.lastgroup]))
            position = found.end()
        return tokens
