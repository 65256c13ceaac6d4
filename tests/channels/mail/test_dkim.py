"""Signatures, verified by dkimpy."""

import base64
import re

import dkim as dkimpy
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from trunkline.channels.mail import dkim
from trunkline.channels.mail.compose import compose
from trunkline.core import clock


class Nacl:
    """dkimpy asks PyNaCl for the bare Ed25519 check; `cryptography` answers in its place."""

    class encoding:
        Base64Encoder = None

    class exceptions:
        BadSignatureError = InvalidSignature

    class signing:
        class VerifyKey:
            def __init__(self, key: bytes, encoder: object = None):
                self.key = Ed25519PublicKey.from_public_bytes(base64.b64decode(key))

            def verify(self, octets: bytes, signature: bytes) -> bytes:
                self.key.verify(signature, octets)
                return octets


@pytest.fixture(autouse=True, scope="module")
def nacl():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dkimpy, "nacl", Nacl, raising=False)
        yield


def verified(raw: bytes, record: str, index: int = 0) -> bool:
    try:
        return dkimpy.DKIM(raw).verify(idx=index, dnsfunc=lambda name, timeout=5: record.encode())
    except dkimpy.ValidationError:
        return False


KEYS = {kind: dkim.generate_key(kind) for kind in ("rsa", "ed25519")}


@pytest.fixture(params=["rsa", "ed25519"])
def kind(request) -> str:
    return request.param


@pytest.fixture
def signed(kind, head, outbound, at) -> bytes:
    message = outbound(
        "Salut  ana\n\ttabs \n\n\n",
        html="<p>ț</p>",
        subject="Știri " * 30,
        unsubscribe_url="https://t.test/u/abc",
        unsubscribe_mailto="unsub+abc@in.test",
        references=[f"<{number}@x.test>" for number in range(9)],
    )
    return dkim.Signer("in.test", "s1", KEYS[kind][0]).sign(compose(head, message, at=at).raw, at=at)


def test_a_signature_verifies(signed, kind):
    assert verified(signed, KEYS[kind][1])


def test_it_covers_the_unsubscribe_headers(signed):
    names = re.search(rb"h=([^;]+);", signed)

    assert names is not None
    assert {b"list-unsubscribe", b"list-unsubscribe-post", b"from", b"subject"} <= set(
        re.sub(rb"\s", b"", names[1]).split(b":")
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"u/abc", b"u/xyz"),
        (b"To: ana@", b"To: bob@"),
        (b"From: Shop", b"From: Evil"),
        (b"Salut", b"Pa"),
        (b"From: Shop", b"From: Evil <a@b.test>\r\nFrom: Shop"),
    ],
)
def test_a_changed_mail_does_not_verify(signed, kind, old, new):
    changed = signed.replace(old, new, 1)

    assert changed != signed
    assert not verified(changed, KEYS[kind][1])


def test_what_relays_do_to_blanks_does_not_break_it(signed, kind):
    refolded = signed.replace(b"Subject: ", b"SUBJECT:   ", 1).replace(b">,", b">,\r\n\t") + b"\r\n\r\n"

    assert verified(refolded, KEYS[kind][1])


def test_two_keys_sign_side_by_side(head, outbound, at):
    raw = compose(head, outbound(), at=at).raw
    for kind in KEYS:
        raw = dkim.Signer("in.test", "s1", KEYS[kind][0]).sign(raw, at=at)

    assert verified(raw, KEYS["ed25519"][1], 0)
    assert verified(raw, KEYS["rsa"][1], 1)


@given(st.lists(st.sampled_from([b"a", b" ", b"\t", b"\r\n", b".", b"  \r\n", b"xyz"]), max_size=40))
def test_any_body_verifies(pieces):
    raw = b"From: a@b.test\r\nTo:  c@d.test \r\n\r\n" + b"".join(pieces) + b"\r\n"

    signed = dkim.Signer("b.test", "s1", KEYS["ed25519"][0]).sign(raw, at=clock.now())

    assert verified(signed, KEYS["ed25519"][1])


@pytest.mark.parametrize(
    "shape", [str, lambda pem: pem.replace("\n", "\\n"), lambda pem: "".join(pem.split("\n")[1:-2])]
)
def test_keys_as_settings_hold_them(shape):
    signer = dkim.Signer("in.test", "s1", shape(KEYS["ed25519"][0]))

    assert signer.algorithm == "ed25519-sha256"


@pytest.mark.parametrize(
    ("domain", "selector", "key"), [("in.test", "s1", "no key"), ("in.test", "", "PEM"), ("a;b", "s1", "PEM")]
)
def test_settings_that_cannot_sign_are_refused(domain, selector, key):
    with pytest.raises(ValueError, match="DKIM"):
        dkim.Signer(domain, selector, KEYS["rsa"][0] if key == "PEM" else key)
