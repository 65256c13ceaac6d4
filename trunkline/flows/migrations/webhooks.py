"""Steps for `@webhook` and for nodes that split on the outcome of a call: 13.3.0, 14.1.0, 14.4.1 and 14.4.2."""

from trunkline.expressions.tokens import Token
from trunkline.flows.migrations.catalogue import AT_13_3, rewrite
from trunkline.flows.migrations.shape import forget_translation, nodes, objects, router
from trunkline.flows.migrations.splits import lone, on_results, reduced
from trunkline.flows.migrations.steps import Flow, Supplies, step
from trunkline.flows.migrations.templates import Change, rewritten

CALLS = ("call_webhook", "call_resthook")
STATUS = "@webhook.status"
SAFE_STATUS = "@(default(webhook.status, 0))"
TEST = "has_number_between"
RANGE = ["200", "299"]


@step("13.3.0")
def name_json(flow: Flow, supplies: Supplies) -> None:
    """What the answer says is no longer `@webhook` itself but its `json`."""
    rewrite(flow, AT_13_3, lambda template: rewritten(template, "webhook", _with_json))


def _with_json(tokens: list[Token], place: int) -> Change:
    end = tokens[place].at + len(tokens[place].written)
    return Change(end, end, ".json")


@step("14.1.0")
def split_on_status(flow: Flow, supplies: Supplies) -> None:
    """Nodes that split on the result which a call used to save split on its status."""
    for node in nodes(flow):
        if lone(node, *CALLS) and on_results(node):
            router(node)["operand"] = STATUS
            reduced(node, TEST, RANGE, supplies.ids)


@step("14.4.1")
def split_on_status_only(flow: Flow, supplies: Supplies) -> None:
    """All such nodes do, whatever they split on; 13.3.0 took `@webhook.status` for a part of the answer."""
    for node in nodes(flow):
        if lone(node, *CALLS):
            router(node)["operand"] = STATUS
            for case in objects(router(node), "cases"):
                forget_translation(flow, case, "arguments")
            reduced(node, TEST, RANGE, supplies.ids)


@step("14.4.2")
def split_without_call(flow: Flow, supplies: Supplies) -> None:
    """A call that was never made has no status, which is no reason for an error."""
    for node in nodes(flow):
        if lone(node, *CALLS) and router(node).get("operand") == STATUS:
            router(node)["operand"] = SAFE_STATUS
