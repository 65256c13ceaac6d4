"""Rule: events are declared in `*/events.py` alone; names of events and jobs are dotted, `noun.what`.

In flows, events are what happens in a sprint, words of the flow format; those of the outbox are in `facts.py`.
"""

import ast
import re
from collections.abc import Iterator

from tools.source import Source, dotted

NAME = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")


def find(source: Source) -> Iterator[tuple[int, str]]:
    if not source.is_product or source.path in ("trunkline/core/events.py", "trunkline/flows/events.py"):
        return
    for node in source.nodes:
        if isinstance(node, ast.ClassDef) and any(dotted(base).split(".")[-1] == "Event" for base in node.bases):
            yield from _event(source, node)
        elif isinstance(node, ast.Call) and dotted(node.func).split(".")[-1] == "job" and node.args:
            name = node.args[0]
            if isinstance(name, ast.Constant) and isinstance(name.value, str) and not NAME.fullmatch(name.value):
                yield node.lineno, f"the job {name.value!r} needs a dotted name"


def _event(source: Source, node: ast.ClassDef) -> Iterator[tuple[int, str]]:
    if not source.path.endswith("/events.py") and source.path != "trunkline/flows/facts.py":
        yield node.lineno, f"declares the event {node.name}; events belong in events.py of their package"
    types = [
        item.value.value
        for item in node.body
        if isinstance(item, ast.Assign)
        and [dotted(target) for target in item.targets] == ["type"]
        and isinstance(item.value, ast.Constant)
    ]
    if not types or not NAME.fullmatch(str(types[0])):
        yield node.lineno, f"the event {node.name} needs a dotted type"
