"""The list of steps: each brings a definition to one version, in the order of versions."""

from collections.abc import Callable
from typing import Any, NamedTuple

from trunkline.flows.migrations.versions import Version, parse

Flow = dict[str, Any]


class Supplies(NamedTuple):
    """What a step may need besides the definition."""

    ids: Callable[[], str]
    media_base: str = ""


# A step changes the definition it is given, or returns another one.
Change = Callable[[Flow, Supplies], Flow | None]

STEPS: list[tuple[str, Change]] = []


def step(version: str) -> Callable[[Change], Change]:
    """Registers a step. Several may lead to one version; they then run in the order of their registration."""

    def register(change: Change) -> Change:
        STEPS.append((version, change))
        STEPS.sort(key=lambda entry: parse(entry[0]))
        return change

    return register


def after(version: Version, target: Version) -> list[tuple[str, Change]]:
    """The steps that lead from a version to a later one."""
    return [(name, change) for name, change in STEPS if version < parse(name) <= target]


def known() -> list[str]:
    """The versions that steps lead to, oldest first."""
    return list(dict.fromkeys(name for name, _ in STEPS))
