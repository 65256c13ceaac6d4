"""Functions that write values for people."""

from datetime import date, datetime, time
from decimal import Decimal

from trunkline.expressions import environment, layouts, numbers, phones
from trunkline.expressions.convert import to_boolean, to_date, to_datetime, to_integer, to_number, to_text, to_time
from trunkline.expressions.functions import function
from trunkline.expressions.functions.parsing import split_urn
from trunkline.expressions.scope import Scope
from trunkline.expressions.values import ErrorValue, ExpressionError, Object, Value, item

MOST_PLACES = 9
DEEPEST = 50


@function("format", 1)
def pretty(scope: Scope, value: Value) -> str:
    """Numbers and dates the environment's way, arrays and objects laid out."""
    return _pretty(scope, value, 0)


@function("format_date", 1, 2)
def format_date(scope: Scope, day: Value, layout: Value = None) -> str:
    return _written(scope, to_date(scope, day), layout)


@function("format_datetime", 1, 3)
def format_datetime(scope: Scope, moment: Value, layout: Value = None, zone: Value = None) -> str:
    """In the environment's zone if no other is given."""
    place = scope.environment.zone if zone is None else environment.zone(to_text(scope, zone))
    return _written(scope, to_datetime(scope, moment).astimezone(place), layout)


@function("format_time", 1, 2)
def format_time(scope: Scope, at: Value, layout: Value = None) -> str:
    return _written(scope, to_time(scope, at), layout)


@function("format_number", 1, 3)
def format_number(scope: Scope, number: Value, places: Value = None, humanize: Value = True) -> str:
    """Without `places` with the decimals it has; grouped unless `humanize` is false."""
    decimals = None if places is None else to_integer(scope, places)
    if decimals is not None and not 0 <= decimals <= MOST_PLACES:
        raise ExpressionError(f"places must be from 0 to {MOST_PLACES}, got {decimals}")
    return _number(scope, to_number(scope, number), decimals, grouped=to_boolean(scope, humanize))


@function("format_location", 1)
def format_location(scope: Scope, path: Value) -> str:
    return to_text(scope, path).rpartition(">")[2].strip()


@function("format_urn", 1, weight=500)
def format_urn(scope: Scope, urn: Value) -> str:
    """A phone number as it is written at home, else the name shown for the address, else the address."""
    scheme, path, display = split_urn(to_text(scope, urn))
    national = phones.national(path) if scheme == "tel" else None
    return national or display or path


def _pretty(scope: Scope, value: Value, depth: int) -> str:
    if depth > DEEPEST:
        raise ExpressionError("the value is nested too deep")
    written = _laid_out(scope, item(value), depth)
    # An array may hold one long text a thousand times: count before it is joined.
    scope.toil(len(written) + 1)
    return written


def _laid_out(scope: Scope, value: Value, depth: int) -> str:
    match value:
        case None:
            return ""
        case bool() | str() as plain:
            return to_text(scope, plain)
        case int() | Decimal() as number:
            return _number(scope, number, None, grouped=True)
        case datetime() as moment:
            return _written(scope, moment.astimezone(scope.environment.zone), None)
        case date() | time() as moment:
            return _written(scope, moment, None)
        case list() | tuple() as items:
            return _listed([_pretty(scope, each, depth + 1) for each in items])
        case Object() as thing if thing.has_default:
            return _pretty(scope, thing.default, depth + 1)
        case Object() as thing:
            lines = [_property(key, _pretty(scope, thing.get(key), depth + 1)) for key in sorted(thing.keys())]
            return "\n".join(lines)
        case ErrorValue() as error:
            raise ExpressionError(error.text)
        case other:
            return to_text(scope, other)


def _listed(items: list[str]) -> str:
    if any("\n" in each for each in items):
        return "\n".join(f"- {_indented(each)}" for each in items)
    return ", ".join(items)


def _property(key: str, value: str) -> str:
    return f"{key}:\n  {_indented(value)}" if "\n" in value else f"{key}: {value}"


def _indented(lines: str) -> str:
    return lines.replace("\n", "\n  ")


def _number(scope: Scope, number: numbers.Number, places: int | None, *, grouped: bool) -> str:
    symbols = scope.environment.number_format
    group = symbols.digit_grouping_symbol if grouped else ""
    return numbers.grouped(number, places, symbols.decimal_symbol, group)


def _written(scope: Scope, moment: date | time | datetime, layout: Value) -> str:
    env = scope.environment
    if layout is not None:
        return layouts.write(moment, to_text(scope, layout), env.default_language)
    day = [env.date_format] if isinstance(moment, date) else []
    at = [env.time_format] if isinstance(moment, time | datetime) else []
    return layouts.write(moment, " ".join([*day, *at]), env.default_language)
