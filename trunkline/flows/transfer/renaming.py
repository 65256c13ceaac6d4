"""New uuids for a definition: under `uuid` and `…_uuid`, as keys of objects, and as texts in arrays."""

import re
from collections.abc import Callable
from typing import Any

from trunkline.flows.marks import UUID_PATTERN

UUID = re.compile(UUID_PATTERN)


def renamed(value: Any, names: dict[str, str], new_uuid: Callable[[], str]) -> Any:
    """A copy. `names` says what is known beforehand and collects what is new; a uuid mapped to itself stays."""
    if isinstance(value, dict):
        return {
            _new(key, names, new_uuid) if UUID.match(key) else key: _item(key, item, names, new_uuid)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_element(item, names, new_uuid) for item in value]
    return value


def _item(key: str, value: Any, names: dict[str, str], new_uuid: Callable[[], str]) -> Any:
    if isinstance(value, str):
        return _new(value, names, new_uuid) if value and (key == "uuid" or key.endswith("_uuid")) else value
    return renamed(value, names, new_uuid)


def _element(value: Any, names: dict[str, str], new_uuid: Callable[[], str]) -> Any:
    if isinstance(value, str):
        return _new(value, names, new_uuid) if UUID.match(value) else value
    return renamed(value, names, new_uuid)


def _new(old: str, names: dict[str, str], new_uuid: Callable[[], str]) -> str:
    if old not in names:
        names[old] = new_uuid()
    return names[old]
