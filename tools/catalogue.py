"""Writes docs/reference/events.md and channels.md from the code. `--check` only compares."""

import importlib
import inspect
import sys
import typing
from collections.abc import Iterator
from pathlib import Path

import msgspec

from trunkline import channels
from trunkline.channels.base import Adapter
from trunkline.core.events import TYPES, Event

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "docs" / "reference"


def main() -> int:
    pages = {"events.md": events(), "channels.md": kinds()}
    stale = [name for name, text in pages.items() if _kept(name) != text]
    if "--check" in sys.argv[1:]:
        for name in stale:
            print(f"docs/reference/{name} is stale. Run `python -m tools.catalogue`.", file=sys.stderr)
        return int(bool(stale))
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in stale:
        (FOLDER / name).write_text(pages[name])
        print(f"wrote docs/reference/{name}")
    return 0


def events() -> str:
    """A table of all event types, by package."""
    return EVENTS + "\n".join(line for package in _packages() for line in _events_of(package)) + "\n"


def kinds() -> str:
    """A section for each kind of channel, with its settings."""
    return CHANNELS + "\n".join(line for kind in sorted(channels.KINDS) for line in _kind(channels.get(kind))) + "\n"


def known_events() -> dict[str, type[Event]]:
    """The types of the product; tests declare some of their own."""
    for package in _packages():
        importlib.import_module(_module(package))
    return {name: event for name, event in TYPES.items() if event.__module__.startswith("trunkline.")}


def _packages() -> list[str]:
    found = (path.parent.name for path in (ROOT / "trunkline").glob("*/events.py"))
    return sorted(name for name in found if name != "core")


def _module(package: str) -> str:
    """Where a package declares its facts; those of flows have another name, since events are what an engine logs."""
    return f"trunkline.{package}.{'facts' if package == 'flows' else 'events'}"


def _events_of(package: str) -> Iterator[str]:
    module = _module(package)
    own = {name: event for name, event in sorted(known_events().items()) if event.__module__ == module}
    if not own:
        return
    yield from ("", f"## {package.capitalize()}", "", "| event | meaning | fields |", "|---|---|---|")
    for name, event in own.items():
        fields = ", ".join(f"`{field.name}`" for field in msgspec.structs.fields(event))
        yield f"| `{name}` | {_cell(_own_doc(event)) or _spoken(event)} | {fields} |"


def _own_doc(cls: type) -> str:
    return " ".join(inspect.cleandoc(cls.__dict__.get("__doc__") or "").split())


def _spoken(event: type) -> str:
    """`ContactOptedOut` as "Contact opted out."."""
    words = "".join(f" {sign.lower()}" if sign.isupper() else sign for sign in event.__name__).strip()
    return f"{words.capitalize()}."


def _kind(adapter: type[Adapter]) -> Iterator[str]:
    module = inspect.getdoc(sys.modules[adapter.__module__]) or ""
    yield from ("", f"## {adapter.kind}", "", " ".join(module.split("\n\n")[0].split()), "")
    yield f"Counts as {adapter.sends_as} unless set otherwise; delivers {_semantics(adapter.semantics)}."
    yield from ("", " ".join(_own_doc(adapter.Config).split()), "") if _own_doc(adapter.Config) else ("",)
    yield from ("| setting | type | default |", "|---|---|---|")
    for field in msgspec.structs.fields(adapter.Config):
        yield f"| `{field.encode_name}` | {_cell(_type(field.type))} | {_default(field)} |"


def _semantics(semantics: str) -> str:
    return f"{semantics.replace('_', ' ')} ([what that means](../guides/delivery-semantics.md))"


def _type(kind: typing.Any) -> str:
    match typing.get_origin(kind):
        case typing.Annotated:
            return _type(typing.get_args(kind)[0])
        case typing.Literal:
            return ", ".join(f"`{choice}`" for choice in typing.get_args(kind))
        case None:
            return getattr(kind, "__name__", str(kind))
    return str(kind)


def _default(field: msgspec.structs.FieldInfo) -> str:
    if field.required:
        return "needed"
    return "" if field.default in ("", None, msgspec.NODEFAULT) else f"`{str(field.default).lower()}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _kept(name: str) -> str:
    path = FOLDER / name
    return path.read_text() if path.exists() else ""


EVENTS = """# Events

Written by `tools/catalogue.py` from the `events.py` of each package; do not edit.

An event is a fact, written in the transaction that made it true. `trunkline/reactions.py` says what follows from each.
Every event also carries its account, the actor, the cause and the depth of automation that led to it.
"""

CHANNELS = """# Channels

Written by `tools/catalogue.py` from `trunkline/channels/`; do not edit.

`trunkline channel create KIND --account UUID --name NAME --address ADDRESS --set key=value …` connects a channel.
[Add a channel](../guides/add-a-channel.md) tells how to write a new kind.
"""

if __name__ == "__main__":
    sys.exit(main())
