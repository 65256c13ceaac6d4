"""`trunkline flow migrate`: what a case answers."""

import pytest

from trunkline.flows.cases.errors import CaseError
from trunkline.flows.cases.migrating import answer

FLOW = {"uuid": "f1", "spec_version": "13.0.0", "language": "base", "nodes": []}


def test_the_newest_version_is_the_default():
    answered = answer({"flow": FLOW}, None)

    assert answered == {
        "flow": {"uuid": "f1", "spec_version": "14.4.2", "language": "und", "nodes": []},
        "from": "13.0.0",
        "to": "14.4.2",
    }


def test_up_to_a_version():
    answered = answer({"flow": FLOW, "to": "13.1.0"}, None)

    assert answered == {"flow": {**FLOW, "spec_version": "13.1.0"}, "from": "13.0.0", "to": "13.1.0"}


@pytest.mark.parametrize(
    ("version", "to"), [("14.4.3", None), ("14.4.2", None), ("13.2.0", "13.1.0"), ("13.2.0", "13.2.0")]
)
def test_what_is_newer_comes_back_as_it_is(version, to):
    flow = {**FLOW, "spec_version": version}

    assert answer({"flow": flow, "to": to}, None) == {"flow": flow, "from": version, "to": version}


def test_equal_seeds_make_equal_uuids():
    flow = {**FLOW, "nodes": [{"actions": [{"type": "send_msg", "templating": {}}]}]}

    first, again, other = (answer({"flow": flow, "to": "13.1.0", "seed": seed}, None) for seed in (7, 7, 8))

    assert first == again
    assert first != other


def test_media_of_legacy_files():
    action = {"type": "play", "url": "a.wav"}
    flow = {"version": "11.12", "action_sets": [{"uuid": "n1", "actions": [action]}]}

    answered = answer({"flow": flow, "media_base": "https://example.com", "to": "13.0.0"}, None)

    assert (answered["from"], answered["to"]) == ("11.12", "13.0.0")
    assert answered["flow"]["nodes"][0]["actions"][0]["audio_url"] == "https://example.com/a.wav"


@pytest.mark.parametrize(
    ("case", "code"),
    [
        ({}, "flow"),
        ({"flow": []}, "flow"),
        ({"flow": {"nodes": []}}, "flow"),
        ({"flow": {"spec_version": "x"}}, "flow"),
        ({"flow": {"spec_version": "10.0"}}, "version"),
        ({"flow": {"spec_version": "14.5.0"}}, "version"),
        ({"flow": FLOW, "to": "13.0.5"}, "version"),
        ({"flow": FLOW, "to": 13}, "input"),
        ({"flow": FLOW, "media_base": 5}, "input"),
        ({"flow": FLOW, "seed": "x"}, "input"),
    ],
)
def test_errors(case, code):
    with pytest.raises(CaseError) as raised:
        answer(case, None)

    assert raised.value.code == code
