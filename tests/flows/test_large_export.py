"""An export of more than a megabyte with every action, router and test in it: brought in, talked to, written out."""

import itertools
import json
from typing import Any

import pytest

from tests.flows import generating
from trunkline.flows.cases import documents, exporting, importing, running
from trunkline.flows.transfer.renaming import renamed

FILE = generating.export(1_000_000)
CONTACT = {
    "uuid": "5d76d86b-3bb9-4d5a-b822-c9d86f5d8e4f",
    "id": 7,
    "name": "Ann",
    "status": "active",
    "created_on": "2018-04-11T13:24:30.123456-05:00",
    "urns": ["tel:+250788123123"],
    "fields": {"age": {"text": "42", "number": 42}, "phone": {"text": "+250788123124"}},
}
TIMEOUT = {"type": "wait_timeout"}
DIALLED = {"type": "dial", "event": {"type": "dial_ended", "dial": {"status": "answered", "duration": 5}}}
ANSWERS = {
    "messaging": [TIMEOUT] * 6,
    "messaging_background": [],
    "messaging_offline": [TIMEOUT] * 6,
    "voice": [DIALLED, *[TIMEOUT] * 6],
}
"""Who says nothing comes by everything: the other ways out of a switch end the flow."""
DOUBLES = {
    "http_mocks": {"*": [{"status": 200, "body": "{}"}]},
    "services": {"llm": [{"output": "tea"}] * 9, "airtime": [{"amount": 1, "currency": "USD"}] * 9},
}


@pytest.fixture(scope="module")
def workspace() -> dict[str, Any]:
    return importing.answer({"file": FILE, "workspace": generating.workspace(FILE)}, None)["workspace"]


def alike(value: Any) -> Any:
    """Uuids by the order in which they appear."""
    numbers = itertools.count()
    return renamed(value, {}, lambda: f"uuid {next(numbers)}")


def talked(workspace: dict[str, Any], flow: dict[str, Any], resumes: list[dict[str, Any]]) -> dict[str, Any]:
    case: dict[str, Any] = {
        "assets": workspace,
        "contact": CONTACT,
        "trigger": {"type": "manual", "flow": {"uuid": flow["uuid"], "name": flow["name"]}},
        "resumes": resumes,
        "options": {"max_runs": 3},
        **DOUBLES,
    }
    if flow["type"] == "voice":
        channel = workspace["channels"][0]
        case["call"] = {"uuid": flow["uuid"], "channel": channel, "urn": CONTACT["urns"][0]}
    return json.loads(documents.write(running.answer(case, None)))


def test_it_is_more_than_a_megabyte_and_has_everything() -> None:
    nodes = [node for flow in FILE["flows"] for node in flow["nodes"]]

    actions = {action["type"] for node in nodes for action in node["actions"]}
    routers = {node["router"]["type"] for node in nodes if "router" in node}
    tests = {case["type"] for node in nodes for case in node.get("router", {}).get("cases", ())}

    assert len(json.dumps(FILE, separators=(",", ":"))) > 1_000_000
    assert actions == {action for allowed in generating.ALLOWED.values() for action in allowed}
    assert (routers, tests) == ({"switch", "random"}, set(generating.TESTS))


@pytest.mark.parametrize("place", range(4))
def test_scripted_answers_lead_through_all_of_it(workspace: dict[str, Any], place: int) -> None:
    flow = workspace["flows"][place]

    result = talked(workspace, flow, ANSWERS[flow["type"]])

    assert set(result.get("error", {}).get("extra", {})) <= {"left"}
    assert len(result["outputs"]) == 1 + len(ANSWERS[flow["type"]])
    segments = [segment for output in result["outputs"] for segment in output["segments"]]
    visited = {segment["destination_uuid"] for segment in segments} | {flow["nodes"][0]["uuid"]}
    assert {node["uuid"] for node in flow["nodes"]} - visited <= after_the_end(flow)


@pytest.mark.parametrize(
    "text", ["yes", "12", "kigali", "2020-01-01", "a@example.org", "+250788123123", "", "\0@(1/0)"]
)
def test_whatever_is_answered_the_flow_goes_on_or_ends(workspace: dict[str, Any], text: str) -> None:
    said = {"type": "msg", "event": {"type": "msg_received", "msg": {"text": text}}}

    first = {"voice": [DIALLED]}
    results = [talked(workspace, flow, [*first.get(flow["type"], []), *[said] * 3]) for flow in workspace["flows"]]

    assert {result.get("error", {}).get("code") for result in results} <= {None, "resume:101", "mocks"}
    statuses = {output["session"]["status"] for result in results for output in result["outputs"]}
    assert statuses <= {"waiting", "completed"}


def after_the_end(flow: dict[str, Any]) -> set[str]:
    """Where nobody is asked one of the switches ends the flow, so that nobody comes to what follows."""
    if flow["type"] != "messaging_background":
        return set()
    switches = [n for n, node in enumerate(flow["nodes"]) if node.get("router", {}).get("type") == "switch"]
    return {node["uuid"] for node in flow["nodes"][switches[0] + 1 :]}


def test_it_comes_out_as_it_went_in(workspace: dict[str, Any]) -> None:
    file = exporting.answer({"workspace": workspace}, None)["file"]

    assert alike(file) == alike(FILE)
