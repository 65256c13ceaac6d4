"""Steps for messages and for the tests of what people answer: 14.1.0, 14.3.1 and 14.4.0."""

from typing import Any

from trunkline.flows.migrations.shape import actions, nodes, objects, router, texts, translations
from trunkline.flows.migrations.steps import Flow, Supplies, step

MOST_QUICK_REPLIES = 10

# Tests of a text against one other text.
ONE_TEXT = (
    "has_only_text",
    "has_phrase",
    "has_only_phrase",
    "has_any_word",
    "has_all_words",
    "has_beginning",
    "has_pattern",
)


@step("14.1.0")
def cut_quick_replies(flow: Flow, supplies: Supplies) -> None:
    for action in actions(flow, "send_msg", "send_broadcast"):
        for owner in (action, *translations(flow, action)):
            if isinstance(replies := owner.get("quick_replies"), list):
                owner["quick_replies"] = replies[:MOST_QUICK_REPLIES]


@step("14.3.1")
def join_arguments(flow: Flow, supplies: Supplies) -> None:
    """Several arguments of a test that takes one are one argument with blanks in it; so are their translations."""
    for node in nodes(flow):
        for case in objects(router(node), "cases"):
            if case.get("type") in ONE_TEXT:
                for owner in (case, *translations(flow, case)):
                    _join(owner)


def _join(owner: dict[str, Any]) -> None:
    arguments = texts(owner.get("arguments"))
    if arguments and len(arguments) > 1:
        owner["arguments"] = [" ".join(arguments)]


@step("14.4.0")
def drop_all_urns(flow: Flow, supplies: Supplies) -> None:
    for action in actions(flow, "send_msg"):
        action.pop("all_urns", None)
