"""The catalogue and its profiles."""

import pytest

from trunkline.webhooks import catalog
from trunkline.webhooks.catalog import EVENTS, PROFILES, wants


def test_profiles_name_known_events_alone():
    unknown = {name for profile in PROFILES.values() for name in profile.events} - set(EVENTS)

    assert not unknown


def test_every_event_has_a_profile_beside_all():
    told = {name for profile in PROFILES.values() if profile.key != "all" for name in profile.events}

    assert set(EVENTS) - told == {"template.approved", "template.rejected", "credits.low"}


@pytest.mark.parametrize(
    ("profile", "name", "channel", "told"),
    [
        ("sms_only", "message.delivered", "sms", True),
        ("sms_only", "message.received", "sms", True),
        ("sms_only", "message.queued", "sms", False),
        ("sms_only", "message.delivered", "email", False),
        ("sms_only", "contact.created", None, False),
        ("email_only", "message.opened", "email", True),
        ("voice_only", "call.completed", "voice", True),
        ("delivery_only", "message.failed", "whatsapp", True),
        ("delivery_only", "message.received", "sms", False),
        ("inbound_only", "message.received", "custom", True),
        ("contacts_only", "contact.opted_out", None, True),
        ("campaigns_only", "campaign.completed", "email", True),
        ("all", "credits.low", None, True),
        ("all", "webhook.test", None, False),
        ("unheard_of", "message.sent", "sms", False),
        (None, "message.sent", "sms", False),
    ],
)
def test_a_profile_wants_its_events_on_its_channels(profile, name, channel, told):
    assert wants(profile, [], name, channel) is told


def test_a_list_of_events_wants_those_on_all_channels():
    assert wants(None, ["message.sent"], "message.sent", "whatsapp")


def test_names_come_in_the_order_of_the_catalogue():
    assert catalog.names(None, ["message.sent", "message.queued"]) == ["message.queued", "message.sent"]
