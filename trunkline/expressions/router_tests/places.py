"""Tests for the name of a state, district or ward in a text. What matches is the place's whole path."""

from trunkline.expressions import locations
from trunkline.expressions.convert import to_text
from trunkline.expressions.functions import function
from trunkline.expressions.locations import DISTRICT, STATE, WARD, Hierarchy, Level, Location
from trunkline.expressions.router_tests import FAILED, passed
from trunkline.expressions.scope import Scope
from trunkline.expressions.values import ExpressionError, Object, Value


@function("has_state", 1)
def has_state(scope: Scope, operand: Value) -> Object:
    return _within(_hierarchy(scope), to_text(scope, operand), STATE, [])


@function("has_district", 1, 2)
def has_district(scope: Scope, operand: Value, state: Value = None) -> Object:
    """Without a state, only a name that one district has in the whole hierarchy counts."""
    places = _hierarchy(scope)
    named = to_text(scope, state)
    return _within(places, to_text(scope, operand), DISTRICT, [places.only(named, STATE)] if named else [])


@function("has_ward", 1, 3)
def has_ward(scope: Scope, operand: Value, district: Value = None, state: Value = None) -> Object:
    """Flows are found that give district and state, and such that give state and district; both are understood."""
    places = _hierarchy(scope)
    names = [name for name in (to_text(scope, district), to_text(scope, state)) if name]
    parents: list[Location | None] = []
    if names:
        parents = [_district(places, names[0], names[1:]), *(_district(places, name, names[:1]) for name in names[1:])]
    return _within(places, to_text(scope, operand), WARD, parents)


def _district(places: Hierarchy, name: str, states: list[str]) -> Location | None:
    if not states:
        return places.only(name, DISTRICT)
    state = places.only(states[0], STATE)
    return places.only(name, DISTRICT, state) if state else None


def _within(places: Hierarchy, text: str, level: Level, parents: list[Location | None]) -> Object:
    """`parents` are the readings of where to look; none of them is known when the flow names no such place."""
    known = [parent for parent in parents if parent]
    if parents and not known:
        return FAILED
    if known:
        found = next(iter(places.mentioned(text, level, known[0])), None)
    else:
        found = places.only(text, level)
    return passed(found.path) if found else FAILED


def _hierarchy(scope: Scope) -> locations.Hierarchy:
    if not scope.locations:
        raise ExpressionError("there are no locations to look in")
    return scope.locations
