"""Seals, tokens, keys and passwords: what opens, and that nothing else does."""

import re
from datetime import timedelta

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core import clock, crypto
from trunkline.core.crypto import BadSeal, Vault

OLD, NEW = b"o" * 32, b"n" * 32
SEALED = Vault(NEW).seal("secret", aad="channel:17")
KEY, _ = crypto.new_key("connector")


@given(st.binary(), st.text())
def test_what_is_sealed_opens_for_its_owner_alone(plain, owner):
    sealed = Vault(NEW).seal(plain, aad=owner)

    assert Vault(NEW).open(sealed, aad=owner) == plain
    with pytest.raises(BadSeal):
        Vault(NEW).open(sealed, aad=owner + "x")


@given(st.data())
def test_a_changed_or_cut_seal_does_not_open(data):
    place = data.draw(st.integers(0, len(SEALED) - 1))
    broken = SEALED[:place] + bytes([SEALED[place] ^ data.draw(st.integers(1, 255))]) + SEALED[place + 1 :]

    for bad in (broken, SEALED[:place], b""):
        with pytest.raises(BadSeal):
            Vault(NEW).open(bad, aad="channel:17")


def test_a_new_secret_seals_while_the_old_one_still_opens():
    sealed = Vault(OLD).seal("secret", aad="a")
    both = Vault(NEW, OLD)

    assert both.open(sealed, aad="a") == b"secret"
    assert (both.is_stale(sealed), both.is_stale(both.seal("x", aad="a"))) == (True, False)
    with pytest.raises(BadSeal):
        Vault(NEW).open(sealed, aad="a")


def test_a_short_secret_is_refused():
    with pytest.raises(ValueError, match="16 bytes"):
        Vault(b"short")


@given(st.binary(), st.text())
def test_a_token_carries_its_payload_for_one_purpose(payload, purpose):
    token = Vault(NEW).sign(purpose, payload)

    assert re.fullmatch(r"[\w-]+", token)
    assert Vault(NEW).verify(purpose, token) == payload
    assert Vault(NEW).verify(purpose + "x", token) is None
    assert Vault(OLD).verify(purpose, token) is None


@given(st.data())
def test_a_changed_token_is_nothing(data):
    token = Vault(NEW).sign("unsubscribe", "17:+15551234567")
    place = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.characters().filter(lambda char: char != token[place]))

    assert Vault(NEW).verify("unsubscribe", token[:place] + other + token[place + 1 :]) is None
    assert Vault(NEW).verify("unsubscribe", token[:place]) is None


@given(st.text())
def test_any_text_can_be_asked_about(text):
    assert Vault(NEW).verify("p", text) is None
    assert crypto.key_dialect(text) is None
    assert len(crypto.digest(text)) == 32
    assert not Vault(NEW).is_hmac16("reply", "17", text)


def test_tokens_expire_and_survive_rotation():
    token = Vault(OLD).sign("reset", "17", seconds=60)

    assert Vault(NEW, OLD).verify("reset", token) == b"17"
    with time_machine.travel(clock.now() + timedelta(seconds=61)):
        assert Vault(OLD).verify("reset", token) is None


def test_short_tags_survive_folding_and_rotation():
    tag = Vault(OLD).hmac16("reply", "17")

    assert re.fullmatch(r"[0-9a-f]{16}", tag)
    assert Vault(NEW, OLD).is_hmac16("reply", "17", tag.upper())
    assert not Vault(NEW, OLD).is_hmac16("bounce", "17", tag)


def test_a_key_says_its_dialect_without_a_database():
    key, digest = crypto.new_key("portal")

    assert re.fullmatch(r"trk_portal_[0-9A-Za-z]{38}", key)
    assert crypto.key_dialect(key) == "portal"
    assert crypto.digest(key) == digest
    assert len(digest) == 32


@given(st.data())
def test_a_mistyped_key_is_no_key(data):
    place = data.draw(st.integers(0, len(KEY) - 1))
    other = data.draw(st.sampled_from("0aZ_-é").filter(lambda char: char != KEY[place]))

    assert crypto.key_dialect(KEY[:place] + other + KEY[place + 1 :]) is None
    assert crypto.key_dialect(KEY.replace("connector", "platform")) is None


def test_webhook_signatures_are_standard():
    """The example of the Standard Webhooks reference libraries."""
    headers = crypto.sign_webhook(
        ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330,
        b'{"test": 2432232314}',
    )

    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_two_secrets_give_two_signatures():
    old, new = crypto.new_webhook_secret(), crypto.new_webhook_secret()

    both = crypto.sign_webhook([new, old], "m", 1, b"{}")["webhook-signature"].split()

    assert both == [crypto.sign_webhook([one], "m", 1, b"{}")["webhook-signature"] for one in (new, old)]


@pytest.mark.anyio
async def test_a_password_fits_its_own_hash():
    stored = await crypto.hash_password("correct horse ① battery")

    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert await crypto.verify_password(stored, "correct horse 1 battery")
    assert not await crypto.verify_password(stored, "Correct horse 1 battery")
    assert not crypto.is_outdated(stored)


@pytest.mark.anyio
@pytest.mark.parametrize("stored", [None, "", "not a hash"])
async def test_an_unknown_user_fits_nothing(stored):
    assert not await crypto.verify_password(stored, "anything")


def test_the_dummy_hash_costs_what_a_real_one_does():
    assert not crypto.is_outdated(crypto.DUMMY_HASH)
