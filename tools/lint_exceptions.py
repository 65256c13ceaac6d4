"""Rule: everything is caught only where everything must be survived: at the edges, and where work of others runs."""

import ast
from collections.abc import Iterator

from tools.source import Source, dotted

ALLOWED = (
    "trunkline/worker.py",
    "trunkline/server/edge.py",
    "trunkline/messaging/delivery.py",  # an adapter's bug must not stop other channels
    "trunkline/messaging/feeding.py",  # a line that cannot be fed must not stop the others
    "trunkline/commands/calling.py",  # the edge of the command line
    "trunkline/commands/flow.py",  # one bad case must not end the stream of cases
    "trunkline/webhooks/delivering.py",  # one endpoint must not stop the others
    "trunkline/dialects/",
)
BROAD = {"Exception", "BaseException"}


def find(source: Source) -> Iterator[tuple[int, str]]:
    if not source.is_product or source.path.startswith(ALLOWED):
        return
    for node in source.nodes:
        if isinstance(node, ast.ExceptHandler) and _is_broad(node) and not _raises_again(node):
            yield node.lineno, "catches everything; catch what you can repair"


def _is_broad(node: ast.ExceptHandler) -> bool:
    kinds = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
    return any(kind is None or dotted(kind) in BROAD for kind in kinds)


def _raises_again(node: ast.ExceptHandler) -> bool:
    """Tidying up and passing the very same exception on hides nothing."""
    last = node.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None
