"""Delivery reports and complaints."""

import pytest

from trunkline.channels.mail import bounces, tokens
from trunkline.channels.mail.bounces import classify, reports, statuses

DSN = """\
From: MAILER-DAEMON@relay.test
To: {to}
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

I'm sorry to have to inform you ...

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; relay.test
Arrival-Date: Sun, 1 Mar 2026 10:00:00 +0000

Final-Recipient: rfc822; ana@x.test
Original-Recipient: rfc822;ana@x.test
Action: {action}
Status: {status}
Diagnostic-Code: smtp; {diagnostic}

--b
Content-Type: text/rfc822-headers

From: shop@in.test
Message-ID: <{message_id}>

--b--
"""
COMPLAINT = """\
From: complaints@big.test
To: {to}
Subject: complaint
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="b"

--b
Content-Type: text/plain

This is an abuse report.

--b
Content-Type: message/feedback-report

Feedback-Type: {kind}
User-Agent: Big/1.0
Version: 1
Original-Mail-From: <{mail_from}>
Original-Rcpt-To: <ana@x.test>

--b
Content-Type: message/rfc822

From: shop@in.test
Message-ID: <{message_id}>

Hello
--b--
"""


@pytest.fixture
def verp(key) -> str:
    return tokens.address("bounce", tokens.seal(key, "bounce", 42), "bounce.test")


@pytest.fixture
def message_id(key) -> str:
    return tokens.message_id(key, "u-42", "in.test")


def dsn(to: str, message_id: str = "x@y", action="failed", status="5.1.1", diagnostic="550 5.1.1 no") -> bytes:
    text = DSN.format(to=to, message_id=message_id, action=action, status=status, diagnostic=diagnostic)
    return text.replace("\n", "\r\n").encode()


def test_a_hard_bounce(key, verp):
    [status] = statuses(dsn(verp), recipients=[verp], sender="", key=key) or []

    assert (status.status, status.reason, status.code) == ("failed", "hard_bounce", "5.1.1")
    assert (status.message_id, status.detail) == (42, "smtp; 550 5.1.1 no")


def test_the_message_id_in_the_report_serves_without_a_token(key, message_id):
    [status] = statuses(dsn("shop@in.test", message_id), recipients=["shop@in.test"], sender="", key=key) or []

    assert (status.message_id, status.external_id) == (None, message_id)


@pytest.mark.parametrize("to", ["shop@in.test", "b+2a-0000000000000000@bounce.test"])
def test_a_stranger_cannot_fail_a_message(key, to):
    assert statuses(dsn(to, "u-42.0000000000000000@in.test"), recipients=[to], sender="", key=key) == []


@pytest.mark.parametrize(
    ("action", "status", "diagnostic", "kind", "code"),
    [
        ("failed", "5.1.1", "550 5.1.1 no", "hard", "5.1.1"),
        ("failed", "5.0.0", "550 5.1.10 no such recipient", "hard", "5.1.10"),
        ("failed", "5.0.0", "550 User unknown", "hard", "5.1.1"),
        ("failed", "5.0.0", "554 no", "soft", "5.0.0"),
        ("failed", "5.2.2", "552 5.2.2 full", "soft", "5.2.2"),
        ("failed", "5.2.1", "550 5.2.1 disabled", "hard", "5.2.1"),
        ("failed", "4.4.7", "timeout", "soft", "4.4.7"),
        ("failed", "5.7.1", "550 5.7.1 blocked", "reputation", "5.7.1"),
        ("failed", "5.1.8", "550 5.1.8 your domain", "reputation", "5.1.8"),
        ("failed", "2.0.0", "what", "soft", "2.0.0"),
        ("failed", "nonsense", "", "soft", None),
        ("delayed", "4.4.1", "timeout", "delayed", "4.4.1"),
        ("relayed", "2.0.0", "250 ok", "delayed", "2.0.0"),
        ("delivered", "2.0.0", "250 ok", "delivered", "2.0.0"),
    ],
)
def test_what_a_report_says(verp, action, status, diagnostic, kind, code):
    raw = dsn(verp, action=action, status=status, diagnostic=diagnostic)

    [report] = reports(raw, recipients=[verp], sender="") or []

    assert (report.kind, report.code, report.recipient) == (kind, code, "ana@x.test")


def test_a_delay_is_no_news(key, verp):
    raw = dsn(verp, action="delayed", status="4.4.1", diagnostic="later")

    assert statuses(raw, recipients=[verp], sender="", key=key) == []


@pytest.mark.parametrize(("kind", "reason"), [("abuse", "complaint"), ("fraud", "complaint"), ("not-spam", None)])
def test_a_complaint_proves_delivery(key, verp, message_id, kind, reason):
    raw = COMPLAINT.format(to="fbl@in.test", mail_from=verp, message_id=message_id, kind=kind).encode()

    [status] = statuses(raw, recipients=["fbl@in.test"], sender="complaints@big.test", key=key) or []

    assert (status.status, status.reason, status.message_id) == ("delivered", reason, 42)
    assert status.external_id == message_id


@pytest.mark.parametrize(
    ("text", "reason", "code"),
    [
        ("The mailbox does not exist.\n550 5.1.1 unknown", "hard_bounce", "5.1.1"),
        ("remote said: 550 no such user", "hard_bounce", "5.1.1"),
        ("remote said: 452 4.2.2 full", "soft_bounce", "4.2.2"),
        ("It did not work.", "soft_bounce", None),
    ],
)
def test_a_bounce_in_prose(key, verp, text, reason, code):
    raw = f"From: Mail Delivery <MAILER-DAEMON@old.test>\r\nSubject: failure notice\r\n\r\n{text}".encode()

    [status] = statuses(raw, recipients=[verp], sender="", key=key) or []

    assert (status.status, status.reason, status.code) == ("failed", reason, code)


@pytest.mark.parametrize(
    ("sender", "subject"), [("ana@x.test", "Re: failure"), ("", "Out of office"), ("ana@x.test", "Hello")]
)
def test_what_is_no_report_is_a_message(key, verp, sender, subject):
    raw = f"From: ana@x.test\r\nSubject: {subject}\r\n\r\n550 5.1.1".encode()

    assert statuses(raw, recipients=[verp], sender=sender, key=key) is None


@pytest.mark.parametrize("body", [b"", b"\r\n\r\n\xff\0", b"Final-Recipient: rfc822;a@b\r\n"])
def test_a_broken_report_raises_nothing(key, verp, body):
    head = b"Content-Type: multipart/report; boundary=b\r\n\r\n--b\r\n"
    raw = head + b"Content-Type: message/delivery-status\r\n\r\n" + body

    found = statuses(raw, recipients=[verp], sender="", key=key)

    assert found is not None
    assert all(isinstance(status, bounces.Status) for status in found)


def test_every_permanent_code_is_hard_soft_or_reputation():
    kinds = {classify(f"5.{subject}.{detail}") for subject in range(8) for detail in range(35)}

    assert kinds == {"hard", "soft", "reputation"}
