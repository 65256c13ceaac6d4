"""How fast it is, beside the bare libraries that it is made of: `make bench`, or `python -m benchmarks`."""

from importlib import import_module
from types import ModuleType

NAMES = (
    "contacts",
    "expansion",
    "delivery",
    "webhooks",
    "mail",
    "signing",
    "expressions",
    "flows",
    "flow_host",
    "inbound",
    "batch",
    "queue",
    "imports",
    "queries",
    "crowd",
    "analytics",
    "starting",
    "commands",
    "idle",
    "pages",
    "rapidpro",
)
"""Each is a module here with `SIZES` and `run(stage, size)`; `proof` is run on demand only."""


def module(name: str) -> ModuleType:
    return import_module(f"benchmarks.{name}")
