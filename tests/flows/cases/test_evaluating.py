"""`trunkline flow eval` as a function: a case in, its answer out."""

from decimal import Decimal
from typing import Any

import pytest

from trunkline.flows.cases import documents, evaluating
from trunkline.flows.cases.errors import CaseError

FLOW = "5a9e1d3c-6d2b-4d51-8d52-0e1c3a3b9f10"
NODE = "0f3a4b52-3f5f-4c1e-9d3a-0d7a5d8f1c11"
EXIT = "c2a4b1de-9a41-4c35-8f0d-2f64c0a8e112"


def answer(case: dict[str, Any], assets: dict[str, Any] | None = None) -> dict[str, Any]:
    return documents.plain(evaluating.answer(case, assets))


def refusal(case: dict[str, Any], assets: dict[str, Any] | None = None) -> str:
    with pytest.raises(CaseError) as caught:
        evaluating.answer(case, assets)
    return caught.value.code


def test_an_expression_has_a_type_a_text_and_json() -> None:
    found = answer({"expression": "a0 + 1", "context": {"a0": {"$number": "1.50"}}})

    assert found == {"type": "number", "text": "2.5", "json": Decimal("2.5"), "errors": [], "warnings": []}


def test_a_template_tells_the_pieces_that_failed() -> None:
    found = answer({"template": "Hi @name, @(1/0)!", "context": {"name": "Ann"}})

    assert (found["type"], found["text"], found["json"]) == ("text", "Hi Ann, !", "Hi Ann, !")
    assert [(error["code"], error["source"]) for error in found["errors"]] == [("expression", "@(1/0)")]


def test_a_value_that_is_an_error_has_neither_text_nor_json() -> None:
    found = answer({"value": "@(x.y)", "context": {"x": None}})

    assert (found["type"], found["text"], found["json"]) == ("error", None, None)
    assert [error["source"] for error in found["errors"]] == ["@(x.y)"]


def test_an_array_with_an_error_in_it_has_no_text_but_json() -> None:
    found = answer({"expression": "a", "context": {"a": [1, {"$error": "gone"}]}})

    assert (found["type"], found["text"], found["json"]) == ("array", None, [1, None])
    assert [error["text"] for error in found["errors"]] == ["gone"]


@pytest.mark.parametrize(
    ("document", "type", "text"),
    [
        (None, "null", ""),
        (True, "boolean", "true"),
        ("x", "text", "x"),
        (Decimal("1.50"), "number", "1.5"),
        ([1, [2]], "array", "[1, [2]]"),
        ({"B": 1, "a": 2}, "object", "{B: 1, a: 2}"),
        ({}, "object", "{}"),
        ({"$number": "-0.10"}, "number", "-0.1"),
        ({"$date": "2018-04-11"}, "date", "2018-04-11"),
        ({"$time": "13:24:30.5"}, "time", "13:24:30.500000"),
        ({"$time": "13:24:30.123456789"}, "time", "13:24:30.123456"),
        ({"$datetime": "2018-04-11T13:24:30.123456-05:00"}, "datetime", "2018-04-11T13:24:30.123456-05:00"),
        ({"$datetime": "2018-04-11T13:24:30Z"}, "datetime", "2018-04-11T13:24:30.000000Z"),
        (
            {"$datetime": "2018-04-11T13:24:30Z", "zone": "America/Guayaquil"},
            "datetime",
            "2018-04-11T08:24:30.000000-05:00",
        ),
        ({"$function": "Upper"}, "function", "upper"),
        ({"$function": "has_text"}, "function", "has_text"),
        ({"$object": {"a": 1}, "default": {"$date": "2018-04-11"}}, "object", "2018-04-11"),
        ({"$object": {"a": 1}, "default": None}, "object", ""),
        ({"$object": {"a": 1}}, "object", "{a: 1}"),
        ({"$deprecated": {"$number": "5"}, "reason": "old"}, "number", "5"),
        ({"$": 1, "other": 2}, "object", "{$: 1, other: 2}"),
        ({"$number": "1", "$date": "x"}, "object", "{$date: x, $number: 1}"),
    ],
)
def test_values_of_every_type(document: object, type: str, text: str) -> None:
    found = answer({"expression": "v", "context": {"v": document}})

    assert (found["type"], found["text"]) == (type, text)


def test_functions_and_errors_are_null_in_json() -> None:
    found = answer({"expression": "v", "context": {"v": [{"$function": "upper"}, 1]}})

    assert found["json"] == [None, 1]


@pytest.mark.parametrize(
    "document",
    [
        {"$number": "five"},
        {"$number": "1" * 37},
        {"$date": "11-04-2018"},
        {"$date": 5},
        {"$time": "25:00"},
        {"$datetime": "2018-04-11T13:24:30"},
        {"$datetime": "2018-04-11T13:24:30Z", "zone": "Mars/Olympus"},
        {"$function": "no_such_function"},
        {"$object": [1]},
        {"$what": 1},
    ],
)
def test_values_that_cannot_be_read_are_refused(document: object) -> None:
    assert refusal({"expression": "v", "context": {"v": document}}) == "input"


def test_keys_of_the_context_are_the_roots_of_a_template() -> None:
    found = answer({"template": "@Who @contact @WHO.name", "context": {"WHO": {"name": "Ann"}}})

    assert found["text"] == "{name: Ann} @contact Ann"


def test_a_call_of_a_router_test() -> None:
    found = answer({"call": {"name": "HAS_NUMBER_GT", "args": ["I am 42", {"$number": "41"}]}})

    assert (found["type"], found["text"], found["json"]["match"]) == ("object", "true", 42)


