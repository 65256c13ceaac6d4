"""Fields of bodies: what each takes, what it says to everything else, and how documents describe it."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct

from trunkline.accounts.accounts import Account
from trunkline.core.db import Tx
from trunkline.dialects.calls import Call

Rule = Callable[[Any], Sequence[str]]
"""Sentences about what is wrong with a value; none if it is fine."""


class Wrong(Exception):
    """What is wrong with a value: sentences, or such by place."""

    def __init__(self, detail: list[str] | dict[str, Any]) -> None:
        super().__init__(detail)
        self.detail: Any = detail


class Reading(Struct):
    """For whom a body is read."""

    tx: Tx
    call: Call
    account: Account


class Field:
    """Whatever is sent, as it is. `help` is a sentence for the documentation."""

    kind: str | list[str] = "string"
    empty = ""
    """What a form sends for nothing."""

    def __init__(self, help: str, *, required: bool = True, null: bool = False) -> None:
        self.help = help
        self.required = required
        self.null = null

    @property
    def schema(self) -> dict[str, Any]:
        kinds = [self.kind] if isinstance(self.kind, str) else self.kind
        return {"type": [*kinds, "null"] if self.null else self.kind, "description": self.help, **self.bounds()}

    def bounds(self) -> dict[str, Any]:
        return {}

    async def take(self, reading: Reading, value: Any) -> Any:
        if value is None:
            if self.null:
                return None
            raise Wrong([NULL])
        return await self.read(reading, value)

    async def read(self, reading: Reading, value: Any) -> Any:
        return value


class Text(Field):
    """One text without the space around it. Numbers count as their digits."""

    def __init__(
        self,
        help: str,
        *,
        most: int,
        least: int = 0,
        blank: bool = False,
        trim: bool = True,
        required: bool = True,
        null: bool = False,
        rules: Sequence[Rule] = (),
    ) -> None:
        super().__init__(help, required=required, null=null)
        self.most, self.least, self.blank, self.trim, self.rules = most, least, blank, trim, tuple(rules)

    def bounds(self) -> dict[str, Any]:
        return {"maxLength": self.most, **({"minLength": self.least} if self.least else {})}

    async def read(self, reading: Reading, value: Any) -> str:
        return self.check(value)

    def check(self, value: Any) -> str:
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise Wrong(["Not a valid string."])
        text = str(value).strip() if self.trim else str(value)
        if not text and not self.blank:
            raise Wrong(["This field may not be blank."])
        wrong = [sentence for rule in self.rules for sentence in rule(text)]
        if "\0" in text:
            wrong.append("Null characters are not allowed.")
        if len(text) > self.most:
            wrong.append(f"Ensure this field has no more than {self.most} characters.")
        if len(text) < self.least:
            wrong.append(f"Ensure this field has at least {self.least} characters.")
        if wrong:
            raise Wrong(wrong)
        return text


class Whole(Field):
    kind = "integer"

    def __init__(self, help: str, *, least: int = -(2**31), most: int = 2**31 - 1, required: bool = True) -> None:
        super().__init__(help, required=required)
        self.least, self.most = least, most

    def bounds(self) -> dict[str, Any]:
        return {"minimum": self.least, "maximum": self.most}

    async def read(self, reading: Reading, value: Any) -> int:
        if isinstance(value, str) and len(value) > 1000:
            raise Wrong(["String value too large."])
        text = ZEROS.sub("", str(value).strip())
        if isinstance(value, bool) or not isinstance(value, str | int | float) or not WHOLE.fullmatch(text):
            raise Wrong(["A valid integer is required."])
        number = int(text) if len(text) < 30 else (-1 if text[0] == "-" else 1) * 10**30
        if number > self.most:
            raise Wrong([f"Ensure this value is less than or equal to {self.most}."])
        if number < self.least:
            raise Wrong([f"Ensure this value is greater than or equal to {self.least}."])
        return number


class Flag(Field):
    kind = "boolean"

    async def read(self, reading: Reading, value: Any) -> bool:
        known = FLAGS.get(str(value).strip().lower()) if isinstance(value, str | int | float) else None
        if known is None:
            raise Wrong(["Must be a valid boolean."])
        return known


class Choice(Field):
    def __init__(self, help: str, options: Sequence[str], *, required: bool = True) -> None:
        super().__init__(help, required=required)
        self.options = tuple(options)

    def bounds(self) -> dict[str, Any]:
        return {"enum": list(self.options)}

    async def read(self, reading: Reading, value: Any) -> str:
        if isinstance(value, str) and value in self.options:
            return value
        raise Wrong([f'"{value}" is not a valid choice.'])


class Link(Text):
    """An absolute address of http or https."""

    def __init__(self, help: str, *, most: int = 255, required: bool = True) -> None:
        super().__init__(help, most=most, required=required, rules=(_link,))


class Items(Field):
    """A list; what is wrong with an item is told under its number."""

    kind = "array"
    flat = False
    """Whether the first wrong item speaks for the whole list."""

    def __init__(
        self, help: str, item: Field, *, most: int = 100, required: bool = True, null: bool = False, empty: str = ""
    ) -> None:
        super().__init__(help, required=required, null=null)
        self.item, self.most, self.never_empty = item, most, empty

    def bounds(self) -> dict[str, Any]:
        return {"items": self.item.schema, "maxItems": self.most}

    async def read(self, reading: Reading, value: Any) -> list[Any]:
        listed = self.listed(value)
        found: list[Any] = []
        wrong: dict[str, Any] = {}
        for place, one in enumerate(listed):
            try:
                found.append(await self.item.take(reading, one))
            except Wrong as error:
                wrong[str(place)] = error.detail
        if wrong:
            raise Wrong(wrong)
        return found

    def listed(self, value: Any) -> list[Any]:
        """A single value of a form counts as a list of one only where the form says so; JSON must send a list."""
        if not isinstance(value, list):
            raise Wrong([f'Expected a list of items but got type "{_type(value)}".'])
        if not value and self.never_empty:
            raise Wrong([self.never_empty])
        if len(value) > self.most:
            raise Wrong([f"Ensure this field has no more than {self.most} elements."])
        return value


class Entries(Field):
    """An object whose values are alike; what is wrong with one is told under its key."""

    kind = "object"

    def __init__(self, help: str, item: Field, *, most: int = 100, required: bool = True) -> None:
        super().__init__(help, required=required)
        self.item, self.most = item, most

    def bounds(self) -> dict[str, Any]:
        return {"additionalProperties": self.item.schema, "maxProperties": self.most}

    async def read(self, reading: Reading, value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise Wrong([f'Expected a dictionary of items but got type "{_type(value)}".'])
        if len(value) > self.most:
            raise Wrong([f"Ensure this field has no more than {self.most} elements."])
        found: dict[str, Any] = {}
        wrong: dict[str, Any] = {}
        for key, one in value.items():
            try:
                found[key] = await self.item.take(reading, one)
            except Wrong as error:
                wrong[key] = error.detail
        if wrong:
            raise Wrong(wrong)
        return found


class Fixed(Field):
    """An object with fields of its own."""

    kind = "object"

    def __init__(self, help: str, fields: Mapping[str, Field], *, required: bool = True) -> None:
        super().__init__(help, required=required)
        self.fields = fields

    def bounds(self) -> dict[str, Any]:
        return {"properties": {name: field.schema for name, field in self.fields.items()}}

    async def read(self, reading: Reading, value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise Wrong([f'Expected a dictionary of items but got type "{_type(value)}".'])
        return await read_fields(reading, self.fields, value)


async def read_fields(reading: Reading, fields: Mapping[str, Field], body: Mapping[str, Any]) -> dict[str, Any]:
    """What was sent of the fields; raises `Wrong` with all that is wrong, by name."""
    found: dict[str, Any] = {}
    wrong: dict[str, Any] = {}
    for name, field in fields.items():
        if name not in body:
            if field.required:
                wrong[name] = ["This field is required."]
            continue
        try:
            found[name] = await field.take(reading, body[name])
        except Wrong as error:
            wrong[name] = error.detail
    if wrong:
        raise Wrong(wrong)
    return found


def name_rules(most: int) -> tuple[Rule, ...]:
    """What the names of things must not be."""

    def length(text: str) -> list[str]:
        return [f"Cannot be longer than {most} characters."] if len(text) > most else []

    return (_quotes, length)


def _quotes(text: str) -> list[str]:
    return [f"Cannot contain the character: {mark}" for mark in '"\\' if mark in text]


def _link(text: str) -> list[str]:
    try:
        parts = urlsplit(text)
        fine = parts.scheme in ("http", "https") and bool(parts.hostname) and not SPACE.search(text)
    except ValueError:
        fine = False
    return [] if fine else ["Enter a valid URL."]


def _type(value: Any) -> str:
    return {type(None): "NoneType"}.get(type(value), type(value).__name__)


NULL = "This field may not be null."
WHOLE = re.compile(r"[+-]?\d+", re.ASCII)
ZEROS = re.compile(r"\.0*$")
SPACE = re.compile(r"\s")
TRUE = ("t", "y", "yes", "true", "on", "1", "1.0")
FALSE = ("f", "n", "no", "false", "off", "0", "0.0")
FLAGS = {**dict.fromkeys(TRUE, True), **dict.fromkeys(FALSE, False)}
