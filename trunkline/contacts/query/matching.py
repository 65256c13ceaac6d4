"""Whether a contact in memory satisfies a query: compiled once to a function, asked often."""

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeVar

from trunkline.contacts import refs
from trunkline.contacts.query import words
from trunkline.contacts.query.checking import day, number
from trunkline.contacts.query.conditions import LOCATIONS, Combination, Condition, Day, Node, Operator, Ref
from trunkline.contacts.query.errors import QueryError
from trunkline.contacts.query.subjects import Subject
from trunkline.expressions.environment import Environment

T = TypeVar("T")
Test = Callable[[Subject], bool]
Values = Callable[[Subject], Iterable[Any]]


def compile(node: Node, environment: Environment) -> Test:
    if isinstance(node, Combination):
        return _combined(node, environment)
    if node.type == "unknown":
        return _of_unknown_type(node, environment)
    values = _values(node, environment)
    if node.asks_presence:
        if node.operator == "=":
            return lambda subject: not any(True for _ in values(subject))
        return lambda subject: any(True for _ in values(subject))
    holds = _comparison(node)
    if node.operator == "!=":
        return lambda subject: not any(map(holds, values(subject)))
    return lambda subject: any(map(holds, values(subject)))


def _combined(node: Combination, environment: Environment) -> Test:
    tests = tuple(compile(part, environment) for part in node.parts)
    if node.joint == "and":
        return lambda subject: all(test(subject) for test in tests)
    return lambda subject: any(test(subject) for test in tests)


def _comparison(node: Condition) -> Callable[[Any], bool]:
    """Whether one value satisfies the condition; for != whether it equals."""
    reading = node.reading
    if node.operator == "~" and isinstance(reading, list):
        found = re.compile(words.beginning(reading)).search
        return lambda text: found(text) is not None
    if node.operator == "~":
        return lambda text: reading in text
    if isinstance(reading, Day):
        return _within(node.operator, reading)
    if isinstance(reading, Decimal):
        return _numeric(node.operator, reading)
    if isinstance(reading, Ref):
        name = words.fold(reading.name)
        return lambda ref: ref.uuid == reading.uuid if reading.uuid else words.fold(ref.name) == name
    return lambda value: value == reading


def _numeric(operator: Operator, wanted: Decimal) -> Callable[[Any], bool]:
    match operator:
        case ">":
            return lambda value: value > wanted
        case ">=":
            return lambda value: value >= wanted
        case "<":
            return lambda value: value < wanted
        case "<=":
            return lambda value: value <= wanted
    return lambda value: value == wanted


def _within(operator: Operator, day: Day) -> Callable[[datetime], bool]:
    """Days are compared as a whole: > is after the day's end, <= before it."""
    start, end = day.start, day.end
    match operator:
        case ">":
            return lambda moment: moment >= end
        case ">=":
            return lambda moment: moment >= start
        case "<":
            return lambda moment: moment < start
        case "<=":
            return lambda moment: moment < end
    return lambda moment: start <= moment < end


def _values(node: Condition, environment: Environment) -> Values:
    """The values that a property has, as they are compared."""
    if node.kind == "field":
        return _of_field(node)
    if node.about_urns:
        scheme = node.key if node.kind == "scheme" else None
        return lambda subject: _paths(subject.urns, scheme)
    key = node.key
    match key:
        case "group":
            return lambda subject: subject.groups
        case "flow":
            return lambda subject: () if subject.flow is None else (subject.flow,)
        case "history":
            return lambda subject: subject.history
        case "tickets":
            return lambda subject: (sum(ticket.status != "closed" for ticket in subject.tickets),)
        case "created_on" | "last_seen_on":
            return lambda subject: () if (moment := getattr(subject, key)) is None else (moment,)
        case "ref":
            return lambda subject: (words.fold(subject.ref or refs.of(subject.id, environment.obfuscation_key)),)
        case "id":
            return lambda subject: (str(subject.id),)
    return lambda subject: (text,) if (text := words.fold(str(getattr(subject, key) or ""))) else ()


def _of_field(node: Condition) -> Values:
    key, type = node.key, node.type
    if type == "text" or type in LOCATIONS:

        def texts(subject: Subject) -> Iterable[str]:
            value = subject.fields.get(key)
            text = getattr(value, type) if value is not None else None
            folded = words.fold(text if type == "text" else text.rpartition(">")[2]) if text else ""
            return (folded,) if folded else ()

        return texts

    def readings(subject: Subject) -> Iterable[Any]:
        value = subject.fields.get(key)
        reading = getattr(value, type) if value is not None else None
        return () if reading is None else (reading,)

    return readings


def _paths(urns: Iterable[str], scheme: str | None) -> Iterable[str]:
    for urn in urns:
        its_scheme, _, rest = urn.partition(":")
        if scheme is None or its_scheme == scheme:
            yield words.fold(rest.partition("#")[0].partition("?")[0])


def _of_unknown_type(node: Condition, environment: Environment) -> Test:
    """A field that nobody declared: compared as a number or a day where both sides are one, else as a text."""
    wanted = words.fold(node.value)
    if not wanted:
        return lambda subject: (node.operator == "=") != bool(_text(subject, node.key))
    readings = [*_attempt(lambda: ("number", _numeric(node.operator, number(node.value))))]
    if not readings and node.operator not in ("=", "!="):
        readings += _attempt(lambda: ("datetime", _within(node.operator, day(environment, node.value, LONG_AGO))))

    def equals(subject: Subject) -> bool:
        value = subject.fields.get(node.key)
        for name, test in readings:
            if value is not None and (reading := getattr(value, name)) is not None:
                return test(reading)
        return node.operator in ("=", "!=") and _text(subject, node.key) == wanted

    return (lambda subject: not equals(subject)) if node.operator == "!=" else equals


def _attempt(read: Callable[[], T]) -> list[T]:
    try:
        return [read()]
    except QueryError:
        return []


def _text(subject: Subject, key: str) -> str:
    value = subject.fields.get(key)
    return words.fold(value.text) if value is not None else ""


LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
