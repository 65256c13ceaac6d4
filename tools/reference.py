"""Writes docs/reference/: settings from core/config.py, commands from their signatures. `--check` only compares."""

import inspect
import sys
import typing
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import msgspec

from trunkline.cli import COMMANDS, Command
from trunkline.commands.parsing import Parameter, parameters
from trunkline.core.config import Settings

FOLDER = Path(__file__).parents[1] / "docs" / "reference"


def main() -> int:
    pages = {"settings.md": settings(), "commands.md": commands()}
    stale = [name for name, text in pages.items() if _kept(name) != text]
    if "--check" in sys.argv[1:]:
        for name in stale:
            print(f"docs/reference/{name} is stale. Run `python tools/reference.py`.", file=sys.stderr)
        return int(bool(stale))
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in stale:
        (FOLDER / name).write_text(pages[name])
        print(f"wrote docs/reference/{name}")
    return 0


def settings() -> str:
    """A table of the boot settings."""
    rows = [_setting(field) for field in msgspec.structs.fields(Settings)]
    return "\n".join([SETTINGS, "| variable | default | meaning |", "|---|---|---|", *rows, ""])


def commands() -> str:
    """A section for each command."""
    return "\n".join([COMMANDS_HEAD, *(line for command in COMMANDS.values() for line in _command(command))])


def _setting(field: msgspec.structs.FieldInfo) -> str:
    kind, *notes = typing.get_args(field.type) if typing.get_origin(field.type) is typing.Annotated else (field.type,)
    meaning = next((note.description for note in notes if isinstance(note, msgspec.Meta)), "") or ""
    choices = typing.get_args(kind) if typing.get_origin(kind) is typing.Literal else ()
    if choices:
        meaning += f" One of {', '.join(f'`{choice}`' for choice in choices)}."
    if typing.get_origin(kind) is tuple:
        meaning += " Several with commas between."
    default = "" if field.default in ("", ()) else f"`{field.default}`"
    return f"| `TRUNKLINE_{field.name.upper()}` | {default} | {_cell(meaning)} |"


def _command(command: Command) -> Iterator[str]:
    if find_spec(f"trunkline.commands.{command.place.partition(':')[0]}") is None:
        return
    function = command.load()
    found = parameters(function)
    usage = " ".join(["trunkline", command.name, *(each.usage for each in found)])
    yield from (f"## {command.name}", "", inspect.getdoc(function) or command.summary, "", "```", usage, "```", "")
    if found:
        yield from ("| | |", "|---|---|", *map(_parameter, found), "")


def _parameter(parameter: Parameter) -> str:
    name = parameter.name.upper() if parameter.by_place else parameter.option
    kept = parameter.default not in (None, "", False)
    return f"| `{name}` | {_cell(parameter.help)}{f' Default: `{parameter.default}`.' if kept else ''} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _kept(name: str) -> str:
    path = FOLDER / name
    return path.read_text() if path.exists() else ""


SETTINGS = """# Settings

Written by `tools/reference.py` from `trunkline/core/config.py`; do not edit.

Few settings are read at the start, from the environment or from the TOML file that `TRUNKLINE_CONFIG` names (there in
small letters without the prefix: `public_url = "https://chat.example.com"`). The environment wins over the file, and a
command's `--data` over both. What an administrator changes later lives in the dashboard.
"""

COMMANDS_HEAD = """# Commands

Written by `tools/reference.py` from the commands themselves; do not edit.

Every command takes `--data DIR` (the data folder, else `TRUNKLINE_DATA`) and `--json` (one JSON document on the output
instead of text). It works on the embedded database or on `TRUNKLINE_DATABASE_URL`, alone or beside a running server.

Exit status: 0 for success; 1 for a refusal, which is one sentence on the error stream that says what to do next (with
`--json`: `{"error": {"code", "message"}}`); 2 for wrong use. Progress of long work goes to the error stream.
"""

if __name__ == "__main__":
    sys.exit(main())
