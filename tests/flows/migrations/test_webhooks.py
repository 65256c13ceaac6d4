"""Flow spec 13.3.0, 14.1.0, 14.4.1 and 14.4.2: what webhooks answer, and splits on it."""

import json

import pytest

from trunkline.flows.migrations import migrate

CALL = {"type": "call_webhook", "uuid": "a1", "method": "GET", "url": "https://example.com", "result_name": "Call"}
RESTHOOK = {"type": "call_resthook", "uuid": "a1", "resthook": "new-order", "result_name": "Call"}
SUCCESS = {"uuid": "c1", "type": "has_only_text", "arguments": ["Success"], "category_uuid": "good"}
IN_RANGE = {"uuid": "c1", "type": "has_number_between", "arguments": ["200", "299"], "category_uuid": "good"}


# A § is a template that refers to the answer; `@webhook` stands where no template is.
@pytest.mark.parametrize(
    "action",
    [
        {"type": "send_msg", "text": "Hi §.a", "attachments": ["image:§.b", "audio:§.c"]},
        {"type": "send_msg", "quick_replies": ["§.c", None, 5], "topic": "@webhook"},
        {"type": "send_msg", "templating": {"variables": ["§"], "template": {"uuid": "w1", "name": "@webhook"}}},
        {"type": "send_broadcast", "text": "§", "legacy_vars": ["§"], "contact_query": "name = §"},
        {"type": "send_broadcast", "groups": [{"name_match": "§"}, {"uuid": "g1", "name": "@webhook"}]},
        {"type": "start_session", "contact_query": "§", "flow": {"uuid": "f1", "name": "@webhook"}},
        {"type": "send_email", "addresses": ["§"], "subject": "§", "body": "§"},
        {"type": "say_msg", "text": "§", "audio_url": "@webhook"},
        {"type": "play_audio", "audio_url": "§.url"},
        {"type": "add_contact_groups", "groups": [{"name_match": "§"}]},
        {"type": "remove_contact_groups", "groups": [{"name_match": "§"}]},
        {"type": "add_input_labels", "labels": [{"name_match": "§"}]},
        {"type": "add_contact_urn", "scheme": "@webhook", "path": "§.tel"},
        {"type": "set_contact_name", "name": "§"},
        {"type": "set_contact_language", "language": "§"},
        {"type": "set_contact_timezone", "timezone": "§"},
        {"type": "set_contact_field", "value": "§", "field": {"key": "@webhook", "name": "@webhook"}},
        {"type": "set_run_result", "name": "@webhook", "value": "§", "category": "@webhook"},
        {"type": "call_webhook", "method": "@webhook", "url": "§", "headers": {"@webhook": "§"}, "body": "§"},
        {"type": "call_classifier", "input": "§"},
        {"type": "open_ticket", "body": "§", "assignee": {"email_match": "§", "name": "@webhook"}},
        {"type": "vendor", "text": "@webhook"},
    ],
)
def test_13_3_templates_of_actions(flow, acting, action):
    before, after = (json.loads(json.dumps(action).replace("\\u00a7", root)) for root in ("@webhook", "@webhook.json"))

    assert migrate(flow("13.2.0", acting(before)), "13.3.0")["nodes"][0]["actions"] == [after]


def test_13_3_templates_of_routers_and_waits(flow, splitting):
    case = {"uuid": "c1", "type": "has_phrase", "arguments": ["@webhook.a"], "category_uuid": "good"}
    node = splitting(None, "@webhook.status", case, wait={"type": "dial", "phone": "@webhook.phone"})

    router = migrate(flow("13.2.0", node), "13.3.0")["nodes"][0]["router"]

    assert router["operand"] == "@webhook.json.status"
    assert router["cases"][0]["arguments"] == ["@webhook.json.a"]
    assert router["wait"]["phone"] == "@webhook.json.phone"


def test_13_3_translations(flow, splitting):
    message = {"type": "send_msg", "uuid": "a1", "text": "x", "templating": {"uuid": "t1", "variables": ["y"]}}
    case = {"uuid": "c1", "type": "has_phrase", "arguments": ["a"], "category_uuid": "good"}
    spanish = {
        "a1": {"text": ["@webhook.x"], "quick_replies": ["@webhook", "no"], "_ui": {"auto": "@webhook"}},
        "t1": {"variables": ["@webhook.y"]},
        "c1": {"arguments": ["@(webhook.z)"]},
        "good": {"name": ["@webhook"]},
        "gone": {"text": ["@webhook"]},
    }

    migrated = migrate(flow("13.2.0", splitting(message, "@input.text", case), localization={"spa": spanish}), "13.3.0")

    assert migrated["localization"]["spa"] == {
        "a1": {"text": ["@webhook.json.x"], "quick_replies": ["@webhook.json", "no"], "_ui": {"auto": "@webhook"}},
        "t1": {"variables": ["@webhook.json.y"]},
        "c1": {"arguments": ["@(webhook.json.z)"]},
        "good": {"name": ["@webhook"]},
        "gone": {"text": ["@webhook"]},
    }


def test_13_3_cases_of_one_uuid_have_their_translation_changed_once(flow, splitting):
    case = {"uuid": "c1", "type": "has_phrase", "arguments": ["@webhook.a"], "category_uuid": "good"}
    localization = {"spa": {"c1": {"arguments": ["@webhook.b"]}}}
    definition = flow("13.2.0", splitting(None, "", case), splitting(None, "", case), localization=localization)

    migrated = migrate(definition, "13.3.0")

    assert migrated["localization"] == {"spa": {"c1": {"arguments": ["@webhook.json.b"]}}}


