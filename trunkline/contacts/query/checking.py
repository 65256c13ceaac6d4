"""What the properties of a query are, and whether their operators and values make sense."""

import re
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Protocol

from trunkline.accounts import places
from trunkline.contacts import refs
from trunkline.contacts.query import words
from trunkline.contacts.query.conditions import (
    ALWAYS_SET,
    ATTRIBUTES,
    LOCATIONS,
    STATUSES,
    Condition,
    Day,
    Field,
    Kind,
    Operator,
    Reading,
    Ref,
    Type,
)
from trunkline.contacts.query.errors import QueryError
from trunkline.core import urns
from trunkline.expressions import dates
from trunkline.expressions.environment import Environment

SHORTEST_PART = 3
MOST_DIGITS = 36


class Resolver(Protocol):
    """What a workspace knows by its names, however those are written."""

    def field(self, key: str) -> Field | None: ...

    def group(self, name: str) -> Ref | None: ...

    def flow(self, name: str) -> Ref | None: ...


class Checks:
    """Makes conditions, checked. Without a resolver fields are of unknown type, groups and flows as named."""

    def __init__(self, environment: Environment, resolver: Resolver | None, now: datetime):
        self._environment, self._resolver, self._now = environment, resolver, now

    def implicit(self, text: str) -> Condition:
        """The condition that a text without property and operator stands for."""
        if self._environment.redacts_urns:
            if refs.looks_like(text):
                return self.condition("", "ref", "=", text)
        elif urn := _urn(text):
            return self.condition("urns", urn[0], "=", urn[1])
        elif DIALLED.fullmatch(text) and len(digits := NOT_DIGITS.sub("", text)) >= SHORTEST_PART:
            return self.condition("urns", "tel", "~", digits)
        return self.condition("", "name", "~" if words.tokens(text) else "=", text)

    def condition(self, prefix: str, key: str, operator: Operator, value: str) -> Condition:
        """`prefix` is that of the property: fields, urns or none."""
        kind, field = self._property(prefix, key)
        type = field.type if field else ATTRIBUTES.get(key, "text") if kind == "attribute" else "text"
        is_urn = kind == "scheme" or (kind == "attribute" and key == "urn")
        if is_urn and self._environment.redacts_urns and value:
            raise QueryError("redacted_urns", "Addresses are hidden in this workspace and cannot be searched.")
        if operator == "~":
            reading = _part(kind, key, is_urn, value)
        elif operator not in ("=", "!=") and type not in ("number", "datetime", "unknown"):
            message = f"{key} cannot be compared with {operator}; only numbers and dates can."
            raise QueryError("unsupported_comparison", message, property=key, operator=operator)
        elif operator in ("=", "!=") and not value.strip(words.SPACES):
            if kind == "attribute" and key in ALWAYS_SET:
                message = f"{key} is always set and cannot be compared with nothing."
                raise QueryError("unsupported_setcheck", message, property=key, operator=operator)
            reading = ""
        else:
            reading = self._reading(kind, key, type, value)
        return Condition(kind, field.key if field else key, operator, value, type, reading, field)

    def _property(self, prefix: str, key: str) -> tuple[Kind, Field | None]:
        if prefix not in ("", "fields", "urns"):
            raise QueryError("unknown_property_type", f"There are no properties {prefix}.…", type=prefix)
        if not prefix and key in ATTRIBUTES:
            return "attribute", None
        if prefix != "fields" and key in urns.SCHEMES:
            return "scheme", None
        if prefix == "urns":
            raise _unknown(key)
        if self._resolver is None:
            return "field", Field(key, "", "unknown")
        field = self._resolver.field(key)
        if field is None:
            raise _unknown(key)
        return "field", field

    def _reading(self, kind: Kind, key: str, type: Type, value: str) -> Reading:
        match type:
            case "number":
                return number(value)
            case "datetime":
                return day(self._environment, value, self._now)
            case "group":
                return self._group(value)
            case "flow":
                return self._flow(value)
            case "text" if kind == "attribute" and key == "status":
                return _status(value)
            case "text" if kind == "attribute" and key == "language":
                return _language(value)
        return words.fold(value.rpartition(">")[2] if type in LOCATIONS else value)

    def _group(self, name: str) -> Ref:
        found = self._resolver.group(name) if self._resolver else Ref("", name)
        if found is None:
            raise QueryError("invalid_group", f"There is no group {name!r}.", value=name)
        return found

    def _flow(self, name: str) -> Ref:
        found = self._resolver.flow(name) if self._resolver else Ref("", name)
        if found is None:
            raise QueryError("invalid_flow", f"There is no flow {name!r}.", value=name)
        return found


