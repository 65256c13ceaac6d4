"""Digest authentication against the examples of its RFCs."""

import pytest

from trunkline.channels.telephony import digest
from trunkline.channels.telephony.digest import Login

RFC_2617 = (
    'Digest realm="testrealm@host.com", qop="auth,auth-int", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", '
    'opaque="5ccc069c403ebaf9f0171e9517f40e41"'
)
RFC_7616 = (
    'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={}, '
    'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
)
CNONCE = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"


@pytest.mark.parametrize(
    ("challenge", "password", "cnonce", "response"),
    [
        (RFC_2617, "Circle Of Life", "0a4f113b", "6629fae49393a05397450978507c4ef1"),
        (RFC_7616.format("MD5"), "Circle of Life", CNONCE, "8ca523f5e9506fed4657c9700eebdbec"),
        (
            RFC_7616.format("SHA-256"),
            "Circle of Life",
            CNONCE,
            "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
        ),
    ],
)
def test_the_examples_of_the_rfcs(challenge, password, cnonce, response):
    read = digest.read(challenge)
    assert read is not None

    told = digest.credentials(read, Login("Mufasa", password), "GET", "/dir/index.html", cnonce=cnonce)

    assert f'response="{response}"' in told
    assert "nc=00000001" in told
    assert f'opaque="{read.opaque}"' in told


def test_without_qop_as_in_rfc_2069():
    read = digest.read('Digest realm="r", nonce="n"')
    assert read is not None

    told = digest.credentials(read, Login("u", "p"), "INVITE", "sip:b@x", cnonce="c")

    assert "cnonce" not in told
    assert "qop" not in told


@pytest.mark.parametrize(
    ("values", "algorithm"),
    [
        ([RFC_7616.format("MD5"), RFC_7616.format("SHA-256")], "SHA-256"),
        ([RFC_7616.format("SHA-512-256"), RFC_7616.format("MD5")], "MD5"),
        ([RFC_7616.format("SHA-256-sess"), RFC_7616.format("MD5")], "SHA-256-SESS"),
    ],
)
def test_the_strongest_that_we_know_is_chosen(values, algorithm):
    chosen = digest.strongest(values)

    assert chosen is not None
    assert chosen.algorithm == algorithm


@pytest.mark.parametrize(
    "value",
    ["", "Basic realm=x", 'Digest realm="r"', 'Digest nonce="n", qop="auth-int"', 'Digest nonce="n", algorithm=X'],
)
def test_what_cannot_be_met(value):
    assert digest.strongest([value]) is None


def test_quotes_in_names_do_not_break_out():
    read = digest.read('Digest realm="a \\"b\\"", nonce="n"')
    assert read is not None

    told = digest.credentials(read, Login('x"y', "p"), "INVITE", "sip:b@x", cnonce="c")

    assert read.realm == 'a "b"'
    assert told.startswith('Digest username="x\\"y", realm="a \\"b\\"",')
