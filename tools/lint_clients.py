"""Rule: nothing but the HTTP client of `core` makes HTTP calls, so no address goes unjudged."""

import ast
from collections.abc import Iterator

from tools.source import Source

CLIENTS = {"aiohttp", "httpx", "httpx2", "requests", "urllib3", "http.client", "urllib.request"}
ALLOWED = {f"trunkline/core/{name}.py" for name in ("http", "requests", "talks", "connector")}


def find(source: Source) -> Iterator[tuple[int, str]]:
    if not source.is_product or source.path in ALLOWED:
        return
    for node in source.nodes:
        if isinstance(node, ast.Import | ast.ImportFrom):
            for client in sorted(_modules(node) & CLIENTS):
                yield node.lineno, f"imports {client}; outgoing HTTP is core/http.py's alone"


def _modules(node: ast.Import | ast.ImportFrom) -> set[str]:
    """Every module that the import may mean, and those around it."""
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    else:
        names = [f"{node.module}.{alias.name}" for alias in node.names]
    parts = [name.split(".") for name in names]
    return {".".join(words[:n]) for words in parts for n in range(1, len(words) + 1)}
