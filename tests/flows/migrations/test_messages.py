"""Flow spec 14.1.0, 14.3.1 and 14.4.0: quick replies, arguments of tests, sending to all URNs."""

import pytest

from trunkline.flows.migrations import migrate

ONE_TEXT = [
    "has_only_text",
    "has_phrase",
    "has_only_phrase",
    "has_any_word",
    "has_all_words",
    "has_beginning",
    "has_pattern",
]
TWELVE = list("abcdefghijkl")


@pytest.mark.parametrize("kind", ["send_msg", "send_broadcast"])
def test_14_1_ten_quick_replies(flow, acting, kind):
    action = {"type": kind, "uuid": "a1", "text": "Hi", "quick_replies": TWELVE}
    localization = {"spa": {"a1": {"quick_replies": [*"mnopqrstuvwx"]}, "a2": {"quick_replies": TWELVE}}}

    migrated = migrate(flow("14.0.0", acting(action), localization=localization), "14.1.0")

    assert migrated["nodes"] == [acting({**action, "quick_replies": [*"abcdefghij"]})]
    assert migrated["localization"] == {
        "spa": {"a1": {"quick_replies": [*"mnopqrstuv"]}, "a2": {"quick_replies": TWELVE}}
    }


@pytest.mark.parametrize("replies", [[], ["a"], None, "abcdefghijklmn", TWELVE[:10]])
def test_14_1_fewer_stay(flow, acting, replies):
    node = acting({"type": "send_msg", "quick_replies": replies})

    assert migrate(flow("14.0.0", node), "14.1.0")["nodes"] == [node]


@pytest.mark.parametrize("test", ONE_TEXT)
def test_14_3_1_arguments_are_joined(flow, splitting, test):
    case = {"uuid": "c1", "type": test, "arguments": ["yes", "yeah @fields.x", "yep"], "category_uuid": "good"}
    localization = {"spa": {"c1": {"arguments": ["sí", "claro"]}}, "fra": {"c1": {"arguments": ["oui"]}}}

    migrated = migrate(flow("14.3.0", splitting(None, "@input", case), localization=localization), "14.3.1")

    joined = {**case, "arguments": ["yes yeah @fields.x yep"]}
    assert migrated["nodes"] == [splitting(None, "@input", joined)]
    assert migrated["localization"] == {
        "spa": {"c1": {"arguments": ["sí claro"]}},
        "fra": {"c1": {"arguments": ["oui"]}},
    }


@pytest.mark.parametrize(
    ("test", "arguments"),
    [
        ("has_number_between", ["1", "5"]),
        ("has_group", ["g1", "Testers"]),
        ("has_ward", ["a", "b"]),
        ("has_category", ["Yes", "No"]),
        ("has_any_word", ["yes"]),
        ("has_any_word", []),
        ("has_any_word", None),
        ("has_any_word", ["yes", 5]),
        (["has_any_word"], ["yes", "no"]),
    ],
)
def test_14_3_1_other_arguments_stay(flow, splitting, test, arguments):
    case = {"uuid": "c1", "type": test, "arguments": arguments, "category_uuid": "good"}
    localization = {"spa": {"c1": {"arguments": arguments}}}
    definition = flow("14.3.0", splitting(None, "@input", case), localization=localization)

    assert migrate(definition, "14.3.1") == {**definition, "spec_version": "14.3.1"}


@pytest.mark.parametrize("to_all", [True, False, None])
def test_14_4_messages_go_to_one_urn(flow, acting, to_all):
    definition = flow("14.3.1", acting({"type": "send_msg", "text": "Hi", "all_urns": to_all}))

    assert migrate(definition, "14.4.0")["nodes"] == [acting({"type": "send_msg", "text": "Hi"})]


def test_14_4_other_actions_keep_what_they_have(flow, acting):
    node = acting({"type": "vendor", "all_urns": True})

    assert migrate(flow("14.3.1", node), "14.4.0")["nodes"] == [node]
