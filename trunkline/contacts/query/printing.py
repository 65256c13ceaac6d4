"""The normal form of a query: property names in full, values quoted unless they are digits, nothing implied."""

import re
from typing import Any

from trunkline.contacts.query.conditions import Condition, Node
from trunkline.contacts.query.lexing import quoted


def text(node: Node) -> str:
    """Reads back as the same query."""
    return _written(node, outermost=True)


def tree(node: Node) -> dict[str, Any]:
    """The query as an object of JSON."""
    if isinstance(node, Condition):
        return {
            "type": "condition",
            "property_type": node.kind,
            "property": node.key,
            "operator": node.operator,
            "value": node.value,
        }
    return {"type": node.joint, "children": [tree(part) for part in node.parts]}


def property_name(condition: Condition) -> str:
    return PREFIXES[condition.kind] + condition.key


def literal(value: str) -> str:
    """A value as it stands in a query, whatever it holds; for those who put texts of others into a query."""
    return value if PLAIN.fullmatch(value) else quoted(value)


def _written(node: Node, *, outermost: bool = False) -> str:
    if isinstance(node, Condition):
        return f"{property_name(node)} {node.operator} {literal(node.value)}"
    inner = f" {node.joint.upper()} ".join(_written(part) for part in node.parts)
    return inner if outermost else f"({inner})"


PREFIXES = {"attribute": "", "scheme": "urns.", "field": "fields."}
PLAIN = re.compile(r"[0-9]+(?:\.[0-9]+)?")
