"""Playing a flow: what is shown, and how waits are passed."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests import flow_cases
from trunkline.flows.cases.errors import CaseError
from trunkline.flows.cases.playing import Play

NOW = datetime(2026, 3, 1, 10, tzinfo=UTC)
ASKS = {
    "nodes": [
        {"id": "a", "do": [{"type": "send_msg", "text": "Tea?", "quick_replies": ["Yes", "No"]}], "to": "b"},
        {
            "id": "b",
            "switch": {
                "wait": True,
                "timeout": [300, "Late"],
                "result": "Tea",
                "cases": [["has_any_word", ["yes"], "Yes"]],
                "categories": {"Yes": "c", "Other": "a", "Late": "d"},
            },
        },
        {"id": "c", "do": [{"type": "set_contact_field", "field": {"key": "tea", "name": "Tea"}, "value": "yes"}]},
        {"id": "d", "do": [{"type": "send_msg", "text": 'It is @(format_time(now(), "tt:mm"))'}]},
    ]
}
CALLS = {"nodes": [{"id": "a", "do": [{"type": "call_webhook", "method": "GET", "url": "http://x.com/"}]}]}


def test_messages_come_with_their_replies_and_the_wait() -> None:
    going = play(ASKS)

    lines = going.start()

    assert lines == ["< Tea?", "  [Yes] [No]", "(waits 300 seconds, then /timeout)"]


def test_fields_that_only_the_flow_knows_are_made_up() -> None:
    going = play(ASKS)
    going.start()

    lines = going.hear("yes please")

    assert lines == ["The session is completed."]
    assert going.contact.fields["tea"].text == "yes"


def test_the_clock_jumps_to_the_timeout() -> None:
    going = play(ASKS)
    going.start()

    lines = going.hear("/timeout")

    assert lines[0] == "< It is 10:05"


def test_a_run_expires() -> None:
    going = play(ASKS)
    going.start()

    lines = going.hear("/expire")

    assert (lines, going.is_over) == (["The session is completed."], True)


def test_events_are_shown_on_demand() -> None:
    going = play(ASKS)
    going.start()

    lines = [*going.hear("/events"), *going.hear("yes")]

    assert lines[0] == "Events are shown."
    assert lines[1].startswith('  · run_result_changed {"name":"Tea"')


def test_calls_work_without_an_answer_prepared() -> None:
    going = play(CALLS)

    lines = going.start()

    assert lines == ["(GET http://x.com/: answered with 200 and {})", "The session is completed."]


@pytest.mark.parametrize("word", ["/help", "/nonsense"])
def test_unknown_words_are_explained(word: str) -> None:
    going = play(ASKS)
    going.start()

    assert any("/timeout" in line for line in going.hear(word))


def test_a_call_that_was_not_made_does_not_end() -> None:
    going = play(ASKS)
    going.start()

    assert going.hear("/busy") == ["The wait does not accept dial."]


def test_a_flow_of_an_export_is_found_by_its_name() -> None:
    flows = [flow_cases.long(flow_cases.flow({"name": name, **ASKS})) for name in ("One", "Two")]

    going = Play({"version": "13", "flows": flows}, lambda: NOW, flow="two")

    assert going.flow.name == "Two"


def test_a_file_without_flows_is_refused() -> None:
    with pytest.raises(CaseError):
        Play({"flows": []}, lambda: NOW)


def play(short: dict[str, Any]) -> Play:
    return Play(flow_cases.long(flow_cases.flow(short)), lambda: NOW)
