"""What a query is made of: conditions on properties, joined by AND and OR."""

from datetime import datetime
from decimal import Decimal
from typing import Literal

from msgspec import Struct

Kind = Literal["attribute", "scheme", "field"]
Operator = Literal["=", "!=", "~", ">", ">=", "<", "<="]
Joint = Literal["and", "or"]
Type = Literal["text", "number", "datetime", "state", "district", "ward", "group", "flow", "unknown"]

ATTRIBUTES: dict[str, Type] = {
    "uuid": "text",
    "id": "text",
    "ref": "text",
    "name": "text",
    "status": "text",
    "language": "text",
    "urn": "text",
    "group": "group",
    "flow": "flow",
    "history": "flow",
    "tickets": "number",
    "created_on": "datetime",
    "last_seen_on": "datetime",
}
ALWAYS_SET = frozenset({"uuid", "id", "ref", "status", "created_on", "tickets"})
NOT_FOR_GROUPS = frozenset({"id", "ref", "status", "group", "flow", "history"})
STATUSES = ("active", "blocked", "stopped", "archived")
LOCATIONS = ("state", "district", "ward")


class Ref(Struct, frozen=True):
    """A group or a flow. Parsed without a resolver it has a name alone; `id` is known where a database is."""

    uuid: str
    name: str
    id: int = 0


class Field(Struct, frozen=True):
    key: str
    name: str
    type: Type


class Day(Struct, frozen=True):
    """A calendar day of the environment's zone, in UTC; `end` is the next day's start."""

    start: datetime
    end: datetime


Reading = str | Decimal | Day | Ref | list[str]


class Condition(Struct, frozen=True):
    """`value` is spelled as in the query, `reading` is what it means: a folded text, a number, a day, a group or
    flow, the tokens of a part of a name. It is "" where the question is whether the property is set.
    """

    kind: Kind
    key: str
    operator: Operator
    value: str
    type: Type
    reading: Reading
    field: Field | None = None

    @property
    def asks_presence(self) -> bool:
        return self.reading == "" and self.operator in ("=", "!=")

    @property
    def about_urns(self) -> bool:
        return self.kind == "scheme" or (self.kind == "attribute" and self.key == "urn")


class Combination(Struct, frozen=True):
    """Two or more parts, none of them a combination with the same joint."""

    joint: Joint
    parts: tuple["Node", ...]


Node = Condition | Combination


def joined(joint: Joint, parts: list[Node]) -> Node:
    """The parts under one joint, flat; a single part stays what it is."""
    flat: list[Node] = []
    for part in parts:
        flat += part.parts if isinstance(part, Combination) and part.joint == joint else (part,)
    return flat[0] if len(flat) == 1 else Combination(joint, tuple(flat))


def conditions(node: Node) -> list[Condition]:
    """All conditions, from left to right."""
    found: list[Condition] = []
    waiting = [node]
    while waiting:
        part = waiting.pop()
        if isinstance(part, Condition):
            found.append(part)
        else:
            waiting += reversed(part.parts)
    return found
