"""What inspecting a flow tells: what it needs, what it saves, what is wrong."""

import pytest

from tests.flows import generating
from trunkline.flows import inspection, loading
from trunkline.flows.cases import inspecting
from trunkline.flows.cases.errors import CaseError
from trunkline.flows.catalogue import Catalogue
from trunkline.flows.lookups import lookups

GROUP = {"uuid": "00000009-0000-4000-8000-000000000000", "name": "Testers"}


def numbered(number):
    return f"{number:08d}-0000-4000-8000-000000000000"


NODE, ACTION = numbered(1), numbered(2)


def flow(*actions, router=None, localization=None):
    raw = [{"uuid": numbered(2 + place), **action} for place, action in enumerate(actions)]
    node = {"uuid": NODE, "actions": raw, "router": router, "exits": [{"uuid": numbered(100)}]}
    return {
        "uuid": numbered(0),
        "name": "Drinks",
        "spec_version": "14.4.2",
        "language": "eng",
        "type": "messaging",
        "localization": localization or {},
        "nodes": [node],
    }


def switch(*cases, operand="@input.text", **fields):
    category = {"uuid": numbered(200), "name": "All", "exit_uuid": numbered(100)}
    raw = [
        {"uuid": numbered(300 + place), "type": kind, "arguments": list(arguments), "category_uuid": numbered(200)}
        for place, (kind, *arguments) in enumerate(cases)
    ]
    return {"type": "switch", "operand": operand, "cases": raw, "categories": [category], **fields}


def info(definition, assets=None):
    return inspection.inspect(loading.load(definition), Catalogue(assets) if assets is not None else None)


def send(text):
    return {"type": "send_msg", "text": text}


def test_nodes_and_translations_are_counted():
    counts = info(flow(localization={"fra": {}, "swa": {}}))["counts"]

    assert counts == {"nodes": 1, "languages": 2}


def test_actions_need_what_they_refer_to():
    found = info(flow({"type": "add_contact_groups", "groups": [GROUP]}))["dependencies"]

    assert found == [{"type": "group", **GROUP}]


def test_groups_found_by_name_at_run_time_are_not_known_now():
    found = info(flow({"type": "add_contact_groups", "groups": [{"name_match": "Team @fields.team"}]}))

    assert found["dependencies"] == [{"type": "field", "key": "team", "name": ""}]


def test_tests_of_groups_need_the_group():
    found = info(flow(router=switch(("has_group", *GROUP.values()))))["dependencies"]

    assert found == [{"type": "group", **GROUP}]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("@fields.age", {"type": "field", "key": "age", "name": ""}),
        ("@contact.fields.age", {"type": "field", "key": "age", "name": ""}),
        ("@(Fields.Age + 1)", {"type": "field", "key": "age", "name": ""}),
        ('@(fields["age"])', {"type": "field", "key": "age", "name": ""}),
        ("@parent.fields.age", {"type": "field", "key": "age", "name": ""}),
        ("@globals.token", {"type": "global", "key": "token", "name": ""}),
    ],
)
def test_expressions_need_what_they_look_up(text, expected):
    assert info(flow(send(text)))["dependencies"] == [expected]


@pytest.mark.parametrize(
    "text", ["@@fields.age", "a@fields", '@("@fields.age")', "@(x.fields.age)", "@(fields.", "@fields"]
)
def test_what_looks_like_a_lookup_is_none(text):
    assert info(flow(send(text)))["dependencies"] == []


def test_translations_need_what_they_look_up():
    translated = {"fra": {ACTION: {"text": ["@fields.age"]}}}

    found = info(flow(send("Hi"), localization=translated))["dependencies"]

    assert found == [{"type": "field", "key": "age", "name": ""}]


def test_operands_and_arguments_need_what_they_look_up():
    router = switch(("has_number_lt", "@globals.limit"), operand="@fields.age")

    keys = [each["key"] for each in info(flow(router=router))["dependencies"]]

    assert keys == ["age", "limit"]


def test_a_dependency_is_listed_once_with_its_name():
    save = {"type": "set_contact_field", "field": {"key": "age", "name": "Age"}, "value": "@fields.age"}

    found = info(flow(send("@fields.age"), save))["dependencies"]

    assert found == [{"type": "field", "key": "age", "name": "Age"}]


def test_names_come_from_the_assets():
    assets = {"fields": [{"key": "age", "name": "Age in years"}]}

    found = info(flow(send("@fields.age")), assets)["dependencies"]

    assert found == [{"type": "field", "key": "age", "name": "Age in years"}]


def test_what_the_parent_saved_is_listed():
    found = info(flow(send("@parent.results.drink and @(parent.results.food.category)")))

    assert found["parent_refs"] == ["drink", "food"]


def test_results_are_gathered_by_key():
    router = switch(result_name="drink")

    found = info(flow({"type": "set_run_result", "name": "Drink", "value": "x", "category": "Hot"}, router=router))

    expected = {"key": "drink", "name": "Drink", "categories": ["Hot", "All"], "node_uuids": [NODE]}
    assert found["results"] == [expected]


