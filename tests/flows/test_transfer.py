"""Exports and imports: who becomes whom, what is created, what is reported, and that nothing gets lost."""

import copy
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.flows import generating
from trunkline.flows.cases import exporting, importing
from trunkline.flows.cases.errors import CaseError
from trunkline.flows.transfer.exporting import export as exporting_of
from trunkline.flows.transfer.renaming import renamed

SITE = "https://flows.example.org"
FILE = generating.export(1)


def numbered(number):
    return f"{number:08d}-0000-4000-8000-000000000000"


def flow(number=0, name="Drinks", actions=(), **changes):
    raw = [{"uuid": numbered(number + 10 + place), **action} for place, action in enumerate(actions)]
    return {
        "uuid": numbered(number),
        "name": name,
        "spec_version": "14.4.2",
        "language": "eng",
        "type": "messaging",
        "nodes": [{"uuid": numbered(number + 1), "actions": raw, "exits": [{"uuid": numbered(number + 2)}]}],
        **changes,
    }


def envelope(*flows, **parts):
    return {"version": "13", "site": SITE, "flows": list(flows), **parts}


def imported(file, workspace=None):
    return importing.answer({"file": file, "workspace": workspace}, None)


def exported(workspace, **options):
    return exporting.answer({"workspace": workspace, **options}, None)["file"]


def alike(value):
    """Uuids by the order in which they appear: equal for things that are equal up to a renaming."""
    numbers = itertools.count()
    return renamed(value, {}, lambda: f"uuid {next(numbers)}")


def types(result):
    return [issue["type"] for issue in result["issues"]]


def group(number=500, name="Testers", **fields):
    return {"uuid": numbered(number), "name": name, **fields}


def enter(number, name):
    return {"type": "enter_flow", "flow": {"uuid": numbered(number), "name": name}}


def label(name, number=600):
    return {"type": "add_input_labels", "labels": [{"uuid": numbered(number), "name": name}]}


# Envelopes ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["13", 13, "3", 11.12, "12.0", "20"])
def test_any_version_since_3_is_read(version):
    assert imported({"version": version})["flows"] == []


