"""Flows of the versions 11 and 12 as flows of 13.0.0."""

from typing import Any

from trunkline.flows.migrations.legacy import actions, rulesets
from trunkline.flows.migrations.legacy.draft import BASE, Draft
from trunkline.flows.migrations.shape import objects, text
from trunkline.flows.migrations.steps import Flow, Supplies, step
from trunkline.flows.migrations.versions import LEGACY_KEYS

TYPES = {"F": "messaging", "M": "messaging", "V": "voice", "S": "messaging_offline"}

# What has its own place in the new definition; anything else that a file has is kept as it is.
CONVERTED = ("version", "base_language", "flow_type", "action_sets", "rule_sets", "entry", "metadata", "type")
CONVERTED += ("uuid", "name", "spec_version", "language", "revision", "expire_after_minutes", "localization")
CONVERTED += ("nodes", "_ui")


@step("13.0.0")
def convert(old: Flow, supplies: Supplies) -> Flow | None:
    """Version 12 had the shape of 13 already; what is older has action sets and rule sets instead of nodes."""
    if "nodes" in old and not any(key in old for key in LEGACY_KEYS):
        return None
    metadata = old.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    language = text(old, "base_language") or BASE
    draft = Draft(language, supplies)
    nodes, shown = _nodes(old, draft)
    header = {
        "uuid": draft.uuid(metadata.get("uuid") or old.get("uuid")),
        "name": text(metadata, "name") or text(old, "name"),
        "spec_version": "13.0.0",
        "language": language,
        "type": TYPES.get(text(old, "flow_type"), "messaging"),
        "revision": metadata.get("revision", 1),
        "expire_after_minutes": metadata.get("expires", 0),
        "localization": draft.localization,
        "nodes": nodes,
        "_ui": {"nodes": shown, "stickies": _stickies(metadata, draft)},
    }
    return header | {key: value for key, value in old.items() if key not in CONVERTED}


def _nodes(old: Flow, draft: Draft) -> tuple[list[Flow], Flow]:
    """Nodes and what the editor knows of them; the entry comes first."""
    nodes: list[Flow] = []
    shown: Flow = {}
    for action_set in objects(old, "action_sets"):
        node = _action_node(action_set, draft)
        nodes.append(node)
        shown[node["uuid"]] = {"position": _position(action_set), "type": "execute_actions"}
    for rule_set in objects(old, "rule_sets"):
        node, ui = rulesets.converted(rule_set, draft.uuid(rule_set.get("uuid")), draft)
        nodes.append(node)
        shown[node["uuid"]] = {"position": _position(rule_set), **ui}
    entry = text(old, "entry")
    return sorted(nodes, key=lambda node: node["uuid"] != entry), shown


def _action_node(action_set: Flow, draft: Draft) -> Flow:
    leave = {
        "uuid": draft.uuid(action_set.get("exit_uuid")),
        "destination_uuid": text(action_set, "destination") or None,
    }
    return {
        "uuid": draft.uuid(action_set.get("uuid")),
        "actions": [actions.converted(action, draft) for action in objects(action_set, "actions")],
        "exits": [leave],
    }


def _position(placed: Flow) -> dict[str, Any]:
    return {"left": placed.get("x", 0), "top": placed.get("y", 0)}


def _stickies(metadata: Flow, draft: Draft) -> Flow:
    return {
        draft.uuid(): {
            "position": _position(note),
            "title": text(note, "title"),
            "body": text(note, "body"),
            "color": "yellow",
        }
        for note in objects(metadata, "notes")
    }
