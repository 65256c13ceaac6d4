"""Rule sets of legacy flows as nodes with a router."""

import pytest

from trunkline.flows.migrations import migrate

CHILD = {"uuid": "f2", "name": "Child"}
EVERYTHING = {"uuid": "r9", "category": {"eng": "Other"}, "destination": None, "test": {"type": "true"}}


def migrated(kind, *rules, **fields):
    """The definition of a flow with this one rule set."""
    rule_set = {"uuid": "n1", "ruleset_type": kind, "rules": [*rules], **fields}
    old = {"version": "11.12", "base_language": "eng", "rule_sets": [rule_set], "metadata": {"uuid": "f1"}}
    return migrate(old, "13.0.0")


def rule(uuid, name, test, destination=None):
    return {"uuid": uuid, "category": {"eng": name}, "destination": destination, "test": test}


@pytest.mark.parametrize(
    ("kind", "fields", "wait", "ui"),
    [
        ("wait_message", {}, {"type": "msg"}, "wait_for_response"),
        ("wait_audio", {}, {"type": "msg", "hint": {"type": "audio"}}, "wait_for_audio"),
        ("wait_video", {}, {"type": "msg", "hint": {"type": "video"}}, "wait_for_video"),
        ("wait_photo", {}, {"type": "msg", "hint": {"type": "image"}}, "wait_for_image"),
        ("wait_gps", {}, {"type": "msg", "hint": {"type": "location"}}, "wait_for_location"),
        ("wait_recording", {}, {"type": "msg", "hint": {"type": "audio"}}, "wait_for_audio"),
        ("wait_digit", {}, {"type": "msg", "hint": {"type": "digits", "count": 1}}, "wait_for_menu"),
        ("wait_digits", {}, {"type": "msg", "hint": {"type": "digits", "terminated_by": "#"}}, "wait_for_digits"),
        (
            "wait_digits",
            {"finished_key": "*"},
            {"type": "msg", "hint": {"type": "digits", "terminated_by": "*"}},
            "wait_for_digits",
        ),
    ],
)
def test_waits(kind, fields, wait, ui):
    definition = migrated(kind, EVERYTHING, label="Answer", operand="@step.value", **fields)

    router = definition["nodes"][0]["router"]
    assert router["wait"] == wait
    assert (router["type"], router["operand"], router["result_name"]) == ("switch", "@input", "Answer")
    assert definition["_ui"]["nodes"]["n1"]["type"] == ui


def test_a_wait_without_operand_is_on_what_was_said():
    assert migrated("wait_message", EVERYTHING)["nodes"][0]["router"]["operand"] == "@input"


def test_the_end_of_waiting():
    late = rule("r2", "No Response", {"type": "timeout", "minutes": 5}, "n2")

    node = migrated("wait_message", EVERYTHING, late)["nodes"][0]

    category = node["router"]["categories"][1]
    assert category["name"] == "No Response"
    assert node["router"]["wait"]["timeout"] == {"seconds": 300, "category_uuid": category["uuid"]}
    assert node["exits"] == [{"uuid": "r9", "destination_uuid": None}, {"uuid": "r2", "destination_uuid": "n2"}]
    assert node["router"]["cases"] == []


@pytest.mark.parametrize(
    ("kind", "fields", "operand", "ui"),
    [
        ("expression", {"operand": "@(LEN(flow.x))"}, "@(text_length(results.x))", {"type": "split_by_expression"}),
        (
            "flow_field",
            {"operand": "@flow.age"},
            "@results.age",
            {"type": "split_by_run_result", "operand": {"id": "age", "type": "result", "name": "age"}},
        ),
        (
            "contact_field",
            {"operand": "@contact.gender"},
            "@fields.gender",
            {"type": "split_by_contact_field", "operand": {"id": "gender", "type": "field", "name": "gender"}},
        ),
        (
            "contact_field",
            {"operand": "@contact.name"},
            "@contact.name",
            {"type": "split_by_contact_field", "operand": {"id": "name", "type": "property", "name": "name"}},
        ),
        (
            "form_field",
            {"operand": "@flow.form", "config": {"field_delimiter": "+", "field_index": 2}},
            '@(field(results.form, 2, "+"))',
            {
                "type": "split_by_run_result_delimited",
                "operand": {"id": "form", "type": "result", "name": "form"},
                "index": 2,
                "delimiter": "+",
            },
        ),
        (
            "form_field",
            {"operand": "@flow.form", "config": {}},
            '@(field(results.form, 0, " "))',
            {
                "type": "split_by_run_result_delimited",
                "operand": {"id": "form", "type": "result", "name": "form"},
                "index": 0,
                "delimiter": " ",
            },
        ),
        ("group", {}, "@contact.groups", {"type": "split_by_groups"}),
        ("vendor", {"operand": "@flow.x"}, "@results.x", {"type": "split_by_expression"}),
    ],
)
def test_splits(kind, fields, operand, ui):
    definition = migrated(kind, EVERYTHING, label="Split", **fields)

    router, shown = definition["nodes"][0]["router"], definition["_ui"]["nodes"]["n1"]
    assert (router["operand"], router["result_name"]) == (operand, "Split")
    assert "wait" not in router
    assert "actions" not in definition["nodes"][0]
    assert {"type": shown["type"], **shown["config"]} == {**ui, "cases": {}}


