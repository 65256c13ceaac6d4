"""Cases kept in JSON files: values with their types, and the environment they are tried in."""

import json
from datetime import UTC, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from trunkline import expressions
from trunkline.expressions import environment, functions, locations, rendering
from trunkline.expressions.scope import Scope
from trunkline.expressions.values import MISSING, ErrorValue, Object, Value, type_name

NOW = datetime(2018, 4, 11, 18, 24, 30, 123456, UTC)
ENVIRONMENT = {
    "date_format": "DD-MM-YYYY",
    "timezone": "America/Guayaquil",
    "default_country": "US",
    "allowed_languages": ["eng"],
}
PLACES = [
    {
        "name": "Rwanda",
        "aliases": ["Ruanda"],
        "children": [
            {
                "name": "Kigali City",
                "aliases": ["Kigali", "Kigari"],
                "children": [
                    {"name": "Gasabo", "children": [{"name": "Gisozi"}, {"name": "Ndera"}]},
                    {"name": "Centre", "children": [{"name": "Market"}]},
                ],
            },
            {
                "name": "Eastern Province",
                "children": [{"name": "Rwamagana"}, {"name": "Centre", "children": [{"name": "Market"}]}],
            },
        ],
    }
]
PROMPTS = {"greet": "Hi {1}, you are {2}. {1}!", "plain": "No slots"}


def cases(folder: str) -> list[Any]:
    """`{name: [[arguments, expected, environment?], …]}` in every file of a folder beside this one."""
    listed = []
    for file in sorted((Path(__file__).parent / folder).glob("*.json")):
        for name, tried in json.loads(file.read_text("utf-8"), parse_float=Decimal).items():
            for number, (arguments, expected, *changes) in enumerate(tried, 1):
                listed.append(
                    pytest.param(name, arguments, expected, changes[0] if changes else {}, id=f"{name}-{number}")
                )
    return listed


def names(folder: str) -> set[str]:
    return {case.values[0] for case in cases(folder)}


def scope(**changes: Any) -> Scope:
    """A scope in which it is always the same moment, and chance says a quarter."""
    return Scope(
        environment.read({**ENVIRONMENT, **changes}),
        now=lambda: NOW,
        random=lambda: Decimal("0.25"),
        locations=locations.read(PLACES),
        prompts=PROMPTS,
    )


def call(name: str, arguments: list[Any], **changes: Any) -> Value:
    return expressions.call(name, [value(argument) for argument in arguments], scope(**changes))


def value(written: Any) -> Value:
    """The value that JSON and the forms `{"$date": …}` stand for."""
    match written:
        case {"$number": number}:
            return Decimal(number)
        case {"$date": day}:
            return datetime.fromisoformat(day).date()
        case {"$time": at}:
            return time.fromisoformat(at)
        case {"$datetime": moment}:
            zone = written.get("zone")
            at = datetime.fromisoformat(moment)
            return at.astimezone(ZoneInfo(zone)) if zone else at
        case {"$error": text}:
            return ErrorValue(text)
        case {"$function": name}:
            return functions.find(name)
        case {"$object": values, **rest}:
            return Object({key: value(each) for key, each in values.items()}, default=rest.get("default", MISSING))
        case dict():
            return Object({key: value(each) for key, each in written.items()})
        case list():
            return [value(each) for each in written]
    return written


def shown(result: Value) -> Any:
    """A value so that two of them can be compared, and a difference read."""
    match result:
        case ErrorValue():
            return ("error", result.text)
        case Object():
            default = shown(result.default) if result.has_default else "none"
            return ("object", default, {key.lower(): shown(each) for key, each in result.items()})
        case list() | tuple():
            return ["array", *map(shown, result)]
        case int() | Decimal() if type_name(result) == "number":
            return ("number", result)
        case datetime():
            # Equal instants of different zones are equal to Python, yet not written alike.
            return ("datetime", rendering.to_text(scope(), result))
    return (type_name(result), result)
