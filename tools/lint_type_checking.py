"""Rule: no `TYPE_CHECKING`. Whoever needs it breaks the import order."""

import ast
from collections.abc import Iterator

from tools.source import Source


def find(source: Source) -> Iterator[tuple[int, str]]:
    if source.path.startswith("tests/tools/"):
        return
    for node in source.nodes:
        named = (isinstance(node, ast.Name) and node.id) or (isinstance(node, ast.Attribute) and node.attr)
        if named == "TYPE_CHECKING":
            yield node.lineno, "uses TYPE_CHECKING; the import order is being broken"