def test_warnings_of_all_pieces_are_told_once() -> None:
    found = answer({"template": "@a @a", "context": {"a": {"$deprecated": 1, "reason": "use b"}}})

    assert found["warnings"] == ["use b"]


def test_the_clock_stands_where_the_case_says() -> None:
    case = {
        "expression": "now()",
        "environment": {"timezone": "Africa/Kigali"},
        "clock": {"start": "2020-02-03T04:05:06Z", "step_ms": 1000},
    }

    found = answer(case)

    assert found["text"] == "2020-02-03T06:05:06.000000+02:00"


def test_without_a_clock_it_is_the_usual_moment() -> None:
    assert answer({"expression": "now() & now()"})["text"] == "2025-05-04T12:30:45.123456Z" * 2


def test_chance_is_the_same_for_the_same_seed() -> None:
    once, again, other = (answer({"expression": "rand()", "seed": seed})["text"] for seed in (1, 1, 2))

    assert once == again != other


def test_prompts_come_from_the_services() -> None:
    found = answer({"expression": 'prompt("ask", "Ann")', "services": {"prompts": {"ask": "Who is {1}?"}}})

    assert found["text"] == "Who is Ann?"


@pytest.mark.parametrize("own", [True, False])
def test_locations_come_from_the_assets(own: bool) -> None:
    assets = {"locations": [{"name": "Rwanda", "children": [{"name": "Kigali City", "aliases": ["Kigali"]}]}]}
    case = {"expression": 'has_state("I live in Kigali").match'}

    found = answer(case | {"assets": assets}) if own else answer(case, assets)

    assert found["text"] == "Rwanda > Kigali City"


@pytest.mark.parametrize(
    ("case", "code"),
    [
        ({}, "input"),
        ({"template": "a", "value": "b"}, "input"),
        ({"template": 5}, "input"),
        ({"call": "upper"}, "input"),
        ({"call": {"name": "no_such_function"}}, "input"),
        ({"call": {"name": "upper", "args": "a"}}, "input"),
        ({"expression": "1", "context": []}, "input"),
        ({"expression": "1", "escape": "html"}, "input"),
        ({"expression": "1", "escape": ["query"]}, "input"),
        ({"expression": "1", "options": {"budget": "much"}}, "input"),
        ({"expression": "1", "clock": {"start": "yesterday"}}, "input"),
        ({"expression": "1", "environment": {"timezone": "Mars/Olympus"}}, "assets"),
        ({"expression": "1", "assets": {"locations": [{"aliases": []}]}}, "assets"),
        ({"expression": "1", "assets": []}, "assets"),
        ({"expression": "1", "case": 5}, "input"),
    ],
)
def test_a_case_that_cannot_be_read_is_refused(case: dict[str, Any], code: str) -> None:
    assert refusal(case) == code


@pytest.mark.parametrize(
    "source",
    ["9" * 5_000, "9^" * 2_000 + "9", "(" * 50_000, "\0", "\ud800", '"\ud800" & 1', "upper(\u0000)", "a" * 50_000],
)
def test_hostile_expressions_are_errors(source: str) -> None:
    found = evaluating.answer({"expression": source}, None)

    assert (found["type"], len(found["errors"])) in [("error", 1), ("text", 0)]


def session(**more: Any) -> dict[str, Any]:
    """A contact in a flow that sends a text with an error in it, stores a result and ends."""
    node = {
        "uuid": NODE,
        "actions": [
            {"type": "send_msg", "uuid": "3c1c5d0e-9b39-4d22-8a53-1b8b8a5e7d14", "text": "Failing: @(1 / 0)"},
            {
                "type": "set_run_result",
                "uuid": "7f6a1f2e-1f8b-4a39-8a7c-5f1a3f1f0c13",
                "name": "Drink",
                "value": "TEA",
                "category": "Tea",
            },
        ],
        "exits": [{"uuid": EXIT}],
    }
    flow = {
        "uuid": FLOW,
        "name": "Drinks",
        "spec_version": "14.4.2",
        "language": "eng",
        "type": "messaging",
        "nodes": [node],
    }
    contact = {
        "uuid": "1ae96956-4b34-433e-8d1a-f05fe6923d6d",
        "id": 12,
        "name": "Ann Otieno",
        "status": "active",
        "timezone": "Africa/Nairobi",
        "created_on": "2025-01-01T00:00:00Z",
    }
    trigger = {"type": "manual", "flow": {"uuid": FLOW, "name": "Drinks"}, "triggered_on": "2025-05-04T12:00:00Z"}
    return {"assets": {"flows": [flow]}, "contact": contact, "trigger": trigger} | more


def test_inside_a_session_its_context_is_there() -> None:
    found = answer({"template": "@contact.first_name: @(lower(results.drink)) @twitter", "case": session()})

    assert (found["text"], found["errors"]) == ("Ann: tea @twitter", [])


def test_inside_a_session_the_environment_is_that_of_the_contact() -> None:
    found = answer({"expression": "tz(now())", "case": session()})

    assert found["text"] == "Africa/Nairobi"


def test_inside_a_session_texts_are_cut() -> None:
    piece = '@(repeat("x", 9000))'

    found = answer({"template": piece * 2, "case": session()})

    assert found["text"] == found["json"] == "x" * 9_997 + "..."


def test_a_run_that_is_not_there_is_refused() -> None:
    assert refusal({"template": "x", "case": session(), "run": 1}) == "input"


def test_a_case_that_fails_is_the_error() -> None:
    assert refusal({"template": "x", "case": session(contact={"uuid": 5})}) == "assets"
