"""The file of an export: its versions, its older shapes, and what makes it unreadable."""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct

from trunkline.core.errors import TrunklineError
from trunkline.flows.faults import InvalidFlow, UnsupportedVersion
from trunkline.flows.loading import check_depth
from trunkline.flows.transfer import shapes

VERSION = "13"
OLDEST_VERSION = 3


class InvalidFile(TrunklineError):
    """Not an export, or one with a part that cannot be read. Nothing of it is imported."""

    code = "input"


class Envelope(Struct, frozen=True, kw_only=True):
    """Fields, groups, campaigns and triggers are in today's shapes; flows are as they came."""

    site: str
    flows: list[dict[str, Any]]
    fields: list[dict[str, Any]]
    groups: list[dict[str, Any]]
    campaigns: list[dict[str, Any]]
    triggers: list[dict[str, Any]]


def read(file: Any) -> Envelope:
    """Raises `InvalidFile` and `UnsupportedVersion`."""
    if not isinstance(file, dict):
        raise InvalidFile("An export is an object")
    refuse_deep(file)
    _check_version(file.get("version"))
    site = file.get("site")
    file = without_nul(file)
    return Envelope(
        site=site if isinstance(site, str) else "",
        flows=_list(file, "flows", lambda raw: raw),
        fields=_list(file, "fields", shapes.field),
        groups=_list(file, "groups", shapes.group),
        campaigns=_list(file, "campaigns", shapes.campaign),
        triggers=_list(file, "triggers", shapes.trigger),
    )


def refuse_deep(document: Any) -> None:
    try:
        check_depth(document)
    except InvalidFlow as error:
        raise InvalidFile(error.message) from None


def host(site: str) -> str:
    """`https://Flows.example.org/` and `flows.example.org` are the same place."""
    try:
        return urlsplit(site if "//" in site else f"//{site}").netloc.rpartition("@")[2].lower()
    except ValueError:
        return ""


def _check_version(version: Any) -> None:
    if version is None:
        raise InvalidFile("This is not an export: it has no version")
    number = re.match(r"(\d{1,9})(\.\d+)*\Z", str(version), re.ASCII)
    if isinstance(version, bool) or not number or int(number[1]) < OLDEST_VERSION:
        raise UnsupportedVersion(f"Exports of version {str(version)[:40]} are not supported")


def _list(file: dict[str, Any], key: str, read: Callable[[dict[str, Any]], dict[str, Any]]) -> list[dict[str, Any]]:
    items = file.get(key)
    if items is None:
        return []
    if not isinstance(items, list):
        raise InvalidFile(f"{key} is a list")
    return [_item(item, f"{key}[{index}]", read) for index, item in enumerate(items)]


def _item(item: Any, path: str, read: Callable[[dict[str, Any]], dict[str, Any]]) -> dict[str, Any]:
    if not isinstance(item, dict):
        raise InvalidFile(f"{path} is an object")
    try:
        return read(item)
    except ValueError as error:
        raise InvalidFile(f"{error} (at {path})") from None


def without_nul(value: Any) -> Any:
    """U+0000 is no character that a text could be stored with."""
    if isinstance(value, str):
        return value.replace("\0", "") if "\0" in value else value
    if isinstance(value, list):
        return [without_nul(item) for item in value]
    if isinstance(value, dict):
        return {without_nul(key): without_nul(item) for key, item in value.items()}
    return value
