"""Rule: no SQL in `dialects/` and `web/`. What two of them need moves down into a noun file."""

import ast
import re
from collections.abc import Iterator

from tools.source import Source, dotted

PLACES = ("trunkline/dialects/", "trunkline/web/")
STATEMENT = re.compile(
    r"\s*(select\s.+\sfrom\s|insert\s+into\s|update\s+\w+\s+set\s|delete\s+from\s|with\s+\w+\s+as\s*\()",
    re.IGNORECASE | re.DOTALL,
)


def find(source: Source) -> Iterator[tuple[int, str]]:
    if not source.path.startswith(PLACES):
        return
    for node in source.nodes:
        if isinstance(node, ast.Call) and dotted(node.func).split(".")[-1] == "sql":
            yield node.lineno, "registers a statement; SQL belongs in a noun file"
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and STATEMENT.match(node.value):
            yield node.lineno, "holds SQL; it belongs in a noun file"
