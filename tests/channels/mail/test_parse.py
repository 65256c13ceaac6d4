"""Received mail: what somebody wrote, whatever the bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.channels.mail.compose import compose
from trunkline.channels.mail.parse import parse
from trunkline.channels.mail.words import plain_subject

HEAD = b"From: Ana Pop <Ana@X.test>\r\nTo: reply+7-ab@in.test\r\nSubject: Re: News\r\nMessage-ID: <m1@x.test>\r\n"


def test_a_plain_reply():
    raw = (
        HEAD
        + b"In-Reply-To: <a.b@in.test>\r\nReferences: <z@in.test>\r\n <a.b@in.test>\r\n\r\n"
        + b"Yes\r\n\r\nOn Wed, Shop wrote:\r\n> Coming?\r\n"
    )

    inbound = parse(raw, recipients=["reply+7-cd@in.test"], sender="ana@x.test")

    assert inbound is not None
    assert (str(inbound.urn), inbound.name, inbound.text) == ("mailto:ana@x.test", "Ana Pop", "Yes")
    assert (inbound.external_id, inbound.subject, inbound.automatic) == ("m1@x.test", "Re: News", False)
    assert inbound.thread is not None
    assert (inbound.thread.token, inbound.thread.subject) == ("7-cd", "news")
    assert inbound.thread.message_id == "a.b@in.test"
    assert list(inbound.thread.references) == ["z@in.test", "a.b@in.test"]


def test_what_we_compose_we_can_read(head, outbound, at):
    raw = compose(
        head,
        outbound("Bună, țară!\n.\nx", html="<p>Bună</p>", subject="Știri " * 30, from_name="Țăran, Ion"),
        at=at,
    ).raw

    inbound = parse(raw)

    assert inbound is not None
    assert (inbound.text, inbound.html) == ("Bună, țară!\n.\nx", "<p>Bună</p>\n")
    assert (inbound.name, inbound.subject) == ("Țăran, Ion", ("Știri " * 30).strip())


@pytest.mark.parametrize(
    ("charset", "octets", "text"),
    [
        ("iso-8859-2", "știe țara".encode("iso-8859-16"), None),
        ("utf-8", "țară".encode(), "țară"),
        ("us-ascii", "țară".encode(), "țară"),
        ("us-ascii", "café".encode("cp1252"), "café"),
        ("no-such-charset", "café".encode("cp1252"), "café"),
        ("unicode_escape", b"\\x41", "\\x41"),
        ("utf-8", b"abc\xff\0def", "abc\ufffddef"),
        ("koi8-r", "привет".encode("koi8-r"), "привет"),
        ("gb18030", "你好".encode("gb18030"), "你好"),
    ],
)
def test_charsets(charset, octets, text):
    raw = (
        HEAD
        + f"Content-Type: text/plain; charset={charset}\r\nContent-Transfer-Encoding: 8bit\r\n\r\n".encode()
        + octets
    )

    inbound = parse(raw)

    assert inbound is not None
    assert "\0" not in inbound.text
    assert text is None or inbound.text == text


@pytest.mark.parametrize(
    ("header", "shown"),
    [
        (b"=?utf-8?q?Caf=C3=A9_=C8=9B?=", "Café ț"),
        (b"=?iso-8859-1?Q?Caf=E9?= =?utf-8?B?IMib?=", "Café ț"),
        (b"=?utf-8?b?broken!!?=", "=?utf-8?b?broken!!?="),
        (b"=?nonsense?q?Caf=E9?=", "Café"),
        ("Café țară".encode(), "Café țară"),
        (b"two\r\n lines", "two lines"),
    ],
)
def test_headers(header, shown):
    inbound = parse(b"From: a@x.test\r\nSubject: " + header + b"\r\n\r\nx")

    assert inbound is not None
    assert inbound.subject == shown


def test_html_alone_gives_text_without_the_old_mail():
    raw = HEAD + (
        b"Content-Type: text/html; charset=utf-8\r\n\r\n<p>Yes<br>please</p><script>x()</script>"
        b'<div class="gmail_quote">On Wed, Shop wrote:<blockquote>Coming?</blockquote></div>'
    )

    inbound = parse(raw)

    assert inbound is not None
    assert inbound.text.split() == ["Yes", "please"]
    assert "Coming?" in (inbound.html or "")


def test_files():
    raw = HEAD + (
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nSee\r\n--b\r\n"
        b"Content-Type: application/pdf; name*=utf-8''%C8%9Bar%C4%83.pdf\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\nJVBERg==\r\n--b\r\n"
        b'Content-Type: text/plain\r\nContent-Disposition: attachment; filename="../../etc/passwd"\r\n\r\n'
        b"root\r\n--b\r\n"
        b"Content-Type: message/rfc822\r\n\r\nFrom: c@d.test\r\nSubject: inner\r\n\r\ninner text\r\n--b--\r\n"
    )

    inbound = parse(raw)

    assert inbound is not None
    assert inbound.text == "See"
    assert [(file.name, file.content_type) for file in inbound.attachments] == [
        ("țară.pdf", "application/pdf"),
        (".._.._etc_passwd", "text/plain"),
        ("message.eml", "message/rfc822"),
    ]
    assert inbound.attachments[0].content == b"%PDF"
    assert b"inner text" in (inbound.attachments[2].content or b"")


def test_flowed_text_is_joined():
    raw = HEAD + b"Content-Type: text/plain; format=flowed\r\n\r\nOne long \r\nline\r\nand another\r\n"

    inbound = parse(raw)

    assert inbound is not None
    assert inbound.text == "One long line\nand another"


@pytest.mark.parametrize(
    ("header", "sender", "automatic"),
    [
        (b"", "ana@x.test", False),
        (b"", None, False),
        (b"", "", True),
        (b"Return-Path: <>\r\n", None, True),
        (b"Auto-Submitted: no\r\n", None, False),
        (b"Auto-Submitted: auto-replied (vacation)\r\n", None, True),
        (b"Precedence: Bulk\r\n", None, True),
        (b"Precedence: first-class\r\n", None, False),
        (b"List-Id: <news.x.test>\r\n", None, True),
        (b"X-Autoreply: yes\r\n", None, True),
        (b"Content-Type: multipart/report; boundary=b\r\n", None, True),
    ],
)
def test_what_programs_write_is_known(header, sender, automatic):
    inbound = parse(HEAD + header + b"\r\nHello", sender=sender)

    assert inbound is not None
    assert inbound.automatic is automatic


def test_a_mail_without_an_id_is_recognised_when_it_comes_again():
    raw = b"From: a@x.test\r\n\r\nHello"

    first, again, other = parse(raw), parse(raw), parse(raw + b"!")

    assert first is not None
    assert again is not None
    assert other is not None
    assert first.external_id == again.external_id != other.external_id


@pytest.mark.parametrize("raw", [b"", b"\0", b"From: nobody\r\n\r\nx", b"no header at all", b"From: \r\n\r\n"])
def test_nobody_wrote_it(raw):
    assert parse(raw) is None


def test_the_envelope_names_the_author_when_the_mail_does_not():
    inbound = parse(b"\r\nHello", sender="ana@x.test")

    assert inbound is not None
    assert (str(inbound.urn), inbound.text) == ("mailto:ana@x.test", "Hello")


@pytest.mark.parametrize("subject", ["Re: News", "RE: Fwd: news", "Re[2]: NEWS", "Răsp: news", "AW: WG: News"])
def test_subjects_of_one_thread_are_one(subject):
    assert plain_subject(subject) == "news"


DEEP = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(2000))
HOSTILE = {
    "deep": DEEP,
    "many parts": b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * 50_000,
    "parameters": b"Content-Type: text/plain" + b';"' + b";" * 500_000 + b"\r\n\r\nx",
    "header lines": b"X: y\r\n" * 200_000 + b"\r\nx",
    "one header": b"Subject: " + b"=?a?q?" * 100_000 + b"\r\n\r\nx",
    "folded header": b"Subject: a" + b"\r\n b" * 200_000 + b"\r\n\r\nx",
    "addresses": b"To: " + b"a@b.test, " * 100_000 + b"\r\n\r\nx",
    "comments": b"From: " + b"(" * 100_000 + b"\r\n\r\nx",
    "encoding": b"Content-Transfer-Encoding: base64\r\n\r\n!!!" + b"A" * 1001,
    "uuencode": b"Content-Transfer-Encoding: x-uuencode\r\n\r\nbegin 666 x\r\n\xff\xff\xff\r\nend",
    "html": b"Content-Type: text/html\r\n\r\n" + b"<div>" * 100_000,
    "html broken": b"Content-Type: text/html; charset=utf-16\r\n\r\n<?xml encoding='x'?><p>\xff",
    "rfc2231": b"Content-Disposition: inline; filename*0*=utf-9'x'%FF; filename*99=b; filename**=c\r\n\r\nx",
    "boundary": b"Content-Type: multipart/mixed; boundary*=a'b'%FF\r\n\r\n--\xff\r\n",
    "lines": b"\r\n" * 600_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_mail_gives_little_and_harms_nothing(name):
    raw = b"From: a@x.test\r\n" + HOSTILE[name]

    inbound = parse(raw, sender="a@x.test")

    assert inbound is not None
    assert len(inbound.attachments) <= 100


@pytest.mark.parametrize(
    "start", [b"", b"From: a@x.test\r\n", b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"]
)
@given(octets=st.binary(max_size=2000))
def test_no_bytes_raise(start, octets):
    inbound = parse(start + octets, sender="a@x.test")

    assert inbound is not None
    assert "\0" not in inbound.text + (inbound.html or "") + (inbound.subject or "")
