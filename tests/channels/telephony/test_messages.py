"""SIP messages: whatever is written is read again, whatever comes is read or refused."""

import contextlib
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.channels.telephony import messages
from trunkline.channels.telephony.messages import BadMessage, Message

NEEDED = (
    ("via", "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKabc;rport"),
    ("from", "<sip:a@x.test>;tag=1"),
    ("to", "<sip:b@x.test>"),
    ("call-id", "c1"),
    ("cseq", "1 INVITE"),
)
NAMES = st.text(string.ascii_lowercase, min_size=1, max_size=20).map("x-".__add__)
VALUES = st.text(st.characters(blacklist_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=60).map(str.strip)


@given(st.lists(st.tuples(NAMES, VALUES), max_size=8), st.binary(max_size=200))
def test_what_is_written_is_read_again(more, body):
    request = Message(method="INVITE", uri="sip:b@x.test", headers=(*NEEDED, *more), body=body)
    response = Message(status=183, reason="Session Progress", headers=(*NEEDED, *more), body=body)

    assert messages.read(messages.write(request)) == request
    assert messages.read(messages.write(response)) == response


@given(st.binary(max_size=600))
def test_any_datagram_is_read_or_refused(datagram):
    with contextlib.suppress(BadMessage):
        messages.read(datagram)


@given(st.data())
def test_a_message_with_a_changed_byte_is_read_or_refused(data):
    whole = bytearray(messages.write(Message(method="BYE", uri="sip:b@x.test", headers=NEEDED, body=b"v=0")))
    whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))

    with contextlib.suppress(BadMessage):
        messages.read(bytes(whole))


def test_compact_and_folded_headers():
    datagram = (
        b"SIP/2.0 200 OK\r\nv: SIP/2.0/UDP h;branch=z9hG4bK1\r\nv: SIP/2.0/UDP i\r\nf: <sip:a@x>;tag=1\r\n"
        b't: "B, C"\r\n <sip:b@x>;tag=2\r\ni: c1\r\nCSEQ: 1 INVITE\r\nm: <sip:b@h;a,b>, <sip:c@h>\r\nl: 3\r\n\r\nv=0xx'
    )

    message = messages.read(datagram)

    assert (message.status, message.call_id, message.branch, message.body) == (200, "c1", "z9hG4bK1", b"v=0")
    assert message.first("to") == '"B, C" <sip:b@x>;tag=2'
    assert message.every("contact") == ["<sip:b@h;a,b>", "<sip:c@h>"]
    assert len(message.every("via")) == 2


@pytest.mark.parametrize(
    "datagram",
    [
        b"",
        b"\r\n\r\n",
        b"INVITE sip:b@x SIP/2.0\r\n",
        b"HTTP/1.1 200 OK\r\nVia: x\r\n\r\n",
        b"INVITE sip:b@x SIP/2.0\r\nVia: x\r\n\r\n",
        messages.write(Message(method="BYE", uri="sip:b@x", headers=NEEDED, body=b"1")).replace(
            b": 1\r\n\r\n", b": 2\r\n\r\n"
        ),
        messages.write(Message(method="BYE", uri="sip:b@x", headers=NEEDED)).replace(b": 0\r\n", b": -1\r\n"),
    ],
)
def test_what_is_no_message_is_refused(datagram):
    with pytest.raises(BadMessage):
        messages.read(datagram)


@pytest.mark.parametrize("value", ["a\r\nBye: x", "a\nb", "a\x00b"])
def test_no_value_breaks_out_of_its_line(value):
    with pytest.raises(BadMessage):
        messages.write(Message(method="BYE", uri="sip:b@x", headers=(*NEEDED, ("subject", value))))


@pytest.mark.parametrize(
    ("uri", "place"),
    [
        ("sip:a@example.com", ("example.com", 5060)),
        ("sip:a@192.0.2.1:5080;transport=UDP", ("192.0.2.1", 5080)),
        ("sip:[2001:db8::1]:5070", ("2001:db8::1", 5070)),
        ("sip:proxy.test;lr", ("proxy.test", 5060)),
        ("sip:a@h:99999", None),
        ("sips:a@h", None),
        ("tel:+4012", None),
    ],
)
def test_where_an_address_leads(uri, place):
    assert messages.place(uri) == place


def test_parameters_outside_of_the_address_count():
    value = '"x;tag=no" <sip:a@b;tag=inside>;tag=out;lr'

    assert (messages.parameter(value, "tag"), messages.parameter(value, "lr")) == ("out", "")
    assert messages.address(value) == "sip:a@b;tag=inside"
