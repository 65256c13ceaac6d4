"""Definitions for servers that read no version after 13: the way back where there is one, else what has none."""

from collections.abc import Iterator
from typing import Any

from trunkline.flows.definition import Flow
from trunkline.flows.faults import InvalidFlow, UnsupportedVersion
from trunkline.flows.loading import check_depth, read
from trunkline.flows.lookups import lookups
from trunkline.flows.mentioned import templates
from trunkline.flows.migrations import migrate
from trunkline.flows.migrations.shape import actions, copied, nodes, objects, router, text
from trunkline.flows.migrations.splits import OUTCOMES, lone
from trunkline.flows.sessions import snakify

VERSION = "13.6.1"
NEW_ACTIONS = frozenset(("call_llm", "set_run_local"))
NEW_NAMES = frozenset(("locals", "prompt"))
# Its action had to save one; the router that splits on it reads it.
RESULT_NAME = "Result"

Issues = list[dict[str, Any]]


def converted(definition: dict[str, Any]) -> tuple[dict[str, Any], Issues]:
    """The definition in 13.x and nothing, or what stands against it."""
    try:
        check_depth(definition)
        older = copied(migrate(definition))
        _split_on_results(older)
        flow = read(older)
    except (InvalidFlow, UnsupportedVersion) as error:
        return definition, [{"flow_uuid": definition.get("uuid"), "type": error.code, "description": error.message}]
    issues = [{"flow_uuid": flow.uuid, "type": "not_in_spec", **problem} for problem in _problems(flow)]
    for action in actions(older, "open_ticket"):
        if "note" in action:
            action["body"] = action.pop("note")
    for action in actions(older, *OUTCOMES):
        action.setdefault("result_name", RESULT_NAME)
    older["spec_version"] = VERSION
    return older, issues


def _split_on_results(flow: dict[str, Any]) -> None:
    """Nodes that split on what became of a ticket or airtime transfer did so by the action's result."""
    for node in nodes(flow):
        if not lone(node, *OUTCOMES):
            continue
        action = objects(node, "actions")[0]
        if text(router(node), "operand").strip() != OUTCOMES[text(action, "type")]:
            continue
        name = router(node).pop("result_name", None) or RESULT_NAME
        action["result_name"] = name
        router(node)["operand"] = f"@results.{snakify(name)}.category"
        for case in objects(router(node), "cases"):
            case |= {"type": "has_only_text", "arguments": ["Success"]}


def _problems(flow: Flow) -> Iterator[dict[str, Any]]:
    for node, action in flow.actions():
        if action.type in NEW_ACTIONS:
            yield {
                "node_uuid": node.uuid,
                "action_uuid": action.uuid,
                "description": f"Version 13 has no action {action.type}",
            }
    for place, template in templates(flow):
        for path in dict.fromkeys(lookups(template, NEW_NAMES)):
            yield {**place.shown(), "description": f"Version 13 has no @{'.'.join(path)}"}
