"""Legacy flows as a whole: header, order of nodes, the editor's part; and those of version 12."""

import pytest

from trunkline.flows.migrations import LATEST, migrate

OLD = {
    "version": "11.12",
    "base_language": "eng",
    "flow_type": "F",
    "entry": "n2",
    "action_sets": [
        {"uuid": "n1", "x": 10, "y": 200, "destination": None, "exit_uuid": "e1", "actions": []},
        {
            "uuid": "n2",
            "x": 100,
            "y": 0,
            "destination": "n3",
            "exit_uuid": "e2",
            "actions": [{"type": "reply", "uuid": "a1", "msg": {"eng": "Tea or coffee?"}}],
        },
    ],
    "rule_sets": [
        {
            "uuid": "n3",
            "x": 90,
            "y": 100,
            "label": "Drink",
            "operand": "@step.value",
            "ruleset_type": "wait_message",
            "config": {},
            "rules": [
                {
                    "uuid": "r1",
                    "category": {"eng": "Tea"},
                    "destination": "n1",
                    "test": {"type": "contains_any", "test": {"eng": "tea"}},
                },
                {"uuid": "r2", "category": {"eng": "Other"}, "destination": "n2", "test": {"type": "true"}},
            ],
        }
    ],
    "metadata": {
        "uuid": "f1",
        "name": "Drinks",
        "expires": 720,
        "revision": 7,
        "saved_on": "2018-01-01T00:00:00Z",
        "notes": [{"x": 5, "y": 6, "title": "Beware", "body": "Hot"}],
    },
}


def test_a_flow_as_a_whole(ids):
    migrated = migrate(OLD, "13.0.0", ids=ids)

    router = {
        "type": "switch",
        "operand": "@input",
        "wait": {"type": "msg"},
        "cases": [{"uuid": "new-2", "type": "has_any_word", "arguments": ["tea"], "category_uuid": "new-1"}],
        "default_category_uuid": "new-3",
        "categories": [
            {"uuid": "new-1", "name": "Tea", "exit_uuid": "r1"},
            {"uuid": "new-3", "name": "Other", "exit_uuid": "r2"},
        ],
        "result_name": "Drink",
    }
    message = {"type": "send_msg", "uuid": "a1", "text": "Tea or coffee?"}
    exits = [{"uuid": "r1", "destination_uuid": "n1"}, {"uuid": "r2", "destination_uuid": "n2"}]
    note = {"position": {"left": 5, "top": 6}, "title": "Beware", "body": "Hot", "color": "yellow"}
    assert migrated == {
        "uuid": "f1",
        "name": "Drinks",
        "spec_version": "13.0.0",
        "language": "eng",
        "type": "messaging",
        "revision": 7,
        "expire_after_minutes": 720,
        "localization": {},
        "nodes": [
            {"uuid": "n2", "actions": [message], "exits": [{"uuid": "e2", "destination_uuid": "n3"}]},
            {"uuid": "n1", "actions": [], "exits": [{"uuid": "e1", "destination_uuid": None}]},
            {"uuid": "n3", "router": router, "exits": exits},
        ],
        "_ui": {
            "nodes": {
                "n1": {"position": {"left": 10, "top": 200}, "type": "execute_actions"},
                "n2": {"position": {"left": 100, "top": 0}, "type": "execute_actions"},
                "n3": {"position": {"left": 90, "top": 100}, "type": "wait_for_response", "config": {"cases": {}}},
            },
            "stickies": {"new-4": note},
        },
    }


def test_it_goes_on_to_the_newest_version():
    assert migrate(OLD)["spec_version"] == LATEST


@pytest.mark.parametrize(
    ("old", "new"),
    [("F", "messaging"), ("M", "messaging"), ("V", "voice"), ("S", "messaging_offline"), (None, "messaging")],
)
def test_types(old, new):
    assert migrate({**OLD, "flow_type": old}, "13.0.0")["type"] == new


def test_uuids_stay_the_same_from_one_load_to_the_next():
    assert migrate(OLD) == migrate(OLD)
    assert migrate(OLD)["_ui"] != migrate({**OLD, "metadata": {**OLD["metadata"], "uuid": "f2"}})["_ui"]


@pytest.mark.parametrize("language", ["base", "", None])
def test_a_flow_without_language(language):
    message = {"type": "reply", "uuid": "a1", "msg": {"base": "Hi", "fra": "Salut"}}
    old = {"version": "11.0", "base_language": language, "action_sets": [{"uuid": "n1", "actions": [message]}]}

    migrated = migrate(old)

    assert migrated["language"] == "und"
    assert migrated["nodes"][0]["actions"][0]["text"] == "Hi"
    assert migrated["localization"] == {"fra": {"a1": {"text": ["Salut"]}}}


def test_keys_nobody_knows_are_kept():
    assert migrate({**OLD, "vendor": {"x": 1}})["vendor"] == {"x": 1}


@pytest.mark.parametrize("version", ["12.0.0", "12.1.0", "11.5"])
def test_definitions_with_nodes_have_the_shape_of_13_already(version):
    node = {"uuid": "n1", "actions": [{"type": "send_msg", "uuid": "a1", "text": "@flow.x"}], "exits": [{"uuid": "e1"}]}

    migrated = migrate({"spec_version": version, "uuid": "f1", "language": "base", "nodes": [node]}, "13.0.0")

    assert migrated == {"spec_version": "13.0.0", "uuid": "f1", "language": "base", "nodes": [node]}
