"""The contact query language: `name ~ ann AND (age > 18 OR tel = "")`. Pure; compiling.py alone knows of tables."""

from datetime import datetime
from functools import cached_property
from typing import Any

from trunkline.contacts.query import inspecting, matching, parsing, printing
from trunkline.contacts.query.checking import Resolver as Resolver
from trunkline.contacts.query.conditions import Field as Field
from trunkline.contacts.query.conditions import Node
from trunkline.contacts.query.conditions import Ref as Ref
from trunkline.contacts.query.errors import QueryError as QueryError
from trunkline.contacts.query.inspecting import Inspection as Inspection
from trunkline.contacts.query.names import Names as Names
from trunkline.contacts.query.printing import literal as literal
from trunkline.contacts.query.subjects import Subject as Subject
from trunkline.expressions.environment import Environment


class Query:
    """A query that was read and checked. Immutable; keep it and ask it often."""

    def __init__(self, root: Node, environment: Environment):
        self.root, self.environment = root, environment

    @cached_property
    def text(self) -> str:
        """The normal form, which reads back as the same query."""
        return printing.text(self.root)

    @cached_property
    def tree(self) -> dict[str, Any]:
        return printing.tree(self.root)

    @cached_property
    def inspection(self) -> Inspection:
        return inspecting.inspect(self.root)

    @cached_property
    def touches(self) -> list[str]:
        """What decides it, as changes of contacts name it: `name`, `fields.plan`, `urns`, `last_seen_on`."""
        return inspecting.touches(self.root)

    @cached_property
    def matches(self) -> matching.Test:
        """Whether a contact in memory satisfies it."""
        return matching.compile(self.root, self.environment)


def parse(
    text: str,
    environment: Environment | None = None,
    resolver: Resolver | None = None,
    *,
    now: datetime = parsing.LONG_AGO,
) -> Query:
    """Read a query; raises `QueryError` and nothing else.

    Without a resolver fields are of unknown type, groups and flows are taken as named. `now` decides the century
    of years with two digits.
    """
    environment = environment or Environment()
    return Query(parsing.parse(text, environment, resolver, now), environment)
