"""Versions of flow definitions: where they are written, how they compare, which are ours."""

import re
from decimal import Decimal
from typing import Any

from trunkline.flows.faults import InvalidFlow, UnsupportedVersion

Version = tuple[int, int, int]

OLDEST: Version = (11, 0, 0)
NEWEST: Version = (14, 4, 2)
UNKNOWN: Version = (14, 5, 0)

# Legacy files say `version`, some say nothing and are known by their shape.
LEGACY_KEYS = ("action_sets", "rule_sets")
LAST_LEGACY = "11.12"

SEMVER = re.compile(r"([0-9]{1,9})(?:\.([0-9]{1,9}))?(?:\.([0-9]{1,9}))?(?:[-+][0-9A-Za-z.+-]+)?", re.ASCII)


def version_of(definition: Any) -> str:
    """The version as written. Raises `InvalidFlow` when there is none, `UnsupportedVersion` when it is none of ours."""
    if not isinstance(definition, dict):
        raise InvalidFlow("A flow definition is an object")
    written = _written(definition)
    if not OLDEST <= parse(written) < UNKNOWN:
        raise UnsupportedVersion(f"Flow definitions of version {written} are not supported")
    return written


def _written(definition: dict[str, Any]) -> str:
    written = definition.get("spec_version")
    if written is None:
        written = definition.get("version")
    if written is None and any(isinstance(definition.get(key), list) for key in LEGACY_KEYS):
        return LAST_LEGACY
    # Legacy files write their version as a number now and then.
    if isinstance(written, int | float | Decimal) and not isinstance(written, bool):
        written = str(written) if abs(written) < 1000 else ""
    if not isinstance(written, str):
        raise InvalidFlow("The version of the flow definition is missing", "spec_version")
    return written


def parse(written: str) -> Version:
    if not (found := SEMVER.fullmatch(written)):
        raise InvalidFlow(f"{written[:40]!r} is not a version", "spec_version")
    major, minor, patch = found.groups("0")
    return int(major), int(minor), int(patch)
