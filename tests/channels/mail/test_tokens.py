"""Tokens: ours open, others do not."""

import pytest

from trunkline.channels.mail import tokens


def test_a_token_stands_for_its_row(key):
    token = tokens.seal(key, "reply", 123456789)

    assert tokens.unseal(key, "reply", token) == 123456789
    assert tokens.unseal(key, "reply", token.upper()) == 123456789


@pytest.mark.parametrize("forged", ["75bcd15-0000000000000000", "75bcd15", "", "-", "zz-1", "75bcd15-țțț", "7" * 400])
def test_a_forged_token_does_not_open(key, forged):
    assert tokens.unseal(key, "reply", forged) is None


def test_a_token_opens_for_its_own_purpose_and_channel_only(key):
    token = tokens.seal(key, "reply", 5)

    assert tokens.unseal(key, "bounce", token) is None
    assert tokens.unseal(tokens.signing_key("another"), "reply", token) is None


@pytest.mark.parametrize(
    ("mailbox", "token"),
    [
        ("reply+5-ab@in.test", "5-ab"),
        ("<Reply+5-AB@IN.test>", "5-AB"),
        ("b+5-ab@in.test", None),
        ("reply+@in.test", None),
        ("reply+a b@in.test", None),
        ("nobody", None),
    ],
)
def test_the_token_in_an_address(mailbox, token):
    assert tokens.token_in("reply", mailbox) == token
