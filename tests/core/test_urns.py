"""One spelling for each place where somebody can be reached."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core import urns
from trunkline.core.urns import SCHEMES, BadUrn, Urn

UUIDS = "b4f5d3a0-1c1e-4b5a-9b57-0a7b6a1d2c3e/0c2ff6a4-6f7e-4f3b-8d69-3f5a5b0d7e11"


@pytest.mark.parametrize(
    ("text", "country", "urn"),
    [
        ("tel:+250788123123", None, "tel:+250788123123"),
        ("tel:0788 123 123", "RW", "tel:+250788123123"),
        ("tel:(078) 812-3123", "RW", "tel:+250788123123"),
        ("tel:+250-78-8123123", None, "tel:+250788123123"),
        ("tel:250788123123", None, "tel:+250788123123"),
        ("tel:250788123123e+11", None, "tel:+250788123123"),
        ("tel:+1-800-123-4567", "RW", "tel:+18001234567"),
        ("TEL: +15551234567 ", None, "tel:+15551234567"),
        ("twitter:@Billy_Bob", None, "twitter:billy_bob"),
        ("twitterid:123#@bob", None, "twitterid:123"),
        ("mailto:Maria@Example.com", None, "mailto:maria@example.com"),
        ("whatsapp:+250788123123", None, "whatsapp:250788123123"),
        ("telegram:12345#maria", None, "telegram:12345"),
        ("facebook:ref:abc", None, "facebook:ref:abc"),
        ("ext:Customer/17?a=b", None, "ext:Customer/17?a=b"),
        ("tel:+15551234567?channel=b4f5d3a0-1c1e-4b5a-9b57-0a7b6a1d2c3e#Bob", None, "tel:+15551234567"),
        (f"freshchat:{UUIDS}", None, f"freshchat:{UUIDS}"),
        ("viber:abc=/+1", None, "viber:abc=/+1"),
    ],
)
def test_urns_are_normalised(text, country, urn):
    assert str(urns.parse(text, country)) == urn


@pytest.mark.parametrize(
    "text",
    [
        "", "12345", "tel:", "tel:12345", "tel:0788123123", "tel:1234556789", "tel:+1",
        "tel:+1-800-FLOWERS", "foo:bar", "mailto:a@b", "twitter:this_is_too_long_a_handle", "twitter:a b",
        "twitterid:bob", "telegram:bob", "whatsapp:bob", "whatsapp:٣٤", "instagram:bob", "facebook:bob",
        "viber:a b", "viber:" + "a" * 25, "freshchat:1/2", "discord:x", "ext:", "ext:   ", "ext:a\nb",
        "ext:a\0b", "ext:\ud800", "ext:#only", "line:" + "x" * 256, "deleted:1",
    ],
)  # fmt: skip
def test_what_is_no_urn_is_refused(text):
    with pytest.raises(BadUrn):
        urns.parse(text)


def test_a_number_needs_a_country_that_fits():
    with pytest.raises(BadUrn):
        urns.parse("tel:800-123-4567", "RW")


@given(st.sampled_from(sorted(SCHEMES)), st.text(max_size=40) | st.from_regex(r"\+?[0-9]{3,14}", fullmatch=True))
def test_urns_survive_the_round_trip(scheme, path):
    try:
        urn = urns.make(scheme, path)
    except BadUrn:
        return

    assert urns.parse(str(urn)) == urn
    assert {urn: 1}[urns.make(urn.scheme, urn.path)] == 1


def test_the_parts_keep_the_display():
    assert urns.parts("telegram:123?channel=x#Maria L") == ("telegram", "123", "Maria L")
    assert urns.parts("tel:+1") == ("tel", "+1", None)


def test_urns_compare_by_value():
    assert Urn("tel", "+15551234567") == urns.parse("tel:+1 555 123 4567")
