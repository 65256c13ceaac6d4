"""The canvas: nodes and edges as they are drawn, what may be drawn at all, and what a workflow must be to work."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal

import msgspec
from msgspec import Struct

from trunkline.core.errors import Invalid
from trunkline.core.text import has_forbidden

MOST_NODES = 200
MOST_EDGES = 500
LONGEST_ID = 100
LONGEST_SUBTYPE = 50
LARGEST = 500_000
"""Bytes of a canvas as JSON."""

Type = Literal["trigger", "condition", "action"]
TYPES = ("trigger", "condition", "action")
CONDITIONS = {"true": "true", "yes": "true", "false": "false", "no": "false"}
Problems = dict[str, list[str]]


class Node(Struct, frozen=True):
    id: str
    type: Type
    subtype: str
    config: dict[str, Any]
    x: float
    y: float


class Edge(Struct, frozen=True):
    """From a condition, `condition` is "true" or "false"; from anything else it is None."""

    id: str
    source: str
    target: str
    condition: str | None


class Definition(Struct, frozen=True):
    nodes: dict[str, Node]
    edges: list[Edge]

    @property
    def triggers(self) -> list[Node]:
        return [node for node in self.nodes.values() if node.type == "trigger"]

    @property
    def trigger(self) -> Node | None:
        return next(iter(self.triggers), None)

    def after(self, node: str, branch: bool | None = None) -> list[str]:
        """The steps that follow, in the order of the edges; of a condition those of the branch taken."""
        taken = None if branch is None else str(branch).lower()
        return [edge.target for edge in self.edges if edge.source == node and edge.condition == taken]


def read(canvas: Mapping[str, Any]) -> Definition:
    """What a canvas holds. Raises `Invalid` for what cannot even be kept as a draft, naming the node."""
    _check_size(canvas)
    problems: Problems = {}
    nodes = _nodes(_listed(canvas, "nodes", MOST_NODES, problems), problems)
    edges = _edges(_listed(canvas, "edges", MOST_EDGES, problems), nodes, problems)
    if problems:
        raise Invalid({f"canvas_data.{field}": told for field, told in problems.items()})
    return Definition(nodes, edges)


def check(definition: Definition) -> Problems:
    """What keeps a graph from working, by node: `nodes.<id>`."""
    problems: Problems = {}
    if len(definition.triggers) != 1:
        problems["canvas_data"] = ["A workflow needs exactly one trigger."]
    for edge in definition.edges:
        _check_edge(definition, edge, problems)
    for node in _on_circles(definition):
        problems.setdefault(f"nodes.{node}", []).append("This step leads back to itself.")
    if not problems:
        for node in _orphans(definition):
            problems[f"nodes.{node}"] = ["Nothing leads to this step."]
    return problems


def subtype_of(written: str) -> str:
    """Names of triggers may be dotted, as events are: contact.created is contact_created."""
    return written.strip().lower().replace(".", "_").replace("-", "_")


def _check_size(canvas: Mapping[str, Any]) -> None:
    text = msgspec.json.encode(canvas)
    if len(text) > LARGEST:
        raise Invalid({"canvas_data": [f"The canvas must not be larger than {LARGEST} bytes."]})
    if rb"\u0000" in text or has_forbidden(text.decode()):
        raise Invalid({"canvas_data": ["The canvas holds a character that cannot be stored."]})


def _listed(canvas: Mapping[str, Any], name: str, most: int, problems: Problems) -> list[Any]:
    listed = canvas.get(name)
    if listed is None:
        return []
    if not isinstance(listed, list):
        problems[name] = [f"The {name} field must be an array."]
    elif len(listed) > most:
        problems[name] = [f"The {name} field must not have more than {most} items."]
    else:
        return listed
    return []


def _nodes(listed: list[Any], problems: Problems) -> dict[str, Node]:
    nodes: dict[str, Node] = {}
    for place, written in enumerate(listed):
        told = _wrong_node(written, nodes)
        if told:
            problems |= {f"nodes.{place}{field}": [sentence] for field, sentence in told.items()}
            continue
        id, type = str(written["id"]), written["type"]
        subtype = subtype_of(written.get("subtype") or "")
        nodes[id] = Node(id, type, subtype, written.get("config") or {}, *_position(written))
    return nodes


def _wrong_node(written: Any, nodes: Mapping[str, Node]) -> dict[str, str]:
    """What is wrong with a node, by field."""
    if not isinstance(written, dict):
        return {"": "A node must be an object."}
    told: dict[str, str] = {}
    id, subtype = _id(written.get("id")), written.get("subtype")
    if id is None:
        told[".id"] = f"The id must have 1 to {LONGEST_ID} characters."
    elif id in nodes:
        told[".id"] = f"Two nodes have the id {id}."
    if written.get("type") not in TYPES:
        told[".type"] = f"The type of the node {id} must be one of {', '.join(TYPES)}."
    if subtype is not None and (not isinstance(subtype, str) or len(subtype) > LONGEST_SUBTYPE):
        told[".subtype"] = f"The subtype must have at most {LONGEST_SUBTYPE} characters."
    if not isinstance(written.get("config") or {}, dict):
        told[".config"] = f"The config of the node {id} must be an object."
    return told


def _edges(listed: list[Any], nodes: Mapping[str, Node], problems: Problems) -> list[Edge]:
    edges: list[Edge] = []
    for place, written in enumerate(listed):
        if not isinstance(written, dict):
            problems[f"edges.{place}"] = ["An edge must be an object."]
            continue
        ends = {}
        for end in ("source", "target"):
            ends[end] = _id(written.get(end, written.get(f"{end}_node_id")))
            if ends[end] is None:
                problems[f"edges.{place}.{end}"] = [f"The {end} must have 1 to {LONGEST_ID} characters."]
            elif ends[end] not in nodes and not problems:
                problems[f"edges.{place}.{end}"] = [f"There is no node {ends[end]}."]
        condition = _condition(written)
        if isinstance(condition, bool):
            problems[f"edges.{place}.condition"] = ["The condition must be true, false or null."]
            continue
        id = _id(written.get("id")) or f"{ends['source']}-{ends['target']}"
        edges.append(Edge(id[:LONGEST_ID], ends["source"] or "", ends["target"] or "", condition))
    return edges


def _condition(written: Mapping[str, Any]) -> str | None | bool:
    """The branch that an edge is of; False when what is written means none."""
    given = written.get("condition", written.get("sourceHandle"))
    if given is None or given == "":
        return None
    word = str(given).strip().lower()
    if word in CONDITIONS:
        return CONDITIONS[word]
    # Editors give the one exit of a plain node names of their own; that says nothing.
    return None if "condition" not in written else False


def _id(given: Any) -> str | None:
    if isinstance(given, int) and not isinstance(given, bool):
        given = str(given)
    return given if isinstance(given, str) and 1 <= len(given) <= LONGEST_ID else None


def _position(written: Mapping[str, Any]) -> tuple[float, float]:
    placed = written.get("position")
    inner = placed if isinstance(placed, dict) else {}
    x, y = (written.get(f"position_{axis}", inner.get(axis, 0)) for axis in ("x", "y"))
    return _number(x), _number(y)


def _number(given: Any) -> float:
    return given if isinstance(given, int | float) and abs(given) < 10**9 else 0


def _check_edge(definition: Definition, edge: Edge, problems: Problems) -> None:
    source, target = definition.nodes[edge.source], definition.nodes[edge.target]
    if target.type == "trigger":
        problems.setdefault(f"nodes.{target.id}", []).append("Nothing can lead to a trigger.")
    if (source.type == "condition") != (edge.condition is not None):
        told = "must be of the true or the false branch" if source.type == "condition" else "has no branches"
        sentence = f"An edge from this condition {told}." if source.type == "condition" else f"This step {told}."
        problems.setdefault(f"nodes.{source.id}", []).append(sentence)


def _on_circles(definition: Definition) -> list[str]:
    """The nodes that are left when those that nothing leads to, and those that lead nowhere, are taken away."""
    left = set(definition.nodes)
    while True:
        sources = {edge.source for edge in definition.edges if edge.target in left and edge.source in left}
        targets = {edge.target for edge in definition.edges if edge.target in left and edge.source in left}
        remaining = left & sources & targets
        if remaining == left:
            return [node for node in definition.nodes if node in left]
        left = remaining


def _orphans(definition: Definition) -> Iterable[str]:
    """Steps that no way from the trigger reaches."""
    trigger = definition.trigger
    reached: set[str] = set()
    ahead = [trigger.id] if trigger else []
    while ahead:
        node = ahead.pop()
        if node not in reached:
            reached.add(node)
            ahead += [edge.target for edge in definition.edges if edge.source == node]
    return [node for node in definition.nodes if node not in reached]
