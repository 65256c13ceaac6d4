"""Rule: the time comes from `core/clock.py`, so tests can say what time it is."""

import ast
from collections.abc import Iterator

from tools.source import Source, dotted

CALLS = {
    "datetime.now",
    "datetime.utcnow",
    "datetime.today",
    "datetime.datetime.now",
    "datetime.datetime.utcnow",
    "date.today",
    "datetime.date.today",
    "time.time",
    "time.time_ns",
    "time.monotonic",
}
ALLOWED = {"trunkline/core/clock.py"}


def find(source: Source) -> Iterator[tuple[int, str]]:
    if not source.is_product or source.path in ALLOWED:
        return
    for node in source.nodes:
        if isinstance(node, ast.Attribute) and (name := dotted(node)) in CALLS:
            yield node.lineno, f"asks {name}; the time comes from core/clock.py"
        elif isinstance(node, ast.ImportFrom) and node.module == "time":
            yield node.lineno, "imports from time; the time comes from core/clock.py"
