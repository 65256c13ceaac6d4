"""Older flow definitions brought to a newer version of the RapidPro flow format, step by step.

    newest = migrate(definition)
    as_13_5 = migrate(definition, "13.5.0", ids=ids, media_base="https://example.com/media")

The definition is never judged here: whatever shape it has, what no step is about stays as it is.
"""

from collections.abc import Callable
from typing import Any

from trunkline.flows.faults import UnsupportedVersion
from trunkline.flows.migrations import legacy, limits, messages, splits, templating, webhooks
from trunkline.flows.migrations.shape import copied, text
from trunkline.flows.migrations.steps import Supplies, after, known
from trunkline.flows.migrations.uuids import derived
from trunkline.flows.migrations.versions import NEWEST, parse, version_of

__all__ = ["LATEST", "derived", "known", "migrate", "version_of"]

LATEST = "14.4.2"

# Steps register themselves where they are written; naming the files here is what loads them.
FAMILIES = (legacy, templating, limits, webhooks, messages, splits)


def migrate(
    definition: Any,
    to: str | None = None,
    *,
    ids: Callable[[], str] | None = None,
    media_base: str | None = None,
) -> dict[str, Any]:
    """The definition with the steps after its own version up to `to` applied; the one given is left as it was.

    A definition that needs no step is returned itself. `ids` makes uuids for parts that had none; by default they are
    derived from the flow's uuid, so that loading the same file again gives the same uuids. `media_base` goes before
    relative media of legacy files. Raises `InvalidFlow` when the version cannot be read and `UnsupportedVersion` when
    it, or `to`, is none of ours.
    """
    version = parse(version_of(definition))
    target = NEWEST if to is None else _target(to)
    if not (steps := after(version, target)):
        return definition
    migrated = copied(definition)
    for name, change in steps:
        # Each step has a source of its own, so that going in two stages gives the same uuids as going in one.
        supplies = Supplies(ids or derived((*_identity(migrated), name, change.__name__)), media_base or "")
        migrated = change(migrated, supplies) or migrated
        migrated["spec_version"] = name
    return migrated


def _identity(definition: dict[str, Any]) -> tuple[str, str]:
    # Legacy files keep both in `metadata`.
    kept = definition if text(definition, "uuid") else definition.get("metadata")
    return (text(kept, "uuid"), text(kept, "name")) if isinstance(kept, dict) else ("", "")


def _target(to: str) -> tuple[int, int, int]:
    if to not in known():
        raise UnsupportedVersion(f"{to} is not a version of the flow format that definitions are migrated to")
    return parse(to)
