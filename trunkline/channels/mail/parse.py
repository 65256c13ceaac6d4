"""From the bytes of a mail to what somebody wrote. Bounded, and never raises: bad mail gives less."""

import email
import hashlib
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from email.message import Message
from email.policy import Compat32
from email.utils import parseaddr

from trunkline.channels.base import Attachment, Inbound, Thread
from trunkline.channels.mail import quotes, tokens
from trunkline.channels.mail.readable import clean_text, decode_header, decode_octets, text_of_html
from trunkline.channels.mail.words import plain_subject
from trunkline.core import urns

MAX_SIZE = 25 * 1024 * 1024
MAX_LINES = 1_000_000
MAX_HEADER = 8_000
MAX_PARTS = 100
MAX_DEPTH = 10
MAX_TEXT = 200_000
MAX_HTML = 1_000_000
MESSAGE_ID = re.compile(r"<([^<>\s]{1,250})>")


class Bounded(Compat32):
    """The forgiving policy of the standard library, with values cut where its parser would turn quadratic."""

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        name, value = super().header_source_parse([line[:MAX_HEADER] for line in sourcelines[:200]])
        return name, value[:MAX_HEADER]


POLICY = Bounded()


def parse(
    raw: bytes,
    *,
    recipients: Sequence[str] = (),
    sender: str | None = None,
    received_at: datetime | None = None,
) -> Inbound | None:
    """A received mail; `sender` and `recipients` are the envelope's. None when no author can be named.

    Big mails take a while: call it in a thread.
    """
    message = read(raw)
    name, address = author(message)
    urn = urn_of(address) or urn_of(sender or "")
    if urn is None:
        return None
    text, html, attachments = contents(message)
    return Inbound(
        urn=urn,
        name=name or None,
        text=quotes.trim(text),
        html=html,
        subject=header(message, "subject")[:998] or None,
        external_id=message_id(message) or fingerprint(raw),
        attachments=attachments,
        received_at=received_at,
        thread=thread(message, recipients),
        automatic=is_automatic(message, sender),
    )


def read(raw: bytes) -> Message:
    """The structure of a mail, whatever the bytes."""
    raw = raw[:MAX_SIZE]
    if raw.count(b"\n") > MAX_LINES:
        raw = b"\n".join(raw.split(b"\n", MAX_LINES)[:MAX_LINES])
    try:
        return email.message_from_bytes(raw, policy=POLICY)
    except (RecursionError, ValueError, LookupError, TypeError, AttributeError):
        head = raw.replace(b"\r\n", b"\n").partition(b"\n\n")[0]
        return email.message_from_bytes(head[:MAX_HEADER] + b"\n\n", policy=POLICY)


def header(message: Message, name: str) -> str:
    """The first header of that name, decoded, on one line; empty without one."""
    return next(headers(message, name), "")


def headers(message: Message, name: str) -> Iterator[str]:
    for given, value in message.raw_items():
        if given.lower() == name:
            yield decode_header(str(value))


def author(message: Message) -> tuple[str, str]:
    """Name and address of From, or of Sender or Reply-To when From is unusable."""
    for field in ("from", "sender", "reply-to"):
        # Taken apart before decoding: an encoded name may hold commas and angle brackets.
        value = next((str(value) for name, value in message.raw_items() if name.lower() == field), "")
        name, address = parseaddr(re.sub(r"[\r\n]+[ \t]?", " ", value[:2000]))
        if urn_of(address):
            return decode_header(name)[:200], address
    return "", ""


def thread(message: Message, recipients: Sequence[str]) -> Thread:
    """Token in a recipient first; headers are only believed for ids that the caller can verify."""
    visible = [
        *recipients,
        header(message, "delivered-to"),
        *addresses(message, "to"),
        *addresses(message, "cc"),
    ]
    answered = MESSAGE_ID.findall(header(message, "in-reply-to"))
    return Thread(
        token=next((token for one in visible if (token := tokens.token_in("reply", one))), None),
        message_id=answered[0] if answered else None,
        references=tuple(MESSAGE_ID.findall(header(message, "references"))[-50:]),
        subject=plain_subject(header(message, "subject")),
    )