def test_calls_save_success_or_failure():
    found = info(flow({"type": "call_webhook", "method": "GET", "url": "x", "result_name": "My Call"}))

    assert found["results"] == [
        {"key": "my_call", "name": "My Call", "categories": ["Success", "Failure"], "node_uuids": [NODE]}
    ]


def test_locals_are_listed():
    found = info(
        flow(
            {"type": "set_run_local", "local": "count", "operation": "increment", "value": "1"},
            {"type": "call_llm", "llm": GROUP, "instructions": "x", "output_local": "answer"},
            {"type": "set_run_local", "local": "count", "operation": "clear"},
        )
    )

    assert found["locals"] == ["count", "answer"]


def test_without_assets_nothing_is_missing():
    found = info(flow({"type": "add_contact_groups", "groups": [GROUP]}))

    assert found["issues"] == []


def test_what_the_assets_lack_is_missing():
    found = info(flow({"type": "add_contact_groups", "groups": [GROUP]}), {})

    (issue,) = found["issues"]
    assert found["dependencies"] == [{"type": "group", **GROUP, "missing": True}]
    assert (issue["type"], issue["node_uuid"], issue["action_uuid"]) == ("missing_dependency", NODE, ACTION)


def test_what_the_assets_have_is_not_missing():
    found = info(flow({"type": "add_contact_groups", "groups": [GROUP]}), {"groups": [GROUP]})

    assert found["issues"] == []


def test_contacts_are_no_assets_and_never_missing():
    broadcast = {"type": "send_broadcast", "text": "Hi", "contacts": [GROUP]}

    assert info(flow(broadcast), {})["issues"] == []


def test_a_missing_thing_is_told_once_for_each_place():
    texts = {"fra": {ACTION: {"text": ["@fields.age"]}}}

    found = info(flow(send("@fields.age @fields.age"), send("@fields.age"), localization=texts), {})

    assert [issue["action_uuid"] for issue in found["issues"]] == [ACTION, numbered(3)]


@pytest.mark.parametrize("kind", ["send_broadcast", "start_session"])
def test_computed_recipients_are_an_issue(kind):
    fields = {"text": "Hi", "flow": GROUP, "legacy_vars": ["@contact.urn"]}

    (issue,) = info(flow({"type": kind, **fields}))["issues"]

    assert (issue["type"], issue["node_uuid"], issue["action_uuid"]) == ("legacy_vars", NODE, ACTION)


def test_a_pattern_that_is_none_is_an_issue():
    (issue,) = info(flow(router=switch(("has_pattern", "(x"))))["issues"]

    assert (issue["type"], issue["node_uuid"]) == ("invalid_regex", NODE)


def test_look_around_is_no_pattern_here():
    (issue,) = info(flow(router=switch(("has_pattern", "a(?=b)"))))["issues"]

    assert issue["type"] == "invalid_regex"


def test_translated_patterns_name_their_language():
    translated = {"fra": {numbered(300): {"arguments": ["[x"]}}}

    (issue,) = info(flow(router=switch(("has_pattern", "x")), localization=translated))["issues"]

    assert issue["language"] == "fra"


@pytest.mark.parametrize("pattern", [r"\pL+\b", "", "@fields.pattern", "@(fields.x)("])
def test_patterns_that_are_good_or_unknown_are_no_issue(pattern):
    assert info(flow(router=switch(("has_pattern", pattern))))["issues"] == []


def test_the_case_gives_the_migrated_flow():
    older = {**flow(), "spec_version": "13.0.0", "language": "base"}

    result = inspecting.answer({"flow": older}, None)

    assert (result["flow"]["language"], result["flow"]["spec_version"]) == ("und", "14.4.2")


def test_a_flow_is_found_among_the_assets():
    result = inspecting.answer({"flow_uuid": numbered(0)}, {"flows": [flow(send("@fields.age"))]})

    assert [issue["type"] for issue in result["info"]["issues"]] == ["missing_dependency"]


@pytest.mark.parametrize(
    ("case", "code"),
    [
        ({}, "input"),
        ({"flow_uuid": numbered(5), "assets": {"flows": []}}, "input"),
        ({"flow": 5}, "flow"),
        ({"flow": {}}, "flow"),
        ({"flow": flow({"type": "dance"})}, "flow"),
        ({"flow": {**flow(), "spec_version": "15.0.0"}}, "version"),
        ({"flow": flow(), "assets": 5}, "assets"),
    ],
)
def test_what_cannot_be_inspected_has_a_code(case, code):
    with pytest.raises(CaseError) as error:
        inspecting.answer(case, None)

    assert error.value.code == code


def test_the_path_of_a_fault_is_told():
    with pytest.raises(CaseError) as error:
        inspecting.answer({"flow": flow({"type": "dance"})}, None)

    assert error.value.extra == {"path": "nodes[0].actions[0].type"}


def test_a_long_template_is_looked_through():
    text = "@fields.age " * 800

    assert len(list(lookups(text))) == 800


def test_the_flows_of_a_large_export_lack_nothing():
    file = generating.export(1)
    assets = generating.workspace(file) | {key: file[key] for key in ("flows", "fields", "groups")}

    issues = {issue["type"] for raw in file["flows"] for issue in info(raw, assets)["issues"]}

    assert issues == {"legacy_vars"}
