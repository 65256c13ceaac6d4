"""The hierarchy of places: countries, their states, districts and wards, found by name or alias in what people write.

A place is written as its path, `Rwanda > Kigali City > Gasabo > Gisozi`.
"""

from collections.abc import Iterable, Iterator
from typing import Literal

import msgspec

from trunkline.expressions import words

Level = Literal[1, 2, 3]
STATE: Level = 1
DISTRICT: Level = 2
WARD: Level = 3
SEPARATOR = ">"


class BadLocations(ValueError):
    """The hierarchy cannot be read."""


class Location:
    """A place, its parent and what is inside it. The country is level 0."""

    __slots__ = ("children", "level", "name", "names", "parent", "path")

    def __init__(self, name: str, aliases: Iterable[str], parent: "Location | None") -> None:
        self.name = name
        self.parent = parent
        self.level: int = parent.level + 1 if parent else 0
        self.path: str = f"{parent.path} {SEPARATOR} {name}" if parent else name
        self.names = frozenset(_folded(each) for each in (name, *aliases)) - {""}
        self.children: list[Location] = []

    def __repr__(self) -> str:
        return f"Location({self.path!r})"

    def inside(self, other: "Location") -> bool:
        """Whether `other` is this place or one that holds it."""
        place: Location | None = self
        while place and place is not other:
            place = place.parent
        return place is other


class Hierarchy:
    """All places, looked up by level and name."""

    def __init__(self, roots: list[Location]) -> None:
        self.roots = roots
        self._named: dict[tuple[int, str], list[Location]] = {}
        self._paths: dict[str, Location] = {}
        self._longest: dict[int, int] = {}
        for place in _walk(roots):
            self._paths.setdefault(_folded_path(place.path), place)
            for name in place.names:
                self._named.setdefault((place.level, name), []).append(place)
                self._longest[place.level] = max(self._longest.get(place.level, 1), name.count(" ") + 1)

    def at(self, path: str) -> Location | None:
        """The place of a full path, whatever its case and spacing."""
        return self._paths.get(_folded_path(path))

    def named(self, name: str, level: Level, parent: Location | None = None) -> list[Location]:
        """The places with that name or alias, inside `parent` if given."""
        found = self._named.get((level, _folded(name)), [])
        return [place for place in found if parent is None or place.inside(parent)]

    def mentioned(self, text: str, level: Level, parent: Location | None = None) -> list[Location]:
        """The places that `text` names: the whole of it, else its longest run of words that is a name."""
        if SEPARATOR in text:
            place = self.at(text)
            return [place] if place and place.level == level and (parent is None or place.inside(parent)) else []
        spoken = _folded(text).split()
        for length in range(min(self._longest.get(level, 0), len(spoken)), 0, -1):
            for start in range(len(spoken) - length + 1):
                if found := self.named(" ".join(spoken[start : start + length]), level, parent):
                    return found
        return []

    def only(self, text: str, level: Level, parent: Location | None = None) -> Location | None:
        """The place that `text` names, if it can be but one."""
        found = self.mentioned(text, level, parent)
        return found[0] if len(found) == 1 else None


class Placed(msgspec.Struct, frozen=True):
    """Paths of the state, district and ward that a contact field's text names, as far as it does."""

    state: str | None = None
    district: str | None = None
    ward: str | None = None


def read(document: object) -> Hierarchy | None:
    """The hierarchy of its JSON form, `[{name, aliases, children}]`, countries first; nothing makes none."""
    if not document:
        return None
    listed = [document] if isinstance(document, dict) else document
    try:
        nodes = msgspec.convert(listed, list[_Node])
    except msgspec.ValidationError as error:
        raise BadLocations(f"unreadable locations: {error}") from None
    return Hierarchy([_grow(node, None) for node in nodes])


def place(
    hierarchy: Hierarchy | None,
    text: str,
    kind: str = "",
    *,
    state: str | None = None,
    district: str | None = None,
) -> Placed:
    """What a contact field's new text says about places.

    A text with `>` is a full path. Otherwise a field of `kind` district is looked up inside the contact's `state`,
    one of `kind` ward inside its `district` (both paths), any other among the states.
    """
    if not hierarchy:
        return Placed()
    if SEPARATOR in text:
        found = hierarchy.at(text)
    elif kind in INSIDE:
        level, parent = INSIDE[kind], hierarchy.at((district if kind == "ward" else state) or "")
        found = hierarchy.only(text, level, parent) if parent else None
    else:
        found = hierarchy.only(text, STATE)
    return _placed(found)


INSIDE: dict[str, Level] = {"district": DISTRICT, "ward": WARD}


def _placed(found: Location | None) -> Placed:
    paths: dict[int, str] = {}
    while found:
        paths[found.level] = found.path
        found = found.parent
    return Placed(paths.get(STATE), paths.get(DISTRICT), paths.get(WARD))


class _Node(msgspec.Struct):
    name: str
    aliases: list[str] | None = None
    children: list["_Node"] | None = None


def _grow(node: _Node, parent: Location | None) -> Location:
    location = Location(node.name.strip(), node.aliases or (), parent)
    # Whatever lies below wards is of no use to anybody.
    inside = node.children or () if location.level < WARD else ()
    location.children = [_grow(child, location) for child in inside]
    return location


def _walk(places: Iterable[Location]) -> Iterator[Location]:
    for each in places:
        yield each
        yield from _walk(each.children)


def _folded(text: str) -> str:
    """Lower-case words, one space between: punctuation says nothing about a place."""
    return " ".join(words.words(text)).lower()


def _folded_path(path: str) -> str:
    return SEPARATOR.join(_folded(part) for part in path.split(SEPARATOR))
