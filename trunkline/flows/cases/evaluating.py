"""`trunkline flow eval`: a template, typed value, expression or call, by itself or inside a session."""

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Struct

from trunkline import expressions
from trunkline.contacts.query import lexing
from trunkline.expressions import functions, locations, rendering, templates
from trunkline.expressions.scope import BUDGET, Problem, Scope
from trunkline.expressions.values import ErrorValue, Object, Value, item, type_name
from trunkline.flows.cases import reading, running, typed
from trunkline.flows.cases.doubles import Doubles
from trunkline.flows.cases.errors import CaseError
from trunkline.flows.inputs import without_nulls


class Place(Struct):
    """Where a piece is evaluated: what it sees, what it may begin with, how long its text may be."""

    context: Object
    scope: Scope
    tops: frozenset[str] = expressions.TOP_LEVELS
    limit: int | None = None
    escape: Callable[[str], str] | None = None


def answer(case: dict[str, Any], assets: dict[str, Any] | None) -> dict[str, Any]:
    """`assets` serve a case that has none of its own."""
    form = _form(case)
    place = _alone(case, assets) if case.get("case") is None else _inside(case, assets)
    place.escape = _escape(case)
    value = FORMS[form](case, place)
    shown = _shown(value, case[form] if form != "call" else case["call"]["name"], place)
    problems, warnings = place.scope.problems, dict.fromkeys(place.scope.warnings)
    return {
        **shown,
        "errors": [{"code": each.code, "text": each.text, "source": each.source} for each in problems],
        "warnings": list(warnings),
    }


def _shown(value: Value, source: str, place: Place) -> dict[str, Any]:
    """Type, text and JSON. A value that holds an error somewhere has no text, which is a problem too."""
    if isinstance(value, ErrorValue):
        return {"type": "error", "text": None, "json": None}
    if isinstance(value, str) and place.limit is not None:
        value = templates.truncated(value, place.limit)
    scope, text = place.scope, None
    scope.begin()
    try:
        text = rendering.to_text(scope, value)
    except templates.FAULTS as fault:
        error = templates.faulty(fault)
        scope.problems.append(Problem(error.text, source, error.code))
    if text is not None and place.limit is not None:
        text = templates.truncated(text, place.limit)
    return {"type": type_name(value), "text": text, "json": _json(value, scope)}


def _json(value: Value, scope: Scope) -> msgspec.Raw | None:
    scope.begin()
    try:
        return msgspec.Raw(rendering.to_json_text(scope, value).encode())
    except templates.FAULTS:
        return None


def _alone(case: dict[str, Any], assets: dict[str, Any] | None) -> Place:
    """A context, environment and clock of the case's own."""
    context = {} if case.get("context") is None else case["context"]
    if not isinstance(context, dict):
        raise CaseError("input", "The context is an object.")
    read = Object({key: typed.read(value) for key, value in context.items()})
    return Place(read, _scope(case, assets), frozenset(key.lower() for key in context))


def _inside(case: dict[str, Any], assets: dict[str, Any] | None) -> Place:
    """A session that has had its last sprint; its error, if it has one, is that of the case."""
    run = case.get("run") or 0
    if not isinstance(case["case"], dict) or not isinstance(run, int):
        raise CaseError("input", "The case inside is an object, the run is the number of one.")
    step = running.live(case["case"], assets, run)
    # What the sprint itself evaluated has been told in its events.
    step.scope.problems.clear()
    step.scope.warnings.clear()
    return Place(step.root, step.scope, limit=expressions.LIMIT)


def _scope(case: dict[str, Any], assets: dict[str, Any] | None) -> Scope:
    """Clock and chance of the case; the clock stands still."""
    doubles = Doubles(case)
    start = doubles.clock()
    return Scope(
        reading.environment(case.get("environment")),
        now=lambda: start,
        random=doubles.random,
        locations=_locations(assets if case.get("assets") is None else case["assets"]),
        prompts=doubles.prompts,
        budget=_budget(case),
    )


def _locations(assets: Any) -> locations.Hierarchy | None:
    if not isinstance(assets, dict):
        if assets is not None:
            raise CaseError("assets", "The assets are an object.")
        return None
    try:
        return locations.read(assets.get("locations"))
    except locations.BadLocations as error:
        raise CaseError("assets", str(error)) from None


def _budget(case: dict[str, Any]) -> int:
    try:
        return msgspec.convert(without_nulls(case.get("options") or {}), _Options).budget
    except msgspec.ValidationError as error:
        raise CaseError("input", f"The options cannot be read: {error}") from None


class _Options(Struct):
    budget: int = BUDGET


def _form(case: dict[str, Any]) -> str:
    given = [form for form in FORMS if case.get(form) is not None]
    if len(given) != 1:
        raise CaseError("input", f"The case needs exactly one of {', '.join(FORMS)}.")
    form = given[0]
    if not isinstance(case[form], dict if form == "call" else str):
        raise CaseError("input", f"The {form} cannot be read.")
    return form


def _template(case: dict[str, Any], place: Place) -> Value:
    context, scope = place.context, place.scope
    return expressions.template(case["template"], context, scope, place.escape, place.limit, tops=place.tops).text


def _value(case: dict[str, Any], place: Place) -> Value:
    return expressions.value(case["value"], place.context, place.scope, place.escape, place.limit, tops=place.tops)


def _expression(case: dict[str, Any], place: Place) -> Value:
    return expressions.expression(case["expression"], place.context, place.scope)


def _call(case: dict[str, Any], place: Place) -> Value:
    name, given = case["call"].get("name"), case["call"].get("args") or []
    if not isinstance(name, str) or not functions.find(name):
        raise CaseError("input", f"There is no function {name!r}.")
    if not isinstance(given, list):
        raise CaseError("input", "The arguments of a call are a list.")
    return expressions.call(name, [item(typed.read(argument)) for argument in given], place.scope)


def _escape(case: dict[str, Any]) -> Callable[[str], str] | None:
    escape = case.get("escape")
    if escape not in (None, "query"):
        raise CaseError("input", f"There is no escape {escape!r}.")
    return lexing.quoted if escape else None


FORMS = {"template": _template, "value": _value, "expression": _expression, "call": _call}
