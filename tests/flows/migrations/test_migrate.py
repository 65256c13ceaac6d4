"""Which steps a definition goes through, and which it is spared."""

import json
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from trunkline.flows.faults import InvalidFlow, UnsupportedVersion
from trunkline.flows.migrations import LATEST, derived, known, migrate, version_of

VERSIONS = (
    "13.0.0 13.1.0 13.2.0 13.3.0 13.4.0 13.5.0 13.6.0 13.6.1 14.0.0 14.1.0 14.2.0 14.3.0 14.3.1 14.4.0 14.4.1 14.4.2"
)


def test_the_steps_lead_from_13_to_the_newest_version():
    assert known() == VERSIONS.split()
    assert known()[-1] == LATEST


@pytest.mark.parametrize(
    ("definition", "version"),
    [
        ({"spec_version": "13.1.0"}, "13.1.0"),
        ({"spec_version": "14.4.9", "version": "11.2"}, "14.4.9"),
        ({"spec_version": "13.0.0-rc1"}, "13.0.0-rc1"),
        ({"version": "11.12", "action_sets": []}, "11.12"),
        ({"version": 11}, "11"),
        ({"version": Decimal("11.12")}, "11.12"),
        ({"spec_version": "12.0"}, "12.0"),
        ({"action_sets": [], "rule_sets": []}, "11.12"),
    ],
)
def test_version(definition, version):
    assert version_of(definition) == version


@pytest.mark.parametrize("definition", [{}, {"spec_version": ""}, {"spec_version": "new"}, {"spec_version": [13]}])
@pytest.mark.parametrize("ask", [version_of, migrate])
def test_a_version_that_cannot_be_read(ask, definition):
    with pytest.raises(InvalidFlow):
        ask(definition)


@pytest.mark.parametrize("definition", [None, [], "13.0.0", 13, {"spec_version": True}, {"version": 10**400}])
def test_what_is_no_definition(definition):
    with pytest.raises(InvalidFlow):
        migrate(definition)


@pytest.mark.parametrize("version", ["10.4", "3", "14.5.0", "15.0.0", "100.0.0"])
def test_a_version_that_is_not_supported(version):
    with pytest.raises(UnsupportedVersion):
        migrate({"spec_version": version, "nodes": []})


@pytest.mark.parametrize("to", ["13.0.1", "12.0.0", "latest", "13", "14.5.0", ""])
def test_a_version_to_which_no_step_leads(to):
    with pytest.raises(UnsupportedVersion):
        migrate({"spec_version": "13.0.0", "nodes": []}, to)


@pytest.mark.parametrize(
    ("version", "to"), [("14.4.2", None), ("14.4.7", None), ("13.5.0", "13.5.0"), ("14.0.0", "13.2.0")]
)
def test_a_definition_that_is_new_enough_is_given_back_itself(version, to):
    definition = {"spec_version": version, "language": "base", "nodes": None}

    assert migrate(definition, to) is definition


def test_only_the_steps_up_to_the_version_asked_for_are_made():
    definition = {"spec_version": "13.1.0", "language": "base", "expire_after_minutes": 10**6, "type": "messaging"}

    migrated = migrate(definition, "13.6.1")

    assert migrated == {
        "spec_version": "13.6.1",
        "language": "und",
        "expire_after_minutes": 10**6,
        "type": "messaging",
    }


def test_the_definition_given_is_left_as_it_was():
    definition = {
        "spec_version": "13.0.0",
        "language": "base",
        "nodes": [{"actions": [{"type": "send_msg", "templating": {"variables": ["@webhook"]}, "all_urns": True}]}],
        "localization": {"und": {}},
    }
    before = json.dumps(definition)

    migrate(definition)

    assert json.dumps(definition) == before


def test_order_unknown_keys_and_the_editors_part_stay():
    definition: dict[str, Any] = {
        "_ui": {"nodes": {"n1": {"position": {"left": 1}, "config": {"operand": "@webhook"}}}, "later": [1, None]},
        "vendor": {"operand": "@webhook"},
        "spec_version": "13.0.0",
        "nodes": [{"vendor": 1, "uuid": "n1", "actions": [{"type": "vendor", "text": "@webhook", "all_urns": True}]}],
        "language": "eng",
        "metadata": {"saved_on": None},
    }

    migrated = migrate(definition)

    assert list(migrated) == list(definition)
    assert migrated == definition | {"spec_version": LATEST}


def test_uuids_depend_on_the_flow_alone():
    message = {"type": "send_msg", "templating": {"variables": []}}
    definition = {"uuid": "f1", "spec_version": "13.0.0", "nodes": [{"actions": [message, message]}]}

    first, again, other = (
        migrate({**definition, "uuid": uuid}, "13.1.0")["nodes"][0]["actions"] for uuid in ("f1", "f1", "f2")
    )

    assert first == again
    made = {action["templating"]["uuid"] for action in [*first, *other]}
    assert len(made) == 4
    assert all(uuid[14] == "4" for uuid in made)


