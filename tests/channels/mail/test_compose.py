"""Composed mail, read back by the standard library."""

import email
import email.policy
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.channels.base import Attachment, Mail, Outbound, SendError
from trunkline.channels.mail import tokens
from trunkline.channels.mail.compose import Letterhead, compose
from trunkline.core import clock
from trunkline.core.urns import Urn


def read(raw: bytes) -> EmailMessage:
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def body(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    assert part is not None
    return part.get_content().replace("\r\n", "\n").removesuffix("\n")


def test_text_and_html_are_alternatives(head, outbound, at):
    letter = compose(head, outbound("Salut, ană!", html="<p>Salut, ană!</p>"), at=at)

    message = read(letter.raw)

    assert message.get_content_type() == "multipart/alternative"
    assert body(message, "plain") == "Salut, ană!"
    assert body(message, "html") == "<p>Salut, ană!</p>"


def test_html_alone_gets_a_plain_version(head, outbound, at):
    letter = compose(head, outbound("", html="<h1>Sale</h1><p>Everything must go</p>"), at=at)

    text = body(read(letter.raw), "plain")

    assert text.split() == ["Sale", "Everything", "must", "go"]


def test_headers_of_a_bulk_mail(head, outbound, at):
    message = outbound(
        reply_token="7-00112233445566aa",
        unsubscribe_url="https://t.test/u/abc",
        unsubscribe_mailto="unsub+abc@in.test",
        in_reply_to="<first@x.test>",
        references=["<zero@x.test>"],
    )

    parsed = read(compose(head, message, at=at).raw)

    assert {name: str(parsed[name]) for name in parsed if not name.startswith(("Content", "MIME", "Message"))} == {
        "From": "Shop <shop@in.test>",
        "To": "ana@x.test",
        "Subject": "News",
        "Date": "Sun, 01 Mar 2026 10:00:00 +0000",
        "Reply-To": "reply+7-00112233445566aa@in.test",
        "In-Reply-To": "<first@x.test>",
        "References": "<zero@x.test> <first@x.test>",
        "List-Unsubscribe": "<https://t.test/u/abc>, <mailto:unsub+abc@in.test>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }


def test_message_id_is_the_same_on_every_attempt_and_proves_itself(head, outbound, at, key):
    first = compose(head, outbound(), at=at)

    again = compose(head, outbound("changed"), at=clock.now())

    assert first.message_id == again.message_id
    assert tokens.uuid_in(key, f"<{first.message_id}>") == "01930000-0000-7000-8000-000000000007"
    assert tokens.uuid_in(key, first.message_id.replace("0007", "0008")) is None


def test_bounces_come_back_to_an_address_that_names_the_message(head, outbound, at):
    named = compose(head, outbound(bounce_token="7-00112233445566aa"), at=at)
    unnamed = compose(head, outbound(), at=at)

    assert named.sender == "b+7-00112233445566aa@bounce.test"
    assert unnamed.sender == "shop@in.test"


def test_blind_copies_travel_in_the_envelope_only(head, outbound, at):
    letter = compose(head, outbound(cc=["Bo@x.test"], bcc=["cy@x.test", "ana@x.test"]), at=at)

    assert letter.recipients == ["ana@x.test", "bo@x.test", "cy@x.test"]
    assert read(letter.raw)["cc"] == "bo@x.test"
    assert b"cy@x.test" not in letter.raw


def test_files_stand_beside_the_text(head, outbound, at):
    files = [
        Attachment(content_type="application/pdf", name="factură țară.pdf", content=b"%PDF\r\n\x00\xff"),
        Attachment(content_type="message/rfc822", name='a"b.eml', content=b"Subject: x\n\ny"),
    ]

    message = read(compose(head, outbound("See", attachments=files), at=at).raw)
    found = [(part.get_filename(), part.get_content_type(), part.get_content()) for part in message.iter_attachments()]

    assert body(message, "plain") == "See"
    assert found == [
        ("factură țară.pdf", "application/pdf", b"%PDF\r\n\x00\xff"),
        ("a'b.eml", "application/octet-stream", b"Subject: x\n\ny"),
    ]


def test_a_file_that_is_only_an_address_becomes_a_link(head, outbound, at):
    file = Attachment(content_type="image/png", name="plan.png", url="https://t.test/plan.png?a=1&b=2")

    message = read(compose(head, outbound("See", html="<p>See</p>", attachments=[file]), at=at).raw)

    assert body(message, "plain").endswith("plan.png: https://t.test/plan.png?a=1&b=2")
    assert '<a href="https://t.test/plan.png?a=1&amp;b=2">plan.png</a>' in body(message, "html")


@pytest.mark.parametrize("field", ["subject", "from_name"])
def test_line_breaks_in_free_text_become_blanks(head, outbound, at, field):
    letter = compose(head, outbound(**{field: "Hello\r\nBcc: evil@x.test\nX: y\0"}), at=at)

    message = read(letter.raw)

    assert message["bcc"] is None
    assert message["x"] is None
    assert "Hello Bcc: evil@x.test X: y" in str(message["subject" if field == "subject" else "from"])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("unsubscribe_url", "https://t.test/\r\nBcc: evil@x.test"),
        ("in_reply_to", "<a@b>\r\nBcc: evil@x.test"),
        ("references", ["a@b\nBcc: evil@x.test"]),
        ("reply_token", "a\r\nBcc"),
        ("bounce_token", "a b"),
        ("cc", ["bo@x.test\r\nBcc: evil@x.test"]),
        ("bcc", ["not an address"]),
        ("extra", {"headers": {"X-Campaign": "a\r\nBcc: evil@x.test"}}),
        ("extra", {"headers": {"X Campaign": "a"}}),
        ("extra", {"headers": {"BCC": "evil@x.test"}}),
        ("to", "ana@x.test\nBcc: evil@x.test"),
    ],
)
def test_a_line_break_in_a_structured_value_is_refused(head, outbound, at, field, value):
    with pytest.raises(SendError) as refused:
        compose(head, outbound(**{field: value}), at=at)

    assert (refused.value.code, refused.value.retry) == ("invalid", False)


