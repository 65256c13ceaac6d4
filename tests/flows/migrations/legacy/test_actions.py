"""Actions of legacy flows as those of 13.0.0."""

import pytest

from trunkline.flows.migrations import migrate

TESTERS = {"uuid": "g1", "name": "Testers"}
BOB = {"uuid": "p1", "name": "Bob"}
CHILD = {"uuid": "f2", "name": "Child"}


def migrated(action, **header):
    """The definition of a flow with this one action."""
    old = {
        "version": "11.12",
        "base_language": "eng",
        "action_sets": [{"uuid": "n1", "exit_uuid": "e1", "actions": [{"uuid": "a1", **action}]}],
        **header,
    }
    return migrate(old, "13.0.0", media_base="https://media.example.com/files/")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (
            {"type": "reply", "msg": {"eng": "Hi @contact.tel"}},
            {"type": "send_msg", "text": "Hi @(format_urn(urns.tel))"},
        ),
        (
            {"type": "reply", "msg": "Hi", "send_all": True, "media": {}, "quick_replies": []},
            {"type": "send_msg", "text": "Hi", "all_urns": True},
        ),
        (
            {"type": "reply", "msg": {"eng": "Hi"}, "quick_replies": [{"eng": "@flow.x"}, {"eng": "No"}]},
            {"type": "send_msg", "text": "Hi", "quick_replies": ["@results.x", "No"]},
        ),
        (
            {"type": "reply", "msg": {"eng": "Hi"}, "quick_replies": {"eng": ["Yes", "No"]}},
            {"type": "send_msg", "text": "Hi", "quick_replies": ["Yes", "No"]},
        ),
        (
            {"type": "reply", "msg": {"eng": "Hi"}, "media": {"eng": "image/jpeg:1/cat.jpg"}},
            {"type": "send_msg", "text": "Hi", "attachments": ["image/jpeg:https://media.example.com/files/1/cat.jpg"]},
        ),
        (
            {"type": "reply", "msg": {"eng": "Hi"}, "media": {"eng": "image:https://example.com/cat.jpg"}},
            {"type": "send_msg", "text": "Hi", "attachments": ["image:https://example.com/cat.jpg"]},
        ),
        (
            {"type": "reply", "msg": {"eng": "Hi"}, "media": {"eng": "image:@flow.photo"}},
            {"type": "send_msg", "text": "Hi", "attachments": ["image:@results.photo"]},
        ),
        (
            {
                "type": "send",
                "msg": {"eng": "Hi @flow.x"},
                "groups": [TESTERS, "@flow.group", {"name": "Doctors"}],
                "contacts": [BOB],
                "variables": [{"id": "@contact.supervisor"}, {"id": "@new_contact"}],
            },
            {
                "type": "send_broadcast",
                "text": "Hi @results.x",
                "groups": [TESTERS, {"name_match": "@results.group"}, {"name_match": "Doctors"}],
                "contacts": [BOB],
                "legacy_vars": ["@fields.supervisor"],
            },
        ),
        (
            {"type": "email", "emails": ["a@example.com", "@flow.mail"], "subject": "From @contact", "msg": "@flow.x"},
            {
                "type": "send_email",
                "addresses": ["a@example.com", "@results.mail"],
                "subject": "From @contact",
                "body": "@results.x",
            },
        ),
        ({"type": "lang", "lang": "fra", "name": "French"}, {"type": "set_contact_language", "language": "fra"}),
        (
            {"type": "save", "field": "age", "label": "Age", "value": "@flow.age"},
            {"type": "set_contact_field", "field": {"key": "age", "name": "Age"}, "value": "@results.age"},
        ),
        (
            {"type": "save", "field": "name", "label": "Contact Name", "value": "@flow.x"},
            {"type": "set_contact_name", "name": "@results.x"},
        ),
        (
            {"type": "save", "field": "first_name", "value": "@flow.x"},
            {"type": "set_contact_name", "name": "@results.x @(remove_first_word(contact.name))"},
        ),
        (
            {"type": "save", "field": "tel_e164", "value": "1"},
            {"type": "add_contact_urn", "scheme": "tel", "path": "1"},
        ),
        (
            {"type": "save", "field": "mailto", "value": "@flow.mail"},
            {"type": "add_contact_urn", "scheme": "mailto", "path": "@results.mail"},
        ),
        (
            {"type": "save", "field": "language", "value": "fra"},
            {"type": "set_contact_language", "language": "fra"},
        ),
        ({"type": "add_group", "groups": [TESTERS]}, {"type": "add_contact_groups", "groups": [TESTERS]}),
        (
            {"type": "add_group", "groups": ["@flow.district"]},
            {"type": "add_contact_groups", "groups": [{"name_match": "@results.district"}]},
        ),
        ({"type": "del_group", "groups": [TESTERS]}, {"type": "remove_contact_groups", "groups": [TESTERS]}),
        ({"type": "del_group", "groups": []}, {"type": "remove_contact_groups", "groups": [], "all_groups": True}),
        (
            {"type": "add_label", "labels": [{"uuid": "l1", "name": "Spam"}, "@flow.label"]},
            {"type": "add_input_labels", "labels": [{"uuid": "l1", "name": "Spam"}, {"name_match": "@results.label"}]},
        ),
        (
            {"type": "channel", "channel": "ch1", "name": "Nexmo"},
            {"type": "set_contact_channel", "channel": {"uuid": "ch1", "name": "Nexmo"}},
        ),
        ({"type": "flow", "flow": CHILD}, {"type": "enter_flow", "flow": CHILD, "terminal": True}),
        (
            {
                "type": "trigger-flow",
                "flow": CHILD,
                "contacts": [BOB],
                "groups": [],
                "variables": [{"id": "@new_contact"}, {"id": "@flow.tel"}],
            },
            {
                "type": "start_session",
                "flow": CHILD,
                "contacts": [BOB],
                "legacy_vars": ["@results.tel"],
                "create_contact": True,
            },
        ),
        (
            {"type": "say", "msg": {"eng": "Hello @contact"}, "recording": {"eng": "voice/1.wav"}},
            {"type": "say_msg", "text": "Hello @contact", "audio_url": "https://media.example.com/files/voice/1.wav"},
        ),
        ({"type": "say", "msg": {"eng": "Hello"}, "recording": None}, {"type": "say_msg", "text": "Hello"}),
        (
            {"type": "play", "url": "http://example.com/@flow.x"},
            {"type": "play_audio", "audio_url": "http://example.com/@results.x"},
        ),
        (
            {
                "type": "api",
                "action": "GET",
                "webhook": "http://example.com/@flow.x",
                "webhook_headers": [{"name": "Token", "value": "@flow.token"}, {"name": "", "value": "x"}],
            },
            {
                "type": "call_webhook",
                "method": "GET",
                "url": "http://example.com/@results.x",
                "headers": {"Token": "@results.token"},
            },
        ),
        ({"type": "vendor", "text": "@flow.x"}, {"type": "vendor", "text": "@flow.x"}),
    ],
)
def test_actions(old, new):
    action = migrated(old)["nodes"][0]["actions"][0]

    assert action == {"uuid": "a1", **new}