@pytest.mark.parametrize("action", [CALL, RESTHOOK])
@pytest.mark.parametrize("operand", ["@results.call", "@results.call.category", "@results.other"])
def test_14_1_splits_on_a_saved_call_become_splits_on_its_status(flow, splitting, action, operand):
    failure = {"uuid": "c2", "type": "has_only_text", "arguments": ["Failure"], "category_uuid": "bad"}
    node = splitting(action, operand, SUCCESS, failure)

    migrated = migrate(flow("14.0.0", node), "14.1.0")["nodes"][0]

    assert migrated == splitting(action, "@webhook.status", IN_RANGE)


def test_14_1_the_case_leads_to_success_wherever_it_stood(flow, splitting):
    failure = {"uuid": "c2", "type": "has_only_text", "arguments": ["Failure"], "category_uuid": "bad"}

    migrated = migrate(flow("14.0.0", splitting(CALL, "@results.call.category", failure, SUCCESS)), "14.1.0")

    assert migrated["nodes"][0]["router"]["cases"] == [IN_RANGE]


def test_14_1_with_categories_of_other_names_the_first_case_leads(flow, splitting):
    names = [{"uuid": "good", "name": "Fine", "exit_uuid": "e1"}, {"uuid": "bad", "name": "Sorry", "exit_uuid": "e2"}]
    node = splitting(CALL, "@results.call.category", SUCCESS, categories=names)

    assert migrate(flow("14.0.0", node), "14.1.0")["nodes"][0]["router"]["cases"] == [IN_RANGE]


def test_14_1_a_router_without_cases_gets_one(flow, splitting, ids):
    node = splitting(CALL, "@results.call.category")

    migrated = migrate(flow("14.0.0", node), "14.1.0", ids=ids)

    assert migrated["nodes"][0]["router"]["cases"] == [IN_RANGE | {"uuid": "new-1"}]


@pytest.mark.parametrize(
    "operand", ["@input.text", "@webhook.json.status", "@fields.results", "@(results.call)", "", None]
)
def test_14_1_other_operands_stay(flow, splitting, operand):
    node = splitting(CALL, operand, SUCCESS)

    assert migrate(flow("14.0.0", node), "14.1.0")["nodes"] == [node]


@pytest.mark.parametrize("to", ["14.1.0", "14.4.1", "14.4.2"])
def test_only_nodes_that_do_nothing_but_call_are_changed(flow, splitting, to):
    twice, after_message, message, nothing, random = (splitting(CALL, "@results.call", SUCCESS) for _ in range(5))
    twice["actions"] = [CALL, RESTHOOK]
    after_message["actions"] = [{"type": "send_msg", "uuid": "a0", "text": ""}, CALL]
    message["actions"] = [{"type": "send_msg", "uuid": "a0", "text": ""}]
    nothing["actions"] = []
    random["router"]["type"] = "random"
    nodes = [twice, after_message, message, nothing, random, {"uuid": "n9", "actions": [CALL], "exits": []}]

    assert migrate(flow("14.0.0", *nodes), to)["nodes"] == nodes


@pytest.mark.parametrize(
    "operand", ["@webhook.json.status", "@results.call", "@input.text", "@webhook.status", "", None]
)
def test_14_4_1_whatever_was_split_on_is_the_status(flow, splitting, operand):
    gone = {"uuid": "c2", "type": "has_number_eq", "arguments": ["404"], "category_uuid": "bad"}

    migrated = migrate(flow("14.4.0", splitting(CALL, operand, SUCCESS, gone)), "14.4.1")

    assert migrated["nodes"] == [splitting(CALL, "@webhook.status", IN_RANGE)]


def test_14_4_1_translated_arguments_go_and_nothing_else(flow, splitting):
    gone = {"uuid": "c2", "type": "has_number_eq", "arguments": ["404"], "category_uuid": "bad"}
    french = {"c1": {"arguments": ["Réussi"]}, "c2": {"arguments": ["405"], "x": ["y"]}, "good": {"name": ["Réussi"]}}
    definition = flow("14.4.0", splitting(CALL, "@webhook.status", SUCCESS, gone), localization={"fra": french})

    migrated = migrate(definition, "14.4.1")

    assert migrated["localization"] == {"fra": {"c2": {"x": ["y"]}, "good": {"name": ["Réussi"]}}}


def test_14_4_1_a_case_that_is_right_stays(flow, splitting):
    first = {"uuid": "c0", "type": "has_text", "arguments": [], "category_uuid": "bad"}
    right = IN_RANGE | {"category_uuid": "other"}

    migrated = migrate(flow("14.4.0", splitting(CALL, "@webhook.status", first, right)), "14.4.1")

    assert migrated["nodes"][0]["router"]["cases"] == [right]


@pytest.mark.parametrize("action", [CALL, RESTHOOK])
def test_14_4_2_a_call_never_made_counts_as_0(flow, splitting, action):
    definition = flow("14.4.1", splitting(action, "@webhook.status", IN_RANGE))

    migrated = migrate(definition)

    assert migrated["nodes"] == [splitting(action, "@(default(webhook.status, 0))", IN_RANGE)]


@pytest.mark.parametrize("action", [None, {"type": "send_msg", "uuid": "a1", "text": "@webhook.status"}])
def test_14_4_2_elsewhere_the_status_stays(flow, splitting, action):
    node = splitting(action, "@webhook.status", IN_RANGE)

    assert migrate(flow("14.4.1", node))["nodes"] == [node]


def test_a_split_of_13_2_ends_as_todays(flow, splitting):
    call = {**CALL, "url": "https://example.com/@webhook.next"}

    migrated = migrate(flow("13.2.0", splitting(call, "@results.call.category", SUCCESS), language="eng"))

    after = {**CALL, "url": "https://example.com/@webhook.json.next"}
    assert migrated["nodes"] == [splitting(after, "@(default(webhook.status, 0))", IN_RANGE)]