def test_a_wrong_address_of_ours_stops_the_channel(key, outbound, at):
    with pytest.raises(SendError) as refused:
        compose(Letterhead(from_="nobody", key=key), outbound(), at=at)

    assert (refused.value.code, refused.value.stop_channel) == ("config", True)


def test_an_international_domain_travels_in_ascii(head, outbound, at):
    assert compose(head, outbound(to="ana@münchen.test"), at=at).recipients == ["ana@xn--mnchen-3ya.test"]


# What a header keeps: everything but controls, with each run of blanks as one.
TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=300)
NAMES = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=60)


@given(subject=TEXT, name=NAMES)
def test_any_subject_and_name_survive(subject, name):
    head = Letterhead(from_="shop@in.test", key=b"k")
    message = Outbound(
        id=1, uuid="u", to=Urn("mailto", "ana@x.test"), text="x", mail=Mail(subject=subject, from_name=name)
    )

    raw = compose(head, message, at=clock.now()).raw
    parsed = email.message_from_bytes(raw)  # the modern policy mends some texts of its own accord
    shown = str(email.header.make_header(email.header.decode_header(parsed["subject"])))

    assert shown == " ".join(subject.split())
    assert read(raw)["from"].addresses[0].addr_spec == "shop@in.test"
    assert max(map(len, raw.split(b"\r\n"))) <= 998


@given(st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=3000))
def test_any_text_survives_in_seven_bits(text):
    head = Letterhead(from_="shop@in.test", key=b"k")

    raw = compose(head, Outbound(id=1, uuid="u", to=Urn("mailto", "ana@x.test"), text=text), at=clock.now()).raw
    parsed = email.message_from_bytes(raw)
    found = parsed.get_payload(decode=True).decode("utf-8")

    assert found.replace("\r\n", "\n") == text.replace("\r\n", "\n").replace("\r", "\n") + "\n"
    assert raw.isascii()
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert b"\r" not in raw.replace(b"\r\n", b"")
    assert max(map(len, raw.split(b"\r\n"))) <= 998


@pytest.mark.parametrize("text", ["x" * 5000, "From me\n.\n..\n.x\n", "ț" * 5000, "a\tb \n \n", "\n\n"])
def test_awkward_texts_survive(head, outbound, at, text):
    assert body(read(compose(head, outbound(text), at=at).raw), "plain") == text