def test_a_post_says_what_a_resthook_says():
    call = migrated({"type": "api", "action": "POST", "webhook": "http://example.com"})["nodes"][0]["actions"][0]

    assert call["headers"] == {"Content-Type": "application/json"}
    assert call["body"].startswith("@(json(object(")
    for key in ("contact", "flow", "path", "results", "run", "input", "channel"):
        assert f'"{key}", ' in call["body"]


def test_an_action_without_uuid_gets_one():
    action = migrated({"type": "lang", "lang": "fra", "uuid": None})["nodes"][0]["actions"][0]

    assert len(action["uuid"]) == 36


def test_without_a_base_relative_media_stay():
    action = {"type": "reply", "msg": {}, "media": {"eng": "image:1.jpg"}}
    old = {"version": "11.12", "base_language": "eng", "action_sets": [{"uuid": "n1", "actions": [action]}]}

    assert migrate(old, "13.0.0")["nodes"][0]["actions"][0]["attachments"] == ["image:1.jpg"]


def test_other_languages_become_translations():
    action = {
        "type": "reply",
        "msg": {"eng": "Hi @flow.x", "fra": "Salut @flow.x", "spa": ""},
        "media": {"eng": "image:a.jpg", "fra": "image:b.jpg"},
        "quick_replies": [{"eng": "Yes", "fra": "Oui"}, {"eng": "No"}],
    }

    localization = migrated(action)["localization"]

    assert localization == {
        "fra": {
            "a1": {
                "text": ["Salut @results.x"],
                "attachments": ["image:https://media.example.com/files/b.jpg"],
                "quick_replies": ["Oui", "No"],
            }
        }
    }


@pytest.mark.parametrize(
    ("message", "text", "translations"),
    [
        ({"base": "Hi", "fra": "Salut"}, "Hi", {"fra": ["Salut"]}),
        ({"spa": "Hola", "fra": "Salut"}, "Hola", {"fra": ["Salut"]}),
        ({"eng": "", "fra": "Salut"}, "Salut", {}),
        ("Hi", "Hi", {}),
        (None, "", {}),
    ],
)
def test_a_text_that_lacks_the_flows_language_borrows_another(message, text, translations):
    definition = migrated({"type": "reply", "msg": message})

    assert definition["nodes"][0]["actions"][0]["text"] == text
    assert {name: items["a1"]["text"] for name, items in definition["localization"].items()} == translations


def test_translations_of_mails_and_recordings():
    email = migrated({"type": "email", "subject": {"eng": "Hi", "fra": "Salut"}, "msg": {"eng": "A", "fra": "B"}})
    say = migrated({"type": "say", "msg": {"eng": "A"}, "recording": {"eng": "a.wav", "fra": "b.wav"}})

    assert email["localization"] == {"fra": {"a1": {"subject": ["Salut"], "body": ["B"]}}}
    assert say["localization"] == {"fra": {"a1": {"audio_url": ["https://media.example.com/files/b.wav"]}}}