def words(several: str) -> some.SearchStrategy[str]:
    return some.sampled_from(several.split())


# Definitions nobody would write: known names in the wrong places, wrong types, nulls.
NAMES = words(
    "uuid name type language nodes actions router exits cases categories arguments operand wait phone text templating "
    "template variables components params localization und eng base quick_replies attachments result_name name_match "
    "groups headers body note category expire_after_minutes default_category_uuid category_uuid a b"
)
LEGACY_NAMES = words(
    "uuid type msg media quick_replies x y rules test category destination label operand ruleset_type config min max "
    "webhook webhook_headers name value flow groups contacts variables id minutes eng base state district status "
    "actions emails subject lang labels field recording url field_index field_delimiter amount exit_uuid"
)
TEXTS = words(
    "send_msg open_ticket call_webhook set_run_result switch has_any_word has_phrase messaging a b @webhook "
    "@(webhook.x @(webhook) @results.x @@webhook 200 reply send email save del_group say play api trigger-flow flow "
    "wait_message wait_digits form_field webhook resthook airtime subflow random contains between timeout true ward "
    "@flow.x @(flow.x+1) @(WORD(flow.x)) F in_group @date"
) | some.text(max_size=5)
PLAIN = some.none() | some.booleans() | some.integers() | some.floats(allow_nan=False) | some.decimals(allow_nan=False)


def shapes(names: some.SearchStrategy[str]) -> some.SearchStrategy[Any]:
    return some.recursive(
        PLAIN | TEXTS,
        lambda inner: some.lists(inner, max_size=3) | some.dictionaries(names, inner, max_size=6),
        max_leaves=25,
    )


def objects(names: some.SearchStrategy[str]) -> some.SearchStrategy[Any]:
    return some.dictionaries(names, TEXTS | shapes(names), max_size=8)


SHAPES = shapes(NAMES)
NODES = some.fixed_dictionaries(
    {},
    optional={
        "uuid": SHAPES,
        "actions": some.lists(objects(NAMES) | SHAPES, max_size=2) | SHAPES,
        "router": objects(NAMES) | SHAPES,
    },
)
LEGACY = some.lists(objects(LEGACY_NAMES) | shapes(LEGACY_NAMES), max_size=2)
DEFINITIONS = some.fixed_dictionaries(
    {"spec_version": some.sampled_from(["12.0.0", *VERSIONS.split()])},
    optional={
        "uuid": SHAPES,
        "type": SHAPES,
        "language": SHAPES,
        "expire_after_minutes": SHAPES,
        "nodes": some.lists(NODES | SHAPES, max_size=3) | SHAPES,
        "localization": some.dictionaries(
            NAMES, some.dictionaries(NAMES, some.dictionaries(NAMES, SHAPES, max_size=3) | SHAPES, max_size=3)
        )
        | SHAPES,
    },
)
LEGACY_DEFINITIONS = some.fixed_dictionaries(
    {"version": some.just("11.12")},
    optional={
        "base_language": SHAPES,
        "flow_type": SHAPES,
        "entry": SHAPES,
        "metadata": shapes(LEGACY_NAMES),
        "action_sets": some.lists(some.fixed_dictionaries({"actions": LEGACY}), max_size=2) | SHAPES,
        "rule_sets": some.lists(
            objects(LEGACY_NAMES)
            | some.fixed_dictionaries({"ruleset_type": TEXTS, "config": shapes(LEGACY_NAMES), "rules": LEGACY}),
            max_size=2,
        )
        | SHAPES,
    },
)


@given(SHAPES | DEFINITIONS | LEGACY_DEFINITIONS)
def test_nothing_but_the_declared_errors_is_raised(definition):
    with suppress(InvalidFlow, UnsupportedVersion):
        assert migrate(definition, media_base="https://media.example.com")["spec_version"] == LATEST


@given(DEFINITIONS | LEGACY_DEFINITIONS)
def test_migrating_again_changes_nothing(definition):
    migrated = migrate(definition)

    assert migrate(migrated) is migrated


@given(DEFINITIONS | LEGACY_DEFINITIONS, some.sampled_from(VERSIONS.split()), some.sampled_from(VERSIONS.split()))
def test_two_stages_come_to_the_same_as_one(definition, one, other):
    first, second = sorted((one, other), key=VERSIONS.split().index)
    ids, same_ids = derived("seed"), derived("seed")

    in_two = migrate(migrate(definition, first, ids=ids), second, ids=ids)

    assert in_two == migrate(definition, second, ids=same_ids)
    assert migrate(migrate(definition, first), second) == migrate(definition, second)


def test_a_deeply_nested_definition_is_no_trouble():
    deep: Any = []
    for _ in range(5000):
        deep = [deep]

    assert migrate({"spec_version": "13.0.0", "nodes": [{"actions": deep}], "_ui": deep})["spec_version"] == LATEST
