"""Rule: no `TYPE_CHECKING`. Whoever needs it breaks the import order."""

import ast
from collections.abc import Iterator

from tools.source import Source


def find(source: Source) -> Iterator[tuple[int, str]]:
    if source.path.startswith("tests/tools/"):
        return
    for node in source.nodes:
        match node:
            case ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING"):
                yield node.lineno, "uses TYPE_CHECKING; the import order is being broken"
