"""From the text of a query to its conditions.

AND binds tighter than OR, and two things side by side are joined by AND. What has no operator is a condition by
itself: a phone number, a URN, digits of a number, or a part of a name.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime

from trunkline.contacts.query.checking import Checks, Resolver
from trunkline.contacts.query.conditions import Condition, Node, Operator, joined
from trunkline.contacts.query.errors import QueryError
from trunkline.contacts.query.lexing import Token, tokens
from trunkline.core import phones
from trunkline.expressions.environment import Environment

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
MOST_CHARACTERS, MOST_CONDITIONS, DEEPEST = 10_000, 250, 100


def parse(text: str, environment: Environment, resolver: Resolver | None, now: datetime) -> Node:
    """Raises `QueryError` and nothing else. `now` decides the century of years with two digits."""
    if len(text) > MOST_CHARACTERS:
        raise QueryError("too_complex", f"The query has more than {MOST_CHARACTERS:,} characters.")
    checks = Checks(environment, resolver, now)
    text = text.strip()
    if number := _phone(text, environment):
        return checks.condition("urns", "tel", "=", number)
    return _Reader(text, checks).read()


def _phone(text: str, environment: Environment) -> str | None:
    if environment.redacts_urns:
        return None
    try:
        return phones.parse(text, environment.default_country or None)
    except phones.BadPhone:
        return None


class _Group:
    """What was read of one pair of parentheses: alternatives, each a list of parts that hold together."""

    __slots__ = ("alternatives",)

    def __init__(self) -> None:
        self.alternatives: list[list[Node]] = [[]]

    def add(self, node: Node) -> None:
        self.alternatives[-1].append(node)

    def node(self) -> Node:
        return joined("or", [joined("and", parts) for parts in self.alternatives])


class _Reader:
    """Reads without recursion, so that no depth of parentheses can exhaust the stack."""

    def __init__(self, text: str, checks: Checks):
        self._tokens: Iterator[Token] = tokens(text)
        self._checks = checks
        self._token = next(self._tokens)
        self._open = [_Group()]
        self._conditions = 0

    def read(self) -> Node:
        wants_part = True  # after an opening parenthesis, AND or OR, and at the start
        while self._token.kind != "end":
            token = self._token
            match token.kind:
                case "(":
                    self._begin()
                    wants_part = True
                case ")" if not wants_part and len(self._open) > 1:
                    self._open[-2].add(self._open.pop().node())
                    self._advance()
                case "and" | "or" if not wants_part:
                    if token.kind == "or":
                        self._open[-1].alternatives.append([])
                    self._advance()
                    wants_part = True
                case "word" | "quoted":
                    self._open[-1].add(self._condition())
                    wants_part = False
                case _:
                    raise self._unexpected()
        if wants_part or len(self._open) > 1:
            raise self._unexpected()
        return self._open[0].node()

    def _begin(self) -> None:
        if len(self._open) > DEEPEST:
            raise QueryError("too_complex", f"The query is nested more than {DEEPEST} deep.")
        self._open.append(_Group())
        self._advance()

    def _condition(self) -> Condition:
        self._conditions += 1
        if self._conditions > MOST_CONDITIONS:
            raise QueryError("too_complex", f"The query has more than {MOST_CONDITIONS} conditions.")
        first = self._advance()
        if self._token.kind != "operator" or first.kind != "word":
            return self._checks.implicit(first.value)
        named = PROPERTY.fullmatch(first.value)
        operator: Operator = self._advance().value  # pyright: ignore[reportAssignmentType]
        if named is None or self._token.kind not in ("word", "quoted"):
            raise self._unexpected()
        prefix, key = named.groups()
        return self._checks.condition((prefix or "").lower(), key.lower(), operator, self._advance().value)

    def _advance(self) -> Token:
        passed, self._token = self._token, next(self._tokens, self._token)
        return passed

    def _unexpected(self) -> QueryError:
        if self._token.kind == "end":
            return QueryError("syntax", "The query ends where something is still missing.")
        shown = self._token.value[:50]
        return QueryError("syntax", f"The query cannot be read: {shown!r} at position {self._token.at + 1}.")


PROPERTY = re.compile(r"(?:([^\W\d_]+)\.)?([^\W\d]\w*)")
