"""The public APIs: each folder holds a `Dialect` of its name, loaded on first use. `base.py` tells how to write one."""

from importlib import import_module
from typing import Any

# The order decides whose shape speaks where several share a path and none is known to be meant.
DIALECTS = {
    "platform": "trunkline.dialects.platform",
    "developer": "trunkline.dialects.developer",
    "portal": "trunkline.dialects.portal",
    "connector": "trunkline.dialects.connector",
    "rapidpro": "trunkline.dialects.rapidpro",
}


def load(name: str) -> Any:
    """The `Dialect` of this name; importing its package fills its table."""
    return getattr(import_module(DIALECTS[name]), name)


def load_all() -> list[Any]:
    return [load(name) for name in DIALECTS]