def number(value: str) -> Decimal:
    typed = value.strip()
    if not NUMBER.fullmatch(typed) or len(NOT_DIGITS.sub("", typed).strip("0")) > MOST_DIGITS or len(typed) > 100:
        raise QueryError("invalid_number", f"{value!r} is not a number.", value=value)
    return Decimal(typed)


def day(environment: Environment, value: str, now: datetime) -> Day:
    """The whole day in the environment's zone that a date, or a moment, belongs to."""
    found = dates.parse_datetime(environment, value, now)
    if found is None:
        raise QueryError("invalid_date", f"{value!r} is not a date.", value=value)
    zone = environment.zone
    try:
        date = found.astimezone(zone).date()
        start = dates.combine(date, time(), zone)
        end = dates.combine(date + timedelta(days=1), time(), zone)
        return Day(start.astimezone(UTC), end.astimezone(UTC))
    except OverflowError:
        raise QueryError("invalid_date", f"{value!r} is too far away.", value=value) from None


def _part(kind: Kind, key: str, is_urn: bool, value: str) -> Reading:
    """What is looked for inside a name or an address."""
    if kind == "attribute" and key == "name":
        if found := words.tokens(value):
            return found
        message = f"A part of a name needs a word of {words.SHORTEST_TOKEN} letters."
        raise QueryError("invalid_partial_name", message, min_token_length=str(words.SHORTEST_TOKEN))
    if not is_urn:
        raise QueryError("unsupported_contains", f"{key} cannot be searched for a part.", property=key)
    if len(folded := words.fold(value)) < SHORTEST_PART:
        message = f"A part of an address needs {SHORTEST_PART} characters."
        raise QueryError("invalid_partial_urn", message, min_value_length=str(SHORTEST_PART))
    return folded


def _status(value: str) -> str:
    if (status := words.fold(value)) not in STATUSES:
        raise QueryError("invalid_status", f"{value!r} is not a status of contacts.", value=value)
    return status


def _language(value: str) -> str:
    try:
        return places.language(value)
    except places.BadPlace as error:
        raise QueryError("invalid_language", str(error), value=value) from None


def _urn(text: str) -> tuple[str, str] | None:
    try:
        scheme, path, _ = urns.parts(text)
    except urns.BadUrn:
        return None
    shape = SHAPES.get(scheme) or urns.SHAPES.get(scheme, urns.ANYTHING)
    normal = path.lower() if scheme == "twitter" else path
    return (scheme, path) if scheme in urns.SCHEMES and shape.fullmatch(normal) else None


def _unknown(key: str) -> QueryError:
    return QueryError("unknown_property", f"There is no property {key!r}.", property=key)


NUMBER = re.compile(r"-?(?:\d+(?:\.\d+)?|\.\d+)", re.ASCII)
DIALLED = re.compile(r"\+?[-\d]{4,}", re.ASCII)
NOT_DIGITS = re.compile(r"[^0-9]")
# Looser than for what is stored: short codes are numbers too.
SHAPES = {"tel": re.compile(r"\+?[0-9a-zA-Z]{1,64}"), "mailto": re.compile(r"[^\s@]+@[^\s@]+")}
