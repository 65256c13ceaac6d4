"""Values of expressions as JSON: plain for what JSON knows, `{"$date": "2018-04-11"}` and the like for the rest."""

from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any

from trunkline.expressions import environment, functions, numbers
from trunkline.expressions.values import MISSING, Deprecated, ErrorValue, ExpressionError, Object, Value
from trunkline.flows.cases.errors import CaseError


def read(document: Any, depth: int = 0) -> Value:
    """The value that a document of a case stands for; raises CaseError `input`."""
    if depth > DEEPEST:
        raise CaseError("input", f"Values are nested deeper than {DEEPEST} levels.")
    if isinstance(document, dict):
        form = _form(document)
        if form is None:
            return Object({key: read(value, depth + 1) for key, value in document.items()})
        return _typed(form, document, depth)
    if isinstance(document, list):
        return [read(value, depth + 1) for value in document]
    if isinstance(document, int | Decimal) and not isinstance(document, bool):
        return _number(str(document))
    return document


def _form(document: dict[str, Any]) -> str | None:
    """The `$…` key if the object is a value of another type."""
    marked = [key for key in document if key.startswith("$")]
    return marked[0] if len(marked) == 1 and document.keys() - set(marked) <= BESIDE else None


def _typed(form: str, document: dict[str, Any], depth: int) -> Value:
    inner = document[form]
    if form == "$object":
        default = read(document["default"], depth + 1) if "default" in document else MISSING
        return Object(_members(inner, depth), default=default)
    if form == "$deprecated":
        return Deprecated(read(inner, depth + 1), str(document.get("reason", "")))
    if form == "$datetime":
        return _datetime(inner, document.get("zone"))
    if form not in TEXTS:
        raise CaseError("input", f"There is no type of value {form!r}.")
    try:
        return TEXTS[form](inner)
    except (ValueError, TypeError, AttributeError):
        raise CaseError("input", f"{inner!r} is not a {form[1:]}.") from None


def _members(inner: Any, depth: int) -> dict[str, Value]:
    if not isinstance(inner, dict):
        raise CaseError("input", "The value of $object is an object.")
    return {key: read(value, depth + 1) for key, value in inner.items()}


def _number(written: str) -> Value:
    try:
        return numbers.checked(Decimal(written.strip()))
    except (numbers.OutOfRange, InvalidOperation):
        raise CaseError("input", f"{written} is not a number within the limits.") from None


def _datetime(inner: Any, zone: str | None) -> datetime:
    try:
        moment = datetime.fromisoformat(inner)
        where = environment.zone(zone) if zone else None
    except (ValueError, TypeError, ExpressionError):
        raise CaseError("input", f"{inner!r} (zone {zone!r}) is not a datetime.") from None
    if moment.tzinfo is None and where is None:
        raise CaseError("input", f"The datetime {inner!r} has no offset.")
    if where is None:
        return moment
    return moment.astimezone(where) if moment.tzinfo else moment.replace(tzinfo=where)


def _function(name: str) -> Value:
    """A built-in function or router test, in any case."""
    found = functions.find(name)
    if found is None:
        raise CaseError("input", f"There is no function {name!r}.")
    return found


BESIDE = {"default", "reason", "zone"}
DEEPEST = 100
TEXTS: dict[str, Callable[[Any], Value]] = {
    "$number": _number,
    "$date": date.fromisoformat,
    "$time": time.fromisoformat,
    "$error": lambda text: ErrorValue(str(text)),
    "$function": _function,
}
