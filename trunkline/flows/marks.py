"""Marks on the fields of actions and routers: what is a template, what can be translated, how long it may be.

    text: Annotated[str, template(10_000, localizable=True)]

msgspec checks the lengths while it converts; `texts` reads the marks back for inspection.
"""

from collections.abc import Iterator
from functools import cache
from typing import Annotated, Any, NamedTuple, get_args, get_origin, get_type_hints

from msgspec import Meta, Struct

UUID_PATTERN = r"^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\Z"

Uuid = Annotated[str, Meta(pattern=UUID_PATTERN)]


def template(longest: int = 10_000, *, localizable: bool = False) -> Meta:
    """Text with expressions in it, evaluated when the action runs."""
    return Meta(max_length=longest, extra={"template": True, "localizable": localizable})


def localized(longest: int, *, shortest: int = 0) -> Meta:
    """Plain text that has translations."""
    return Meta(min_length=shortest, max_length=longest, extra={"template": False, "localizable": True})


class Marked(NamedTuple):
    """One marked field of a Struct: the property that translations name, and what may be done with its text."""

    name: str
    template: bool
    localizable: bool


@cache
def marked(kind: type[Struct]) -> tuple[Marked, ...]:
    """The marked fields of an action, router, wait or reference, in the order of the Struct."""
    hints = get_type_hints(kind, include_extras=True)
    return tuple(
        Marked(name, mark["template"], mark["localizable"])
        for name in kind.__struct_fields__
        for mark in _marks_in(hints[name])
    )


def texts(thing: Struct) -> Iterator[tuple[Marked, str]]:
    """Every marked text of a Struct, those in lists and objects one by one. References inside are not entered."""
    for mark in marked(type(thing)):
        for text in strings(getattr(thing, mark.name)):
            yield mark, text


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, tuple):
        yield from (text for text in value if isinstance(text, str))
    elif isinstance(value, dict):
        yield from value.values()


def _marks_in(hint: Any) -> Iterator[dict[str, bool]]:
    """The first mark found in a type hint, however deep: `tuple[Annotated[str, template()], ...]`."""
    found = next(_walk(hint), None)
    if found is not None:
        yield found


def _walk(hint: Any) -> Iterator[dict[str, bool]]:
    if get_origin(hint) is Annotated:
        yield from (meta.extra for meta in hint.__metadata__ if isinstance(meta, Meta) and meta.extra)
    for inner in get_args(hint):
        yield from _walk(inner)