@pytest.mark.parametrize(
    ("file", "code"),
    [
        (5, "input"),
        ({}, "input"),
        ({"version": "2"}, "version"),
        ({"version": "new"}, "version"),
        ({"version": True}, "version"),
        (envelope(flow(spec_version="15.0.0")), "version"),
        (envelope(flow(name="")), "input"),
        (envelope(5), "input"),
        ({"version": "13", "flows": {}}, "input"),
        ({"version": "13", "fields": [{"name": "Age"}]}, "input"),
        ({"version": "13", "groups": [{"uuid": numbered(1)}]}, "input"),
        ({"version": "13", "triggers": [{"trigger_type": "K"}]}, "input"),
        ({"version": "13", "campaigns": [{"name": "C", "group": group(), "events": [{}]}]}, "input"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused(file, code):
    with pytest.raises(CaseError) as error:
        imported(file)

    assert error.value.code == code


def test_the_workspace_given_is_not_changed():
    workspace = imported(FILE)["workspace"]
    before = copy.deepcopy(workspace)

    imported(FILE, workspace)

    assert workspace == before


def test_equal_cases_have_equal_results():
    assert imported(FILE) == imported(FILE)


# Fields and groups ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        ({"type": "number"}, "number"),
        ({"value_type": "N"}, "number"),
        ({"value_type": "D"}, "datetime"),
        ({"value_type": "I"}, "district"),
        ({"value_type": "W"}, "ward"),
        ({"value_type": "S"}, "state"),
        ({"value_type": "T"}, "text"),
        ({}, "text"),
    ],
)
def test_fields_have_a_type_by_either_name(raw, kind):
    result = imported(envelope(fields=[{"key": "age", "name": "Age", **raw}]))

    assert result["workspace"]["fields"] == [{"key": "age", "name": "Age", "type": kind}]


def test_a_field_that_exists_stays_as_it_is():
    there = {"key": "age", "name": "Years", "type": "text"}

    result = imported(envelope(fields=[{"key": "age", "name": "Age", "type": "number"}]), {"fields": [there]})

    assert result["workspace"]["fields"] == [there]


def test_query_groups_bring_the_fields_they_use():
    result = imported(envelope(groups=[group(query="next_visit > 10 AND name = x")]))

    assert result["workspace"]["fields"] == [{"key": "next_visit", "name": "Next Visit", "type": "text"}]


def test_fields_of_the_file_come_before_those_of_queries():
    age = {"key": "age", "name": "Age", "type": "number"}

    result = imported(envelope(fields=[age], groups=[group(query="age > 10")]))

    assert result["workspace"]["fields"] == [age]


def test_a_query_that_cannot_be_read_is_an_issue():
    result = imported(envelope(groups=[group(query="age >")]))

    assert (types(result), result["workspace"]["groups"][0]["query"]) == (["invalid_query"], None)


@pytest.mark.parametrize("there", [group(number=700, name=" testers"), group(name="Renamed")])
def test_a_group_is_known_by_uuid_or_name(there):
    member = {"type": "add_contact_groups", "groups": [group()]}

    result = imported(envelope(flow(actions=[member]), groups=[group(query=None)]), {"groups": [there]})

    (action,) = result["workspace"]["flows"][0]["nodes"][0]["actions"]
    assert result["workspace"]["groups"] == [there]
    assert action["groups"][0]["uuid"] == there["uuid"]


def test_a_new_group_has_a_uuid_of_its_own_wherever_it_is_named():
    member = {"type": "add_contact_groups", "groups": [group()]}

    result = imported(envelope(flow(actions=[member]), groups=[group(query=None)]))

    (made,) = result["workspace"]["groups"]
    (action,) = result["workspace"]["flows"][0]["nodes"][0]["actions"]
    assert action["groups"][0]["uuid"] == made["uuid"] != numbered(500)


def test_arguments_of_group_tests_are_rewritten():
    router = {
        "type": "switch",
        "operand": "@contact.groups",
        "categories": [{"uuid": numbered(3), "name": "In", "exit_uuid": numbered(2)}],
        "cases": [
            {
                "uuid": numbered(4),
                "type": "has_group",
                "arguments": [numbered(500), "Testers"],
                "category_uuid": numbered(3),
            }
        ],
    }
    definition = flow()
    definition["nodes"][0]["router"] = router

    result = imported(envelope(definition, groups=[group(query=None)]))

    (case,) = result["workspace"]["flows"][0]["nodes"][0]["router"]["cases"]
    assert case["arguments"] == [result["workspace"]["groups"][0]["uuid"], "Testers"]


# Flows ----------------------------------------------------------------------------------------------------------


def test_a_flow_that_is_not_there_is_created():
    result = imported(envelope(flow()))

    (change,) = result["flows"]
    assert (change["action"], change["name"], change["valid"]) == ("created", "Drinks", True)
    assert change["source_uuid"] == numbered(0) != change["uuid"]


def test_a_flow_of_the_same_name_and_type_is_updated():
    result = imported(envelope(flow(5000, name="DRINKS")), {"flows": [flow()]})

    (change,) = result["flows"]
    assert (change["action"], change["uuid"], change["source_uuid"]) == ("updated", numbered(0), numbered(5000))


def test_a_flow_of_the_same_name_and_another_type_gets_company():
    result = imported(envelope(flow(5000, type="voice")), {"flows": [flow()]})

    (change,) = result["flows"]
    assert (change["action"], change["name"]) == ("created", "Drinks 2")


def test_two_flows_of_one_name_in_a_file_stay_two():
    result = imported(envelope(flow(), flow(5000)))

    assert [change["name"] for change in result["flows"]] == ["Drinks", "Drinks 2"]


def test_long_names_are_cut_to_stay_unique():
    result = imported(envelope(flow(name="n" * 70), flow(5000, name="n" * 70)))

    assert [change["name"] for change in result["flows"]] == ["n" * 64, "n" * 62 + " 2"]


@pytest.mark.parametrize(
    ("ours", "action"),
    [
        (SITE, "updated"),
        ("http://FLOWS.example.org/", "updated"),
        ("https://other.example.org", "created"),
        ("", "created"),
    ],
)
def test_uuids_count_only_on_one_site(ours, action):
    result = imported(envelope(flow(name="Renamed")), {"site": ours, "flows": [flow()]})

    assert result["flows"][0]["action"] == action


def test_on_one_site_the_name_of_the_file_is_taken():
    result = imported(envelope(flow(name="Renamed")), {"site": SITE, "flows": [flow()]})

    assert result["workspace"]["flows"][0]["name"] == "Renamed"


def test_flows_keep_their_places_and_new_ones_come_after():
    there = [flow(), flow(1000, name="Food")]

    result = imported(envelope(flow(2000, name="New"), flow(3000, name="food")), {"flows": there})

    assert [each["name"] for each in result["workspace"]["flows"]] == ["Drinks", "Food", "New"]


def test_uuids_are_renamed_everywhere_alike():
    definition = FILE["flows"][0]

    made = imported(FILE)["workspace"]["flows"][0]

    assert alike(made) == alike(definition)
    assert made["nodes"][0]["uuid"] in made["_ui"]["nodes"]
    assert made["nodes"][0]["uuid"] != definition["nodes"][0]["uuid"]


def test_what_nobody_reads_survives():
    result = imported(envelope(flow(_ui={"odd": [1, {"x": None}]}, metadata={"author": "Ann"})))

    (made,) = result["workspace"]["flows"]
    assert (made["_ui"], made["metadata"]) == ({"odd": [1, {"x": None}]}, {"author": "Ann"})


def test_flows_find_one_another_whatever_their_order():
    result = imported(envelope(flow(actions=[enter(1000, "Food")]), flow(1000, name="Food")))

    first, second = result["workspace"]["flows"]
    assert first["nodes"][0]["actions"][0]["flow"]["uuid"] == second["uuid"]


def test_flows_find_those_that_are_there_by_name():
    result = imported(envelope(flow(1000, actions=[enter(9, "food")])), {"flows": [flow(name="Food")]})

    action = result["workspace"]["flows"][1]["nodes"][0]["actions"][0]
    assert (action["flow"]["uuid"], result["issues"]) == (numbered(0), [])


def test_labels_are_found_by_name():
    result = imported(envelope(flow(actions=[label("Feedback")])), {"labels": [group(900, "feedback")]})

    action = result["workspace"]["flows"][0]["nodes"][0]["actions"][0]
    assert action["labels"][0]["uuid"] == numbered(900)


def test_channels_of_old_files_are_found_without_their_kind():
    channel = {"type": "set_contact_channel", "channel": group(600, "Telegram: Support")}

    result = imported(envelope(flow(actions=[channel])), {"channels": [group(900, "Support")]})

    action = result["workspace"]["flows"][0]["nodes"][0]["actions"][0]
    assert action["channel"]["uuid"] == numbered(900)


def test_references_by_name_alone_get_their_uuid():
    member = {"type": "add_contact_groups", "groups": [{"uuid": None, "name": "testers"}]}

    result = imported(envelope(flow(actions=[member])), {"groups": [group()]})

    action = result["workspace"]["flows"][0]["nodes"][0]["actions"][0]
    assert (action["groups"][0]["uuid"], result["flows"][0]["valid"]) == (numbered(500), True)


@pytest.mark.parametrize(
    ("action", "kind"),
    [
        (enter(9, "Gone"), "flow"),
        ({"type": "add_contact_groups", "groups": [group()]}, "group"),
        (label("Gone"), "label"),
        ({"type": "set_contact_field", "field": {"key": "age", "name": "Age"}, "value": "1"}, "field"),
        ({"type": "send_msg", "text": "@globals.token"}, "global"),
    ],
)
def test_what_is_missing_keeps_its_uuid_and_is_an_issue(action, kind):
    result = imported(envelope(flow(actions=[action])))

    (issue,) = result["issues"]
    (made,) = result["workspace"]["flows"][0]["nodes"][0]["actions"]
    assert (issue["type"], issue["dependency"]["type"]) == ("missing_dependency", kind)
    assert issue["flow_uuid"] == result["flows"][0]["uuid"]
    assert {key: made[key] for key in action} == action


def test_unknown_actions_stay_and_are_an_issue():
    action = {"type": "send_catalogue", "items": [1, {"price": 2}]}

    result = imported(envelope(flow(actions=[action])))

    (made,) = result["workspace"]["flows"][0]["nodes"][0]["actions"]
    assert (types(result), result["flows"][0]["valid"]) == (["unknown_action"], True)
    assert {key: made[key] for key in action} == action


def test_a_flow_that_does_not_load_is_imported_all_the_same():
    result = imported(envelope(flow(nodes=[{"uuid": numbered(1), "exits": []}])))

    assert (types(result), result["flows"][0]["valid"]) == (["invalid_flow"], False)
    assert len(result["workspace"]["flows"]) == 1


def test_older_flows_are_migrated():
    result = imported(envelope(flow(spec_version="13.1.0", language="base")))

    (made,) = result["workspace"]["flows"]
    assert (made["spec_version"], made["language"]) == ("14.4.2", "und")


@pytest.mark.parametrize(
    ("kind", "minutes", "expected"),
    [
        ("messaging", 720, 720),
        ("messaging", 0, 0),
        ("messaging", 20_161, 4320),
        ("messaging", -1, 4320),
        ("messaging", "many", 4320),
        ("voice", 16, 5),
        ("messaging_background", 5, 0),
    ],
)
def test_an_expiry_that_cannot_be_is_the_default_one(kind, minutes, expected):
    result = imported(envelope(flow(type=kind, expire_after_minutes=minutes)))

    assert result["workspace"]["flows"][0]["expire_after_minutes"] == expected


def test_resthooks_come_into_being():
    result = imported(envelope(flow(actions=[{"type": "call_resthook", "resthook": "new-answer"}])))

    assert result["workspace"]["resthooks"] == [{"slug": "new-answer", "subscribers": []}]


def test_characters_that_no_text_can_hold_are_dropped():
    result = imported(envelope(flow(actions=[{"type": "send_msg", "text": "a\0b"}])))

    assert result["workspace"]["flows"][0]["nodes"][0]["actions"][0]["text"] == "ab"


# Campaigns and triggers -----------------------------------------------------------------------------------------


def test_a_campaign_is_created_with_its_events():
    result = imported(FILE)

    (made,) = result["workspace"]["campaigns"]
    assert alike(made["events"][1]) == alike(FILE["campaigns"][0]["events"][1])
    assert made["group"]["uuid"] == result["workspace"]["groups"][0]["uuid"]
    assert made["events"][0]["flow"]["uuid"] in {each["uuid"] for each in result["flows"]}


def test_a_campaign_of_the_same_name_is_updated():
    once = imported(FILE)["workspace"]

    twice = imported(FILE, once)["workspace"]

    assert [each["uuid"] for each in twice["campaigns"]] == [each["uuid"] for each in once["campaigns"]]


def test_the_field_that_events_count_from_is_created():
    event = {**FILE["campaigns"][0]["events"][1], "relative_to": {"label": "Due", "key": "due"}}
    campaign = {"uuid": numbered(7), "name": "C", "group": group(), "events": [event]}

    result = imported(envelope(campaigns=[campaign]))

    assert result["workspace"]["fields"] == [{"key": "due", "name": "Due", "type": "datetime"}]


def test_an_event_without_its_flow_is_left_out():
    event = {**FILE["campaigns"][0]["events"][0], "flow": {"uuid": numbered(9), "name": "Gone"}}
    campaign = {"uuid": numbered(7), "name": "C", "group": group(), "events": [event]}

    result = imported(envelope(campaigns=[campaign]))

    assert (result["workspace"]["campaigns"][0]["events"], types(result)) == ([], ["missing_dependency"])


def test_messages_of_old_events_are_texts():
    event = {
        **FILE["campaigns"][0]["events"][1],
        "message": "Hi",
        "base_language": "base",
        "relative_to": {"key": "created_on"},
    }
    campaign = {"uuid": numbered(7), "name": "C", "group": group(), "events": [event]}

    made = imported(envelope(campaigns=[campaign]))["workspace"]["campaigns"][0]["events"][0]

    assert (made["message"], made["base_language"]) == ({"und": "Hi"}, "und")


def trigger(**changes):
    return {"trigger_type": "K", "flow": {"uuid": numbered(0), "name": "Drinks"}, "groups": [], **changes}


def test_a_single_keyword_is_one_of_a_list():
    result = imported(envelope(flow(), triggers=[trigger(keyword="Start")]))

    (made,) = result["workspace"]["triggers"]
    assert (made["keywords"], made["match_type"], made["exclude_groups"]) == (["start"], "F", [])
    assert made["flow"] == {"uuid": result["flows"][0]["uuid"], "name": "Drinks"}


@pytest.mark.parametrize(
    "changes",
    [
        {"flow": {"uuid": numbered(9), "name": "Gone"}},
        {"groups": [group()]},
        {"exclude_groups": [group()]},
        {"channel": group()},
    ],
)
def test_a_trigger_that_lacks_something_is_left_out(changes):
    result = imported(envelope(flow(), triggers=[trigger(keywords=["start"], **changes)]))

    assert (result["workspace"]["triggers"], types(result)) == ([], ["missing_dependency"])


def test_schedules_of_triggers_survive():
    schedule = {"repeat_period": "D", "start": "2030-01-01T00:00:00Z"}

    result = imported(envelope(flow(), triggers=[trigger(trigger_type="S", schedule=schedule)]))

    assert result["workspace"]["triggers"][0]["schedule"] == schedule


# Exports --------------------------------------------------------------------------------------------------------


def test_an_export_says_what_it_is():
    file = exported({"site": SITE})

    assert file == {
        "version": "13",
        "site": SITE,
        "flows": [],
        "campaigns": [],
        "triggers": [],
        "fields": [],
        "groups": [],
    }


def names(file, part="flows"):
    return [each.get("name", each.get("key")) for each in file[part]]


WORKSPACE = {
    "flows": [
        flow(actions=[enter(1000, "Food")]),
        flow(1000, name="Food", actions=[{"type": "send_msg", "text": "@fields.age"}]),
        flow(2000, name="Alone", actions=[{"type": "add_contact_groups", "groups": [group()]}]),
    ],
    "fields": [{"key": key, "name": key, "type": "text"} for key in ("age", "plan", "unused")],
    "groups": [group(query="plan = x"), group(501, "Others")],
    "triggers": [trigger(keywords=["a"]), trigger(keywords=["b"], flow={"uuid": numbered(2000), "name": "Alone"})],
}


def test_chosen_flows_bring_the_flows_they_enter():
    assert names(exported(WORKSPACE, flows=[numbered(0)])) == ["Drinks", "Food"]


def test_chosen_flows_bring_fields_groups_and_triggers():
    file = exported(WORKSPACE, flows=[numbered(2000)])

    assert (names(file, "fields"), names(file, "groups")) == (["plan"], ["Testers"])
    assert [each["keywords"] for each in file["triggers"]] == [["b"]]


def test_chosen_flows_can_go_alone():
    file = exported(WORKSPACE, flows=[numbered(0)], with_dependencies=False)

    assert (names(file), file["fields"], file["groups"], file["triggers"]) == (["Drinks"], [], [], [])


def test_without_a_choice_everything_goes():
    file = exported(WORKSPACE)

    assert [len(file[part]) for part in ("flows", "triggers", "fields", "groups")] == [3, 2, 3, 2]


def test_campaigns_go_with_the_flows_they_start():
    workspace = imported(FILE)["workspace"]
    started = workspace["campaigns"][0]["events"][0]["flow"]["uuid"]

    file = exported(workspace, flows=[started])

    assert names(file, "campaigns") == ["Reminders"]
    assert "joined_on" in [field["key"] for field in file["fields"]]


def test_chosen_campaigns_bring_the_flows_they_start():
    workspace = imported(FILE)["workspace"]
    (campaign,) = workspace["campaigns"]

    file = exporting_of(workspace, None, "flows", campaigns=[campaign["uuid"]])

    assert campaign["events"][0]["flow"]["uuid"] in [each["uuid"] for each in file["flows"]]
    assert names(file, "campaigns") == ["Reminders"]


def test_a_flow_that_is_not_there_is_not_exported():
    with pytest.raises(CaseError) as error:
        exported({"flows": []}, flows=[numbered(0)])

    assert error.value.code == "input"


def older(definition):
    return exporting.answer({"workspace": {"flows": [definition]}, "spec": "13"}, None)


def test_older_servers_get_an_older_version():
    result = older(flow(actions=[{"type": "open_ticket", "note": "Help"}]))

    (action,) = result["file"]["flows"][0]["nodes"][0]["actions"]
    assert (result["file"]["flows"][0]["spec_version"], action["body"], result["issues"]) == ("13.6.1", "Help", [])


def test_an_older_version_of_a_split_on_a_ticket_comes_back_as_it_was():
    definition = flow(actions=[{"type": "open_ticket", "topic": None, "assignee": None, "note": "Help"}])
    node = definition["nodes"][0]
    node["exits"].append({"uuid": numbered(3)})
    node["router"] = {
        "type": "switch",
        "operand": "@locals._new_ticket",
        "result_name": "Ticket",
        "categories": [
            {"uuid": numbered(4), "name": "Success", "exit_uuid": numbered(2)},
            {"uuid": numbered(5), "name": "Failure", "exit_uuid": numbered(3)},
        ],
        "cases": [{"uuid": numbered(6), "type": "has_text", "arguments": [], "category_uuid": numbered(4)}],
        "default_category_uuid": numbered(5),
    }

    result = older(definition)

    again = imported(result["file"])["workspace"]["flows"][0]
    assert result["file"]["flows"][0]["nodes"][0]["router"]["operand"] == "@results.ticket.category"
    assert alike(again) == alike(definition)


@pytest.mark.parametrize(
    "action",
    [
        {"type": "set_run_local", "local": "count", "operation": "increment", "value": "1"},
        {"type": "call_llm", "llm": group(), "instructions": "x", "output_local": "answer"},
        {"type": "send_msg", "text": "@locals.count"},
        {"type": "send_msg", "text": '@(upper(prompt("x")))'},
    ],
)
def test_what_older_servers_do_not_know_is_an_issue(action):
    result = older(flow(actions=[action]))

    assert {issue["type"] for issue in result["issues"]} == {"not_in_spec"}
    assert result["file"]["flows"][0]["spec_version"] == "14.4.2"


# There and back -------------------------------------------------------------------------------------------------


@settings(max_examples=10, deadline=None)
@given(st.integers(min_value=0, max_value=10_000))
def test_an_export_of_an_import_is_the_file_up_to_uuids(seed):
    file = generating.export(1, seed)

    again = exported(imported(file, {"site": generating.SITE})["workspace"])

    assert alike(again) == alike(file)


def test_a_workspace_takes_its_own_export_without_growing():
    workspace = imported(FILE, {"site": generating.SITE})["workspace"]

    result = imported(exported(workspace), workspace)

    assert {change["action"] for change in result["flows"]} == {"updated"}
    assert alike(exported(result["workspace"])) == alike(exported(workspace))


SHORT = FILE | {"flows": FILE["flows"][:2]}
PARTS = [(key, place) for key, items in SHORT.items() if isinstance(items, list) for place in range(len(items))]
JUNK = st.sampled_from([None, True, -1, "", "\0", "x", [], {}, [None], {"uuid": None}, 10**30, 1.5])


@settings(max_examples=150, deadline=None)
@given(part=st.sampled_from(PARTS), junk=JUNK, where=st.data())
def test_a_broken_file_is_imported_or_refused(part, junk, where):
    item = SHORT[part[0]][part[1]]
    path = (*part, *([where.draw(st.sampled_from(sorted(item)))] if where.draw(st.booleans()) else ()))

    try:
        result = imported(generating.replaced(SHORT, path, junk))
    except CaseError as error:
        result = error

    assert not isinstance(result, CaseError) or result.code in ("input", "version")