def test_subflow():
    completed = rule("r1", "Completed", {"type": "subflow", "exit_type": "completed"}, "n2")
    expired = rule("r2", "Expired", {"type": "subflow", "exit_type": "expired"})

    node = migrated("subflow", completed, expired, config={"flow": CHILD})["nodes"][0]

    (action,) = node["actions"]
    assert (action["type"], action["flow"]) == ("enter_flow", CHILD)
    assert node["router"]["operand"] == "@child.status"
    cases = [(case["type"], case["arguments"]) for case in node["router"]["cases"]]
    assert cases == [("has_only_text", ["completed"]), ("has_only_text", ["expired"])]


WEBHOOK = {
    "webhook": "http://example.com/@flow.x",
    "webhook_action": "GET",
    "webhook_headers": [{"name": "Token", "value": "1"}],
}


@pytest.mark.parametrize(
    ("kind", "config", "test", "action"),
    [
        (
            "webhook",
            WEBHOOK,
            {"type": "webhook_status", "status": "success"},
            {
                "type": "call_webhook",
                "method": "GET",
                "url": "http://example.com/@results.x",
                "headers": {"Token": "1"},
            },
        ),
        (
            "resthook",
            {"resthook": "new-order"},
            {"type": "webhook_status", "status": "success"},
            {"type": "call_resthook", "resthook": "new-order"},
        ),
        (
            "airtime",
            {"RW": {"currency_code": "RWF", "amount": 500}, "US": {"amount": "0.5", "currency_code": "USD"}},
            {"type": "airtime_status", "exit_status": "success"},
            {"type": "transfer_airtime", "amounts": {"RWF": 500, "USD": "0.5"}},
        ),
    ],
)
def test_what_is_done_before_the_split(kind, config, test, action):
    node = migrated(kind, rule("r1", "Success", test), label="My Call", config=config)["nodes"][0]

    done = {key: value for key, value in node["actions"][0].items() if key != "uuid"}
    assert done == {**action, "result_name": "My Call"}
    assert node["router"]["operand"] == "@results.my_call.category"
    assert "result_name" not in node["router"]
    assert [(case["type"], case["arguments"]) for case in node["router"]["cases"]] == [("has_only_text", ["Success"])]


@pytest.mark.parametrize(
    ("test", "argument"),
    [
        ({"type": "webhook_status", "status": "failure"}, "Failure"),
        ({"type": "airtime_status", "exit_status": "failed"}, "Failure"),
    ],
)
def test_what_failed(test, argument):
    assert migrated("webhook", rule("r1", "Oh", test))["nodes"][0]["router"]["cases"][0]["arguments"] == [argument]


def test_a_legacy_webhook_ends_as_todays_split():
    success = rule("r1", "Success", {"type": "webhook_status", "status": "success"}, "n2")
    failure = rule("r2", "Failure", {"type": "webhook_status", "status": "failure"})
    old = {
        "version": "11.12",
        "rule_sets": [
            {"uuid": "n1", "ruleset_type": "webhook", "label": "Call", "config": WEBHOOK, "rules": [success, failure]}
        ],
    }

    router = migrate(old)["nodes"][0]["router"]

    (case,) = router["cases"]
    assert router["operand"] == "@(default(webhook.status, 0))"
    assert (case["type"], case["arguments"]) == ("has_number_between", ["200", "299"])
    assert case["category_uuid"] == router["categories"][0]["uuid"]


def test_random():
    low = rule("r1", "Bucket 1", {"type": "between", "min": "0", "max": "0.5"}, "n2")
    high = rule("r2", "Bucket 2", {"type": "between", "min": "0.5", "max": "1"})

    definition = migrated("random", low, high, label="Toss", operand="@(RAND())")

    node = definition["nodes"][0]
    assert set(node["router"]) == {"type", "categories", "result_name"}
    assert (node["router"]["type"], node["router"]["result_name"]) == ("random", "Toss")
    names = [(category["name"], category["exit_uuid"]) for category in node["router"]["categories"]]
    assert names == [("Bucket 1", "r1"), ("Bucket 2", "r2")]
    assert definition["_ui"]["nodes"]["n1"]["type"] == "split_by_random"


