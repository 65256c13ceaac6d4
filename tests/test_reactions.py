"""The table of reactions is complete: an event that nobody listed is a mistake, not a decision."""

import importlib
import pkgutil

import trunkline
from trunkline.core.events import TYPES
from trunkline.reactions import REACTIONS


def test_every_event_stands_in_the_table() -> None:
    for module in pkgutil.walk_packages(trunkline.__path__, "trunkline."):
        if module.name.endswith((".events", ".facts")):
            importlib.import_module(module.name)

    missing = {name for name, cls in TYPES.items() if cls.__module__.startswith("trunkline.") and cls not in REACTIONS}

    assert not missing
