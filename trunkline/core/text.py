"""Texts: `{{name}}` templates without logic, cleaning for the database, folding of key words."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from html import escape as escape_html
from typing import Literal

from msgspec import Struct

from trunkline.core.errors import Invalid, TrunklineError

Escape = Literal["none", "html", "header"]
Values = Mapping[str, object]


class MissingVariables(TrunklineError):
    """The template names variables that have neither value nor default."""

    code = "missing_variables"

    def __init__(self, names: Iterable[str]) -> None:
        self.names = list(names)
        super().__init__(f"Missing variables: {', '.join(self.names)}.")


class Template:
    """A text with slots: `{{name}}`, `{{name|Default}}`, `{{name|uppercase}}`, `{{name|Default|uppercase}}`.

    A dotted name is looked up as it stands, then step by step. Values are put in as they are and never read
    as a template again; anything in braces that is not a slot stays as it was written.
    """

    __slots__ = ("_parts", "_places", "names")

    def __init__(self, text: str) -> None:
        parts = _split(text)
        self._parts = ["" if isinstance(part, _Slot) else part for part in parts]
        self._places: dict[_Slot, list[int]] = {}
        """Where each slot stands: one that is written twelve times is filled once."""
        for place, part in enumerate(parts):
            if isinstance(part, _Slot):
                self._places.setdefault(part, []).append(place)
        self.names = tuple(dict.fromkeys(slot.name for slot in self._places))

    def render(self, values: Values, *, escape: Escape = "none", missing: Literal["error", "empty"] = "error") -> str:
        """The text with `values` in it.

        `html` escapes each value, `header` folds the whole to one line. An empty value gives way to a
        default; a variable with neither is "" or raises `MissingVariables`.
        """
        out = self._parts.copy()
        for slot, places in self._places.items():
            value = slot.value(values)
            if value:
                value = escape_html(value) if escape == "html" else value
            elif value is None and slot.default is None and missing == "error":
                raise MissingVariables(self.unfilled(values))
            for place in places:
                out[place] = value or slot.default or ""
        text = "".join(out)
        return one_line(text) if escape == "header" else text

    def unfilled(self, values: Values) -> list[str]:
        """The names that have neither value nor default."""
        slots = [slot for slot in self._places if slot.default is None]
        return list(dict.fromkeys(slot.name for slot in slots if slot.value(values) is None))


@lru_cache(maxsize=4096)
def compile(text: str) -> Template:
    return Template(text)


def unclosed(text: str) -> str | None:
    """The beginning of the first `{{` that no `}}` follows before the next one: surely a slip of the pen."""
    found = UNCLOSED.search(text)
    return text[found.start() : found.start() + 20] if found else None


def check_values(values: Values, *, field: str = "variables") -> None:
    """Variables from outside are flat: strings, numbers, true or false. Raises `Invalid` for others."""
    fields = {
        f"{field}.{name}": [f"The {field}.{name} field must be a string or a number."]
        for name, value in values.items()
        if not isinstance(value, str | int | float)
    }
    if fields:
        raise Invalid(fields)


def one_line(text: str) -> str:
    """Fit for a mail header: control characters, line ends above all, become spaces."""
    return CONTROLS.sub(" ", text) if CONTROLS.search(text) else text


def clean(text: str) -> str:
    """Without NUL and lone surrogates, which PostgreSQL refuses."""
    return FORBIDDEN.sub("", text) if has_forbidden(text) else text


def has_forbidden(text: str) -> bool:
    if text.isascii():
        return "\0" in text
    return FORBIDDEN.search(text) is not None


def fold_words(text: str) -> str:
    """What is left when only the words count: `"Stop!" 🙏` becomes `stop`, `OPT-OUT` becomes `opt out`."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join("".join(map(_folded, folded)).split())


class _Slot(Struct, frozen=True):
    name: str
    steps: tuple[str, ...]
    transform: Callable[[str], str] | None
    default: str | None

    @classmethod
    def read(cls, name: str, options: list[str]) -> "_Slot":
        transform = TRANSFORMS.get(options[-1]) if options else None
        written = options[:-1] if transform else options
        default = "|".join(written) if written else None
        if default and transform:
            default = transform(default)
        return cls(name, tuple(name.split(".")), transform, default)

    def value(self, values: Values) -> str | None:
        found = values.get(self.name)
        if found is None and len(self.steps) > 1:
            found = _reach(values, self.steps)
        text = found if isinstance(found, str) else _written(found)
        return self.transform(text) if text and self.transform else text


def _split(text: str) -> list[str | _Slot]:
    parts: list[str | _Slot] = []
    end = 0
    for match in SLOT.finditer(text):
        if match.start() > end:
            parts.append(text[end : match.start()])
        parts.append(_Slot.read(match["name"], [option.strip() for option in match["rest"].split("|")[1:]]))
        end = match.end()
    return [*parts, text[end:]] if end < len(text) else parts


def _reach(values: Values, steps: Iterable[str]) -> object:
    found: object = values
    for step in steps:
        found = found.get(step) if isinstance(found, Mapping) else None
    return found


def _written(value: object) -> str | None:
    """Objects and lists have no written form, so they count as missing."""
    if value is None or isinstance(value, Mapping | list | tuple):
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _folded(char: str) -> str:
    kind = unicodedata.category(char)
    if kind[0] in "LN" or (kind[0] == "M" and char not in EMOJI_MARKS):
        return char
    return " " if kind[0] == "Z" or kind in ("Pd", "Pc", "Cc") else ""


SLOT = re.compile(r"\{\{\s*(?P<name>\w[\w.-]*)\s*(?P<rest>(?:\|[^{}|]*)*)\}\}")
UNCLOSED = re.compile(r"\{\{(?!(?:(?!\{\{)[^}]|\}(?!\}))*+\}\})")
TRANSFORMS: dict[str, Callable[[str], str]] = {
    "uppercase": str.upper,
    "lowercase": str.lower,
    "capitalize": lambda text: text[:1].upper() + text[1:],
}
CONTROLS = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]+")
FORBIDDEN = re.compile(r"[\x00\ud800-\udfff]")
# Variation selectors and the key cap are marks by category, but decoration by use.
EMOJI_MARKS = frozenset([*map(chr, range(0xFE00, 0xFE10)), "\u20e3"])
