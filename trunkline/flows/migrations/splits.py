"""Nodes that do one thing and split on its outcome, and the steps for tickets and airtime: 14.2.0 and 14.3.0."""

from collections.abc import Callable
from typing import Any

from trunkline.flows.migrations.shape import actions, array, nodes, objects, replaced, router, text
from trunkline.flows.migrations.steps import Flow, Supplies, step

# The local variable that tells whether it worked.
OUTCOMES = {"open_ticket": "@locals._new_ticket", "transfer_airtime": "@locals._new_transfer"}


@step("14.2.0")
def name_note(flow: Flow, supplies: Supplies) -> None:
    """The body of a ticket is a note."""
    for action in actions(flow, "open_ticket"):
        if "body" in action and "note" not in action:
            replaced(action, "body", {"note": action["body"]})


@step("14.3.0")
def split_on_locals(flow: Flow, supplies: Supplies) -> None:
    """Tickets and airtime save no result any more: the node's router does, from the action's local variable."""
    for node in nodes(flow):
        if lone(node, *OUTCOMES) and on_results(node):
            action = objects(node, "actions")[0]
            router(node)["operand"] = OUTCOMES[text(action, "type")]
            reduced(node, "has_text", [], supplies.ids)
            if "result_name" in action:
                router(node)["result_name"] = action.pop("result_name")


def lone(node: dict[str, Any], *types: str) -> bool:
    """Whether a node does one thing only, of one of these types, and splits after it."""
    done = array(node, "actions")
    is_one = len(done) == 1 and isinstance(done[0], dict) and text(done[0], "type") in types
    return is_one and router(node).get("type") == "switch"


def on_results(node: dict[str, Any]) -> bool:
    return text(router(node), "operand").lower().startswith("@results.")


def reduced(node: dict[str, Any], test: str, arguments: list[str], ids: Callable[[], str]) -> None:
    """Leaves the router one case, which leads to the category of success."""
    cases = objects(router(node), "cases")
    good = _good(router(node), cases, test, arguments)
    if good is None:
        return
    kept = next((case for case in cases if case.get("category_uuid") == good), cases[0] if cases else {})
    case = {"uuid": text(kept, "uuid") or ids(), "type": test, "arguments": list(arguments), "category_uuid": good}
    router(node)["cases"] = [kept | case if kept else case]


def _good(router: dict[str, Any], cases: list[dict[str, Any]], test: str, arguments: list[str]) -> Any:
    """The category of success: where the right test leads already, the one of that name, or the first case's."""
    for case in cases:
        if case.get("type") == test and case.get("arguments") == arguments and case.get("category_uuid"):
            return case["category_uuid"]
    categories = [category for category in objects(router, "categories") if category.get("uuid")]
    for category in categories:
        if text(category, "name").strip().lower() == "success":
            return category["uuid"]
    if cases and cases[0].get("category_uuid"):
        return cases[0]["category_uuid"]
    default = router.get("default_category_uuid")
    return next((category["uuid"] for category in categories if category["uuid"] != default), None)
