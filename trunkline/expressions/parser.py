"""From the text of an expression to a closure, once; the closure is called as often as it is needed.

Tightest first: atoms with their look-ups and calls, minus, `^`, `* /`, `+ -`, `< <= > >=`, `= !=`, `&`, and
loosest of all `(a, b) => …`, which reaches as far as it can. All operators bind to the left.
"""

from collections.abc import Sequence

from trunkline.expressions import nodes, numbers
from trunkline.expressions.nodes import Node
from trunkline.expressions.operators import BINARY, Operator
from trunkline.expressions.tokens import SyntaxFault, Token, tokenise, unquote
from trunkline.expressions.values import ErrorValue

DEEPEST = 100
"""Brackets (and anonymous functions) inside one another."""


def compile(expression: str) -> Node:
    """The expression to evaluate; one that cannot be read evaluates to its error."""
    try:
        return parse(expression)
    except SyntaxFault as fault:
        return nodes.constant(ErrorValue(fault.text))
    except RecursionError:
        return nodes.constant(ErrorValue("syntax error: nested too deeply"))


def parse(expression: str) -> Node:
    """As `compile`, but raises `SyntaxFault`."""
    parser = _Parser(list(tokenise(expression)))
    node = parser.expression()
    if parser.token.kind != "end":
        raise parser.unexpected()
    return node


class _Parser:
    def __init__(self, tokens: Sequence[Token]) -> None:
        self.tokens = tokens
        self.at = 0
        self.token = tokens[0]
        self.depth = 0
        self.parameters: list[str] = []

    def expression(self) -> Node:
        """Operands between operators, put in the order in which the operators are applied."""
        operand = self.operand()
        if self.token.kind != "operator" or self.token.written not in BINARY:
            return operand
        program: list[Node | Operator] = [operand]
        shape = [False]
        waiting: list[tuple[int, Operator]] = []
        while self.token.kind == "operator" and (found := BINARY.get(self.token.written)):
            while waiting and waiting[-1][0] >= found[0]:
                program.append(waiting.pop()[1])
                shape.append(True)
            waiting.append(found)
            self.advance()
            program.append(self.operand())
            shape.append(False)
        program.extend(operator for _, operator in reversed(waiting))
        return nodes.operation(program, shape + [True] * len(waiting))

    def operand(self) -> Node:
        minuses = 0
        while self.take("-"):
            minuses += 1
        node = self.atom()
        return nodes.negation(node, minuses) if minuses else node

    def atom(self) -> Node:
        token = self.token
        match token.kind:
            case "text":
                return self.literal(unquote(token.written))
            case "number":
                number = numbers.parse(token.written)
                return self.literal(ErrorValue("number out of range") if number is None else number)
            case "word":
                return self.literal(WORDS[token.written.lower()])
            case "name":
                self.advance()
                bound = token.written.lower() in self.parameters
                return self.suffixed(nodes.argument(token.written) if bound else nodes.name(token.written))
        if not self.take("("):
            raise self.unexpected()
        parameters = self.heading()
        return self.suffixed(self.bracketed(")")) if parameters is None else self.function(parameters)

    def literal(self, value: object) -> Node:
        self.advance()
        return nodes.constant(value)

    def suffixed(self, node: Node) -> Node:
        """Look-ups and calls after an atom."""
        keys: list[str] = []
        while self.token.kind == "operator" and self.token.written in SUFFIXES:
            if self.take("."):
                keys.append(self.key())
                continue
            node, keys = nodes.path(node, keys) if keys else node, []
            if self.take("["):
                node = nodes.index(node, self.bracketed("]"))
            else:
                self.advance()
                node = nodes.call(node, self.arguments())
        return nodes.path(node, keys) if keys else node

    def key(self) -> str:
        """A name or a whole number: `x.0.2` has neither after its first dot."""
        token = self.token
        if token.kind != "name" and not (token.kind == "number" and "." not in token.written):
            raise self.unexpected()
        self.advance()
        return token.written

    def arguments(self) -> list[Node]:
        found: list[Node] = []
        self.enter()
        if not self.take(")"):
            found.append(self.expression())
            while self.take(","):
                found.append(self.expression())
            self.expect(")")
        self.depth -= 1
        return found

    def bracketed(self, closing: str) -> Node:
        self.enter()
        node = self.expression()
        self.expect(closing)
        self.depth -= 1
        return node

    def heading(self) -> list[str] | None:
        """The parameters if this bracket begins an anonymous function; only then are they read."""
        end = self.at
        while self.tokens[end].kind == "name" or self.tokens[end].written == ",":
            end += 1
        if [token.written for token in self.tokens[end : end + 2]] != [")", "=>"]:
            return None
        inside = self.tokens[self.at : end]
        in_turns = all((token.kind == "name") == (place % 2 == 0) for place, token in enumerate(inside))
        if not in_turns or (inside and inside[-1].kind != "name"):
            raise self.unexpected()
        self.at = end + 1
        self.advance()
        return [token.written for token in inside[::2]]

    def function(self, parameters: list[str]) -> Node:
        self.enter()
        self.parameters += [parameter.lower() for parameter in parameters]
        body = self.expression()
        del self.parameters[len(self.parameters) - len(parameters) :]
        self.depth -= 1
        return nodes.anonymous(parameters, body)

    def enter(self) -> None:
        self.depth += 1
        if self.depth > DEEPEST:
            raise SyntaxFault(f"nested deeper than {DEEPEST} brackets", self.token.at)

    def expect(self, written: str) -> None:
        if not self.take(written):
            raise self.unexpected()

    def take(self, written: str) -> bool:
        if self.token.kind != "operator" or self.token.written != written:
            return False
        self.advance()
        return True

    def advance(self) -> None:
        self.at += 1
        self.token = self.tokens[min(self.at, len(self.tokens) - 1)]

    def unexpected(self) -> SyntaxFault:
        found = self.token.written
        return SyntaxFault(f"unexpected {found!r}" if found else "the expression ends too early", self.token.at)


SUFFIXES = frozenset({".", "[", "("})
WORDS = {"true": True, "false": False, "null": None}
