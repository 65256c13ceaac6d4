"""Mail about mail: delivery reports (RFC 3464), complaints (RFC 5965), and bounces without a form."""

import re
from collections.abc import Iterator, Sequence
from email.message import Message
from typing import Literal

from msgspec import Struct

from trunkline.channels.base import Status
from trunkline.channels.mail import parse, tokens
from trunkline.channels.mail.readable import decode_octets

Kind = Literal["hard", "soft", "reputation", "complaint", "delivered", "delayed"]

MAX_RECIPIENTS = 50
ENHANCED = re.compile(r"\b([245]\.\d{1,3}\.\d{1,3})\b")
BASIC = re.compile(r"\b([45]\d\d)[ -]")
REFUSED_MAILBOX = ("550", "551", "553")
NO_MAILBOX = "5.1.1"
# A closed mailbox, an unroutable domain, and how Outlook.com says that there is no such person. What else is
# permanent (full, too big, a broken server) says nothing final about the address.
HARD = ("5.2.1", "5.4.1", "5.4.4", "5.4.310", "5.5.0")
ABOUT_THE_SENDER = ("5.1.7", "5.1.8")
MAILERS = re.compile(r"(?:mailer-daemon|postmaster|mail-daemon|mdaemon)@", re.IGNORECASE)
UNDELIVERED = re.compile(
    r"undeliver|not delivered|failure|failed|returned mail|delivery status|could not be delivered",
    re.IGNORECASE,
)
REASONS: dict[Kind, str] = {
    "hard": "hard_bounce",
    "soft": "soft_bounce",
    "reputation": "reputation",
    "complaint": "complaint",
}


class Report(Struct, frozen=True, kw_only=True):
    """What became of one recipient. `token` is the bounce token of the address it came to, unverified."""

    kind: Kind
    token: str | None = None
    external_id: str | None = None
    recipient: str | None = None
    code: str | None = None
    detail: str | None = None


def statuses(raw: bytes, *, recipients: Sequence[str], sender: str | None, key: bytes) -> list[Status] | None:
    """Delivery reports in a received mail; None when it is no report and should be parsed as a message.

    Only a signed token or a Message-ID of ours counts, so nobody can fail a message they did not get.
    """
    found = reports(raw, recipients=recipients, sender=sender)
    if found is None:
        return None
    return [status for report in found if (status := to_status(report, key))]


def reports(raw: bytes, *, recipients: Sequence[str], sender: str | None) -> list[Report] | None:
    """Everything the mail reports, verified or not."""
    message = parse.read(raw)
    token = next((found for one in recipients if (found := tokens.token_in("bounce", one))), None)
    parts = list(parse.leaves(message))
    original = original_id(parts)
    complaint = first(parts, "message/feedback-report")
    if complaint is not None:
        return [complained(complaint, token, original)]
    delivery = first(parts, "message/delivery-status")
    if delivery is not None:
        return [delivered(group, token, original) for group in groups(delivery)]
    if sender == "" and token and looks_undelivered(message):
        return [informal(message, token, original)]
    return None


def to_status(report: Report, key: bytes) -> Status | None:
    """None for what says nothing final, and for what is not about a message of ours."""
    message_id = tokens.unseal(key, "bounce", report.token) if report.token else None
    ours = report.external_id if report.external_id and tokens.uuid_in(key, report.external_id) else None
    if report.kind == "delayed" or (message_id is None and ours is None):
        return None
    return Status(
        # Who complains has received it.
        status="delivered" if report.kind in ("delivered", "complaint") else "failed",
        message_id=message_id,
        external_id=ours,
        reason=REASONS.get(report.kind),
        code=report.code,
        detail=report.detail,
    )


def classify(code: str) -> Kind:
    """RFC 3463: what an enhanced code says about the address, and about us."""
    if code.startswith(("2.", "4.")):
        return "delivered" if code.startswith("2.") else "soft"
    if code.startswith("5.7.") or code in ABOUT_THE_SENDER:
        return "reputation"
    return "hard" if code.startswith("5.1.") or code in HARD else "soft"


def delivered(group: Message, token: str | None, original: str | None) -> Report:
    """One recipient's group of fields."""
    diagnostic = parse.header(group, "diagnostic-code")
    code = code_of(parse.header(group, "status"), diagnostic)
    return Report(
        kind=kind_of(parse.header(group, "action").lower(), code),
        token=token,
        external_id=original,
        recipient=parse.header(group, "final-recipient").rpartition(";")[2].strip() or None,
        code=code,
        detail=diagnostic[:500] or None,
    )


def code_of(status: str, diagnostic: str) -> str | None:
    """The enhanced code, from the diagnostic where the status field says only that it failed."""
    stated, precise, basic = ENHANCED.search(status), ENHANCED.search(diagnostic), BASIC.search(diagnostic)
    code = stated[1] if stated else None
    if code and not code.endswith(".0.0"):
        return code
    if precise and (code is None or precise[1][0] == code[0]):
        return precise[1]
    return NO_MAILBOX if basic and basic[1] in REFUSED_MAILBOX else code


def kind_of(action: str, code: str | None) -> Kind:
    if action == "failed":
        kind = classify(code) if code else "soft"
        return "soft" if kind == "delivered" else kind
    return "delayed" if action == "delayed" else "delivered" if action == "delivered" else "delayed"


def complained(part: Message, token: str | None, original: str | None) -> Report:
    fields = fields_of(part)
    kind = parse.header(fields, "feedback-type").lower() or "abuse"
    return Report(
        # "not-spam" takes a complaint back; it tells only that the mail arrived.
        kind="delivered" if kind == "not-spam" else "complaint",
        token=token or tokens.token_in("bounce", parse.header(fields, "original-mail-from")),
        external_id=original,
        recipient=parse.header(fields, "original-rcpt-to") or None,
        code=kind,
    )


def informal(message: Message, token: str, original: str | None) -> Report:
    """A bounce in prose: the first code in it decides, and without one it counts as passing."""
    text = parse.contents(message)[0]
    code = code_of("", text)
    kind = kind_of("failed", code)
    return Report(kind=kind, token=token, external_id=original, code=code, detail=text[:500] or None)


def looks_undelivered(message: Message) -> bool:
    mailer = MAILERS.search(parse.header(message, "from"))
    return bool(mailer or UNDELIVERED.search(parse.header(message, "subject")))


def groups(part: Message) -> Iterator[Message]:
    """The per-recipient groups of a delivery status, which the standard library parses as messages."""
    payload = part.get_payload()
    fields = payload if isinstance(payload, list) else [fields_of(part)]
    named = [one for one in fields if isinstance(one, Message) and parse.header(one, "final-recipient")]
    yield from named[:MAX_RECIPIENTS]


def original_id(parts: Sequence[Message]) -> str | None:
    """The Message-ID of the mail that is reported on, from the copy or the headers sent back."""
    for part in parts:
        if part.get_content_type() in ("message/rfc822", "text/rfc822-headers", "message/global"):
            payload = part.get_payload()
            inner = payload[0] if isinstance(payload, list) and payload else fields_of(part)
            if isinstance(inner, Message) and (found := parse.message_id(inner)):
                return found
    return None


def fields_of(part: Message) -> Message:
    """A part whose body is header lines, read as such. Some parsers hand these parts over as a list."""
    payload = part.get_payload()
    if isinstance(payload, list) and payload and isinstance(payload[0], Message):
        return payload[0]
    return parse.read(decode_octets(parse.octets(part)).strip().encode() + b"\n\n")


def first(parts: Sequence[Message], kind: str) -> Message | None:
    return next((part for part in parts if part.get_content_type() == kind), None)
