"""Which addresses are addresses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core import mailaddr
from trunkline.core.mailaddr import BadEmail


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        ("Maria@Example.com", "maria@example.com"),
        (" a.b+tag@sub.example.co ", "a.b+tag@sub.example.co"),
        ("o'neil_x@example.com", "o'neil_x@example.com"),
        ("info@Bücher.example", "info@xn--bcher-kva.example"),
        ("info@xn--bcher-kva.example", "info@xn--bcher-kva.example"),
    ],
)
def test_addresses_have_one_spelling(typed, address):
    assert mailaddr.parse(typed) == address


@pytest.mark.parametrize(
    "typed",
    [
        "", "a", "@", "a@", "@b.c", "a@b", "a@b..c", "a..b@c.de", ".a@b.de", "a b@c.de", "a@b c.de",
        "a@b@c.de", "a@b.c\nBcc: x@y.z", "a@b.de\r", "a@b.de\n", "a@-b.de", "a@b-.de", "a@b.de.",
        "a@1.2.3.4", "a@[1.2.3.4]", "<a@b.de>", "A <a@b.de>", '"a b"@c.de', "a@b_c.de", "ä@b.de",
        "a@b.de,c@d.ef", "a" * 65 + "@b.de", "a@" + "b." * 126 + "de", "x" * 310 + "@b.de",
        "a@" + "b" * 64 + ".de", "a@\u200b.de", "a\0@b.de",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused(typed):
    with pytest.raises(BadEmail):
        mailaddr.parse(typed)


@given(st.emails() | st.text(max_size=40).map(lambda text: f"a@{text}.de"))
def test_a_result_is_a_fixed_point_on_one_line(typed):
    try:
        address = mailaddr.parse(typed)
    except BadEmail:
        return

    assert mailaddr.parse(address) == address
    assert address.isascii()
    assert not set(address) & set("\r\n ,<>")


def test_people_see_the_domain_in_its_own_script():
    assert mailaddr.shown("info@xn--bcher-kva.example") == "info@bücher.example"
    assert mailaddr.shown("info@example.com") == "info@example.com"
