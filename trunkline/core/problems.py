"""Everything that is wrong with a body, a query or settings, field by field, in sentences for people."""

import re
import types
from datetime import date, datetime
from enum import Enum
from typing import Annotated, Any, Literal, Union, get_args, get_origin
from uuid import UUID

import msgspec
from msgspec import Meta, Struct, UnsetType

from trunkline.core.errors import Invalid

MOST = 100  # a body with more wrong fields than this is not read by anybody


def convert(kind: Any, value: object, *, strict: bool) -> Any:
    """`value` as a `kind`. Raises `Invalid` with all that is wrong; only then anybody looks field by field."""
    try:
        return msgspec.convert(value, kind, strict=strict)
    except msgspec.ValidationError as error:
        raise Invalid(find(kind, value, strict=strict) or _told(error)) from None


def find(kind: Any, value: object, *, strict: bool = True, path: str = "") -> dict[str, list[str]]:
    """Problems by path (`recipients.3.to`), in the order of the fields. `strict` as in `msgspec.convert`."""
    found: dict[str, list[str]] = {}
    _look(kind, value, path, _Search(found, strict))
    return found


def bare(kind: Any) -> Any:
    """The type without constraints, null and absence."""
    return _unwrap(kind)[0]


def _told(error: msgspec.ValidationError) -> dict[str, list[str]]:
    """The decoder's own words, for rules that we have no sentence for."""
    words, _, place = str(error).partition(" - at `")
    path = PLACE.sub(r".\1", place.rstrip("`")).strip("$.")
    return {path or "body": [words if words.endswith(".") else f"{words}."]}


class _Search:
    def __init__(self, found: dict[str, list[str]], strict: bool) -> None:
        self.found = found
        self.strict = strict

    def note(self, path: str, problem: str) -> None:
        self.found.setdefault(path or "body", []).append(f"The {path.replace('_', ' ') or 'body'} field {problem}")

    @property
    def is_full(self) -> bool:
        return len(self.found) >= MOST


def _look(kind: Any, value: object, path: str, search: _Search) -> None:
    bare, metas, nullable = _unwrap(kind)
    if search.is_full or (value is None and nullable):
        return
    if isinstance(bare, type) and issubclass(bare, Struct):
        _look_into_struct(bare, value, path, search)
    elif get_origin(bare) in (list, tuple, set, frozenset) or bare in (list, tuple, set, frozenset):
        _look_into_list(bare, metas, value, path, search)
    elif (get_origin(bare) or bare) is dict and isinstance(value, dict) and not metas:
        for name, item in value.items():
            _look((*get_args(bare), Any, Any)[1], item, f"{path}.{name}" if path else name, search)
    elif not _fits(kind, value, search.strict):
        search.note(path, _sentence(bare, metas, value, search.strict))


def _look_into_struct(kind: type[Struct], value: object, path: str, search: _Search) -> None:
    if not isinstance(value, dict):
        search.note(path, "must be an object.")
        return
    for field in msgspec.structs.fields(kind):
        at = f"{path}.{field.encode_name}" if path else field.encode_name
        if field.encode_name not in value:
            if field.required:
                search.note(at, "is required.")
        elif field.required and value[field.encode_name] is None and not _unwrap(field.type)[2]:
            search.note(at, "is required.")
        else:
            _look(field.type, value[field.encode_name], at, search)


def _look_into_list(kind: Any, metas: list[Meta], value: object, path: str, search: _Search) -> None:
    if not isinstance(value, list):
        search.note(path, "must be an array.")
        return
    for meta in metas:
        if meta.max_length is not None and len(value) > meta.max_length:
            search.note(path, f"must not have more than {meta.max_length} items.")
            return
        if meta.min_length is not None and len(value) < meta.min_length:
            search.note(path, f"must have at least {_count(meta.min_length, 'item')}.")
            return
    if not get_args(kind):
        return
    for at, item in enumerate(value):
        _look(get_args(kind)[0], item, f"{path}.{at}" if path else str(at), search)


def _unwrap(kind: Any) -> tuple[Any, list[Meta], bool]:
    """The type without its wrappers, its constraints, and whether null is fine."""
    metas: list[Meta] = []
    nullable = kind is None or kind is type(None)
    while True:
        if get_origin(kind) is Annotated:
            kind, *notes = get_args(kind)
            metas += [note for note in notes if isinstance(note, Meta)]
        elif get_origin(kind) in (Union, types.UnionType):
            members = [member for member in get_args(kind) if member is not UnsetType]
            nullable = nullable or type(None) in members
            members = [member for member in members if member is not type(None)]
            if len(members) != 1:
                return kind, metas, nullable
            kind = members[0]
        else:
            return kind, metas, nullable


def _fits(kind: Any, value: object, strict: bool) -> bool:
    try:
        msgspec.convert(value, kind, strict=strict)
    except msgspec.ValidationError:
        return False
    return True


def _sentence(kind: Any, metas: list[Meta], value: object, strict: bool) -> str:
    if value == "" and any(meta.min_length for meta in metas):
        return "is required."
    if get_origin(kind) is Literal or (isinstance(kind, type) and issubclass(kind, Enum)):
        return "is not one of the allowed values."
    if (get_origin(kind) or kind) is dict:
        return "must be an object."
    wanted = next((text for kinds, text in TYPES if kind in kinds), "is invalid.")
    if not _fits(kind, value, strict):
        return wanted
    told = next((text for meta in metas if (text := _length(meta, value) or _range(meta, value))), None)
    return told or ("format is invalid." if kind is str else wanted)


def _length(meta: Meta, value: object) -> str | None:
    if not isinstance(value, str):
        return None
    if meta.max_length is not None and len(value) > meta.max_length:
        return f"must not be greater than {_count(meta.max_length, 'character')}."
    if meta.min_length is not None and len(value) < meta.min_length:
        return f"must be at least {_count(meta.min_length, 'character')}."
    return None


def _range(meta: Meta, value: object) -> str | None:
    """Numbers of a query are text, so the converter itself compares them."""
    for name, words in RANGES:
        bound = getattr(meta, name)
        if bound is not None and not _fits(Annotated[type(bound), Meta(**{name: bound})], value, strict=False):
            return f"{words} {bound}."
    return None


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


PLACE = re.compile(r"\[(\d+|\.\.\.)\]")
RANGES = (
    ("le", "must not be greater than"),
    ("ge", "must be at least"),
    ("lt", "must be less than"),
    ("gt", "must be greater than"),
)

TYPES = (
    ((str,), "must be a string."),
    ((int,), "must be an integer."),
    ((float,), "must be a number."),
    ((bool,), "must be true or false."),
    ((datetime, date), "must be a valid date."),
    ((UUID,), "must be a valid UUID."),
)
