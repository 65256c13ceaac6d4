"""From a typed function to a command line: its parameters are the arguments and options.

What stands before `*` in a signature is given by place, what stands after it by `--name`. `Annotated[T, "…"]` carries
the line of help. `settings` and `json` are given by the command line itself.
"""

import argparse
import inspect
import json
import sys
import types
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, NoReturn

from msgspec import Struct

GIVEN = ("settings", "json")


class Usage(Exception):
    """The command was called in a wrong way; exit status 2."""


class Parameter(Struct, frozen=True):
    """One argument or option of a command. `many` takes a list; `required` may not be left out."""

    name: str
    help: str
    type: Any
    default: Any
    by_place: bool
    many: bool
    required: bool
    choices: tuple[str, ...] = ()

    @property
    def option(self) -> str:
        return "--" + self.name.replace("_", "-")

    @property
    def usage(self) -> str:
        """How it is written in a line of usage."""
        word = "|".join(self.choices) or self.name.upper()
        if self.by_place:
            shown = f"{self.name.upper()} …" if self.many else self.name.upper()
            return shown if self.required else f"[{shown}]"
        shown = self.option if self.type is bool else f"{self.option} {word}"
        return shown if self.required else f"[{shown}{' …' if self.many else ''}]"


def parameters(function: Callable[..., Any]) -> list[Parameter]:
    hints = typing.get_type_hints(function, include_extras=True)
    return [
        _parameter(parameter, hints[name])
        for name, parameter in inspect.signature(function).parameters.items()
        if name not in GIVEN
    ]


def parse(command: str, function: Callable[..., Any], arguments: list[str]) -> tuple[list[Any], dict[str, Any]]:
    """The values for `function`, by place and by name; `--data` and `--json` are among the named ones."""
    wanted = parameters(function)
    parser = _Parser(prog=f"trunkline {command}", description=inspect.getdoc(function), allow_abbrev=False)
    for parameter in wanted:
        _add(parser, parameter)
    parser.add_argument("--data", metavar="DIR", type=Path, help="The data folder (TRUNKLINE_DATA).")
    parser.add_argument("--json", action="store_true", help="Print one JSON document.")
    found = vars(parser.parse_intermixed_args(arguments))
    places: list[Any] = []
    for parameter in wanted:
        if parameter.by_place:
            value = found.pop(parameter.name)
            places.extend(value if parameter.many else [value])
    return places, found


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise Usage(f"{message[:1].upper()}{message[1:]}. Try `{self.prog} --help`.")


def _parameter(parameter: inspect.Parameter, hint: Any) -> Parameter:
    help = ""
    if typing.get_origin(hint) is typing.Annotated:
        hint, help = typing.get_args(hint)[:2]
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        hint = next(kind for kind in typing.get_args(hint) if kind is not type(None))
    many = parameter.kind is inspect.Parameter.VAR_POSITIONAL or typing.get_origin(hint) is tuple
    if typing.get_origin(hint) is tuple:
        hint = typing.get_args(hint)[0]
    choices = typing.get_args(hint) if typing.get_origin(hint) is Literal else ()
    by_place = parameter.kind in (
        inspect.Parameter.POSITIONAL_ONLY,
        inspect.Parameter.VAR_POSITIONAL,
    )
    default = None if parameter.default is inspect.Parameter.empty else parameter.default
    required = parameter.default is inspect.Parameter.empty
    return Parameter(parameter.name, help, str if choices else hint, default, by_place, many, required, choices)


def _add(parser: argparse.ArgumentParser, parameter: Parameter) -> None:
    options: dict[str, Any] = {"help": parameter.help.replace("%", "%%")}
    if parameter.choices:
        options["choices"] = parameter.choices
    if parameter.by_place:
        options |= {"metavar": parameter.name.upper(), "type": parameter.type}
        options |= {"nargs": "+"} if parameter.many else {} if parameter.required else {"nargs": "?"}
        parser.add_argument(parameter.name, **options)
        return
    options |= {"dest": parameter.name, "required": parameter.required, "default": parameter.default}
    if parameter.type is bool:
        options["action"] = "store_true"
    else:
        options |= {"type": parameter.type, "metavar": "|".join(parameter.choices) or parameter.name.upper()}
        options |= {"action": "append"} if parameter.many else {}
    parser.add_argument(parameter.option, **options)


def wants_json(arguments: list[str]) -> bool:
    return "--json" in arguments


def refuse(code: str, message: str, *, as_json: bool) -> None:
    """One sentence on the error stream, or one JSON document."""
    if as_json:
        message = json.dumps({"error": {"code": code, "message": message}}, ensure_ascii=False)
    sys.stderr.write(message + "\n")