@pytest.mark.parametrize(
    ("test", "kind", "arguments"),
    [
        ({"type": "contains_any", "test": {"eng": "yes yeah"}}, "has_any_word", ["yes yeah"]),
        ({"type": "contains_any", "test": "yes"}, "has_any_word", ["yes"]),
        ({"type": "contains", "test": {"eng": "a b"}}, "has_all_words", ["a b"]),
        ({"type": "contains_phrase", "test": {"eng": "a b"}}, "has_phrase", ["a b"]),
        ({"type": "contains_only_phrase", "test": {"eng": "a b"}}, "has_only_phrase", ["a b"]),
        ({"type": "starts", "test": {"eng": "@flow.x"}}, "has_beginning", ["@results.x"]),
        ({"type": "regex", "test": {"eng": r"\d+"}}, "has_pattern", [r"\d+"]),
        ({"type": "eq", "test": "5"}, "has_number_eq", ["5"]),
        ({"type": "eq", "test": 5}, "has_number_eq", ["5"]),
        ({"type": "lt", "test": "@contact.age"}, "has_number_lt", ["@fields.age"]),
        ({"type": "lte", "test": "5"}, "has_number_lte", ["5"]),
        ({"type": "gt", "test": "5"}, "has_number_gt", ["5"]),
        ({"type": "gte", "test": {"eng": "5"}}, "has_number_gte", ["5"]),
        ({"type": "between", "min": "1", "max": "@flow.x"}, "has_number_between", ["1", "@results.x"]),
        ({"type": "between", "min": 1, "max": 5.5}, "has_number_between", ["1", "5.5"]),
        ({"type": "number"}, "has_number", []),
        ({"type": "date"}, "has_date", []),
        ({"type": "date_before", "test": "@date.today"}, "has_date_lt", ["@(format_date(today()))"]),
        ({"type": "date_equal", "test": "1/2/2020"}, "has_date_eq", ["1/2/2020"]),
        ({"type": "date_after", "test": "@(TODAY() - 5)"}, "has_date_gt", ["@(legacy_add(today(), -5))"]),
        ({"type": "phone"}, "has_phone", []),
        ({"type": "has_email"}, "has_email", []),
        ({"type": "not_empty"}, "has_text", []),
        ({"type": "state"}, "has_state", []),
        ({"type": "district", "test": "@flow.state"}, "has_district", ["@results.state"]),
        ({"type": "district"}, "has_district", []),
        ({"type": "ward", "state": "@flow.s", "district": "@flow.d"}, "has_ward", ["@results.d", "@results.s"]),
        ({"type": "in_group", "test": {"uuid": "g1", "name": "Testers"}}, "has_group", ["g1", "Testers"]),
        ({"type": "vendor", "test": "x"}, "vendor", []),
    ],
)
def test_tests(test, kind, arguments):
    router = migrated("wait_message", rule("r1", "Good", test), EVERYTHING)["nodes"][0]["router"]

    (case,) = router["cases"]
    assert (case["type"], case["arguments"]) == (kind, arguments)
    assert case["category_uuid"] == router["categories"][0]["uuid"]
    assert router["default_category_uuid"] == router["categories"][1]["uuid"]


def test_translated_categories_and_arguments():
    yes = {
        "uuid": "r1",
        "category": {"eng": "Yes", "fra": "Oui"},
        "test": {"type": "contains_any", "test": {"eng": "yes", "fra": "oui"}},
    }

    definition = migrated("wait_message", yes)

    router = definition["nodes"][0]["router"]
    assert definition["localization"] == {
        "fra": {
            router["categories"][0]["uuid"]: {"name": ["Oui"]},
            router["cases"][0]["uuid"]: {"arguments": ["oui"]},
        }
    }


def test_rules_of_one_category_share_it_with_its_exit():
    first = {
        **rule("r1", "Yes", {"type": "contains_any", "test": "yes"}, "n2"),
        "category": {"eng": "Yes", "fra": "Oui"},
    }
    second = {
        **rule("r2", "Yes", {"type": "contains_any", "test": "ok"}, "n2"),
        "category": {"eng": "Yes", "fra": "Si"},
    }

    definition = migrated("wait_message", first, second)

    node = definition["nodes"][0]
    (category,) = node["router"]["categories"]
    assert category["exit_uuid"] == "r1"
    assert node["exits"] == [{"uuid": "r1", "destination_uuid": "n2"}]
    assert [case["category_uuid"] for case in node["router"]["cases"]] == [category["uuid"]] * 2
    assert definition["localization"]["fra"] == {category["uuid"]: {"name": ["Oui"]}}


def test_rules_of_one_name_that_lead_elsewhere_stay_apart():
    first = rule("r1", "Yes", {"type": "contains_any", "test": "yes"}, "n2")
    second = rule("r2", "Yes", {"type": "contains_any", "test": "ok"}, "n3")

    node = migrated("wait_message", first, second)["nodes"][0]

    assert [leave["destination_uuid"] for leave in node["exits"]] == ["n2", "n3"]


def test_interruptions_are_no_more():
    stopped = rule("r1", "Interrupted", {"type": "interrupted_status"}, "n2")

    node = migrated("wait_message", stopped, EVERYTHING)["nodes"][0]

    assert [category["name"] for category in node["router"]["categories"]] == ["Other"]
    assert node["router"]["cases"] == []
    assert [leave["uuid"] for leave in node["exits"]] == ["r9"]


def test_without_a_rule_for_everything_there_is_no_default():
    assert (
        "default_category_uuid"
        not in migrated("wait_message", rule("r1", "A", {"type": "number"}))["nodes"][0]["router"]
    )