def is_automatic(message: Message, sender: str | None) -> bool:
    """Whether a program wrote it: never answered, never resumes a flow."""
    if sender == "" or header(message, "return-path").strip() == "<>":
        return True
    submitted = header(message, "auto-submitted").split(";")[0].strip().lower()
    precedence = header(message, "precedence").strip().lower()
    return (
        submitted not in ("", "no")
        or precedence in ("bulk", "list", "junk", "auto_reply")
        or any(header(message, name) for name in ("list-id", "x-autoreply", "x-autorespond", "x-autoresponder"))
        or message.get_content_type() == "multipart/report"
    )


def message_id(message: Message) -> str | None:
    """Without brackets."""
    found = MESSAGE_ID.search(header(message, "message-id"))
    return found[1] if found else None


def contents(message: Message) -> tuple[str, str | None, list[Attachment]]:
    """Text, HTML and files. The text comes from the HTML when there is no other."""
    texts, htmls, files = [], [], []
    for part in leaves(message):
        kind = part.get_content_type()
        name = filename(part)
        attached = name or header(part, "content-disposition").lower().startswith("attachment")
        if kind in ("text/plain", "text/html") and not attached:
            limit = MAX_TEXT if kind == "text/plain" else MAX_HTML
            text = decode_octets(octets(part)[: limit * 4], charset(part))[:limit]
            (texts if kind == "text/plain" else htmls).append(unflowed(part, text))
        elif kind != "text/rfc822-headers":
            files.append(Attachment(content_type=kind, name=name or default_name(kind), content=octets(part)))
    html = "\n".join(htmls) or None
    text = "\n\n".join(text.strip() for text in texts if text.strip())
    return text or text_of_html(html or "")[:MAX_TEXT], html, files


def leaves(message: Message) -> Iterator[Message]:
    """The parts that hold something, in order. A mail inside the mail counts as one file."""
    stack, seen = [(message, 0)], 0
    while stack and seen < MAX_PARTS:
        part, depth = stack.pop()
        children = part.get_payload()
        if part.get_content_maintype() == "multipart" and isinstance(children, list):
            if depth < MAX_DEPTH:
                stack += [(child, depth + 1) for child in reversed(children) if isinstance(child, Message)]
            continue
        seen += 1
        yield part


def octets(part: Message) -> bytes:
    payload = part.get_payload()
    if isinstance(payload, list):  # message/rfc822
        try:
            return b"".join(child.as_bytes() for child in payload if isinstance(child, Message))
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            return b""
    try:
        decoded = part.get_payload(decode=True)
    except (ValueError, LookupError, TypeError, AttributeError):
        return str(payload).encode("utf-8", "replace")
    return decoded if isinstance(decoded, bytes) else b""


def charset(part: Message) -> str:
    return str(parameter(part, "charset", "content-type") or "")


def filename(part: Message) -> str:
    name = parameter(part, "filename", "content-disposition") or parameter(part, "name", "content-type")
    return re.sub(r"[/\\:]", "_", decode_header(name or ""))[:200].strip()


def parameter(part: Message, name: str, header: str) -> str | None:
    """A parameter, with the three ways of writing non-ASCII ones undone."""
    try:
        value = part.get_param(name, None, header)
    except (ValueError, LookupError, TypeError, AttributeError):
        return None
    if isinstance(value, tuple):
        return decode_octets(value[2].encode("latin-1", "replace"), value[0] or "utf-8")
    return value if isinstance(value, str) else None


def unflowed(part: Message, text: str) -> str:
    """RFC 3676: a line that ends in a space goes on in the next."""
    text = clean_text(text)
    if (parameter(part, "format", "content-type") or "").lower() != "flowed":
        return text
    return re.sub(r"(?m)^(?!>)((?!-- $).*) \n(?!>)", r"\1 ", text)


def default_name(kind: str) -> str:
    return {"message/rfc822": "message.eml", "text/calendar": "invite.ics"}.get(kind, "file")


def addresses(message: Message, name: str) -> list[str]:
    return re.findall(r"[^\s<>,;\"@]{1,64}@[^\s<>,;\"@]{1,255}", header(message, name))[:100]


def urn_of(address: str) -> urns.Urn | None:
    try:
        return urns.make("mailto", address.strip())
    except urns.BadUrn:
        return None


def fingerprint(raw: bytes) -> str:
    """Stands in for a missing Message-ID, so that a repeat is still known as one."""
    return hashlib.sha256(raw).hexdigest()[:40] + "@no-message-id"
