"""How the parts of a definition hang together: unique uuids, known destinations, categories and exits."""

from collections.abc import Iterator, Sequence

from trunkline.flows.definition import Node
from trunkline.flows.faults import InvalidFlow
from trunkline.flows.routers.base import Router
from trunkline.flows.routers.switch import TESTS, Switch


def check(nodes: Sequence[Node], flow_type: str) -> None:
    """Raises `InvalidFlow` for the first fault."""
    _check_unique(nodes)
    known = {node.uuid for node in nodes}
    for index, node in enumerate(nodes):
        path = f"nodes[{index}]"
        _check_destinations(node, known, path)
        _check_allowed(node, flow_type, path)
        if node.router:
            _check_categories(node.router, node, f"{path}.router")
        if isinstance(node.router, Switch):
            _check_cases(node.router, f"{path}.router")


def _check_unique(nodes: Sequence[Node]) -> None:
    seen: set[str] = set()
    for uuid, path in _uuids(nodes):
        if uuid in seen:
            raise InvalidFlow(f"The uuid {uuid} is used twice", path)
        seen.add(uuid)


def _uuids(nodes: Sequence[Node]) -> Iterator[tuple[str, str]]:
    for index, node in enumerate(nodes):
        yield node.uuid, f"nodes[{index}].uuid"
        for place, action in enumerate(node.actions):
            yield action.uuid, f"nodes[{index}].actions[{place}].uuid"
        for place, way in enumerate(node.exits):
            yield way.uuid, f"nodes[{index}].exits[{place}].uuid"


def _check_destinations(node: Node, known: set[str], path: str) -> None:
    for index, way in enumerate(node.exits):
        if way.destination_uuid is not None and way.destination_uuid not in known:
            raise InvalidFlow(f"There is no node {way.destination_uuid}", f"{path}.exits[{index}].destination_uuid")


def _check_allowed(node: Node, flow_type: str, path: str) -> None:
    for index, action in enumerate(node.actions):
        if flow_type not in action.allowed_in:
            raise InvalidFlow(
                f"{action.type} is not allowed in a flow of type {flow_type}", f"{path}.actions[{index}].type"
            )
    wait = node.router.wait if node.router else None
    if wait and flow_type not in wait.allowed_in:
        raise InvalidFlow(
            f"A {wait.type} wait is not allowed in a flow of type {flow_type}", f"{path}.router.wait.type"
        )


def _check_categories(router: Router, node: Node, path: str) -> None:
    exits = {way.uuid for way in node.exits}
    for index, category in enumerate(router.categories):
        if category.exit_uuid not in exits:
            raise InvalidFlow(f"There is no exit {category.exit_uuid}", f"{path}.categories[{index}].exit_uuid")
    timeout = getattr(router.wait, "timeout", None)
    if timeout and router.category(timeout.category_uuid) is None:
        raise InvalidFlow(f"There is no category {timeout.category_uuid}", f"{path}.wait.timeout.category_uuid")


def _check_cases(router: Switch, path: str) -> None:
    categories = {category.uuid for category in router.categories}
    for index, case in enumerate(router.cases):
        if case.type not in TESTS:
            raise InvalidFlow(f"Unknown test: {case.type}", f"{path}.cases[{index}].type")
        if case.category_uuid not in categories:
            raise InvalidFlow(f"There is no category {case.category_uuid}", f"{path}.cases[{index}].category_uuid")
    if router.default_category_uuid is not None and router.default_category_uuid not in categories:
        raise InvalidFlow(f"There is no category {router.default_category_uuid}", f"{path}.default_category_uuid")
