"""From a message to the bytes of a mail. Written by hand because broadcasts need thousands a second."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache

from msgspec import Struct

from trunkline.channels.base import Mail, Outbound, SendError
from trunkline.channels.mail import bodies, tokens
from trunkline.channels.mail.words import address, list_header, mailbox, structured, text_header

HEADER_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,70}")
OURS = frozenset(
    (
        *("from", "to", "cc", "bcc", "sender", "subject", "date", "message-id", "reply-to", "in-reply-to"),
        *("references", "mime-version", "content-type", "content-transfer-encoding", "return-path"),
        *("received", "dkim-signature", "list-unsubscribe", "list-unsubscribe-post"),
    )
)


class Letterhead(Struct, frozen=True, kw_only=True):
    """What all mail of one channel shares. `key` signs the Message-ID."""

    from_: str
    key: bytes
    from_name: str = ""
    inbound_domain: str = ""
    bounce_domain: str = ""


class Letter(Struct, frozen=True, kw_only=True):
    """A mail ready to go: its envelope and its bytes. `message_id` is without brackets."""

    message_id: str
    sender: str
    recipients: list[str]
    raw: bytes


def compose(head: Letterhead, message: Outbound, *, at: datetime) -> Letter:
    """The same Message-ID on every attempt. Raises SendError for what can never be sent."""
    mail = message.mail or Mail()
    to, from_ = checked_address(message.to.path), own_address(head.from_)
    message_id = tokens.message_id(head.key, structured(message.uuid), from_.rpartition("@")[2])
    copies = [checked_address(one) for one in mail.cc]
    lines = [
        from_line(mail.from_name or head.from_name, from_),
        f"To: {to}",
        *([list_header("Cc", copies, ",")] if copies else []),
        text_header("Subject", mail.subject),
        f"Date: {date(at.astimezone(UTC).replace(microsecond=0))}",
        f"Message-ID: <{message_id}>",
        *reply_lines(head, mail),
        *thread_lines(mail),
        *unsubscribe_lines(mail),
        *extra_lines(message.extra.get("headers") or {}),
        "MIME-Version: 1.0",
        bodies.content(message.text, mail.html, message.attachments, boundary(message_id)),
    ]
    return Letter(
        message_id=message_id,
        sender=envelope_sender(head, mail, from_),
        recipients=list(dict.fromkeys([to, *copies, *(checked_address(one) for one in mail.bcc)])),
        raw="\r\n".join(lines).encode("ascii"),
    )


def envelope_sender(head: Letterhead, mail: Mail, from_: str) -> str:
    """Bounces come back to an address that names the message, so that no bounce text need be understood."""
    if not (head.bounce_domain and mail.bounce_token):
        return from_
    return tokens.address("bounce", checked_token(mail.bounce_token), head.bounce_domain)


def reply_lines(head: Letterhead, mail: Mail) -> list[str]:
    if not (head.inbound_domain and mail.reply_token):
        return []
    return [f"Reply-To: {tokens.address('reply', checked_token(mail.reply_token), head.inbound_domain)}"]


def thread_lines(mail: Mail) -> list[str]:
    answered = [bracketed(mail.in_reply_to)] if mail.in_reply_to else []
    # Ten are enough for every reader to find the thread, and the header stays short in long talks.
    chain = list(dict.fromkeys([bracketed(one) for one in mail.references][-10:] + answered))
    lines = [f"In-Reply-To: {answered[0]}"] if answered else []
    return [*lines, list_header("References", chain, "")] if chain else lines


def unsubscribe_lines(mail: Mail) -> list[str]:
    """RFC 2369 and 8058: one click on the https address, a mail to the other."""
    if not (mail.unsubscribe_url or mail.unsubscribe_mailto):
        return []
    mailto = mail.unsubscribe_mailto and "mailto:" + mail.unsubscribe_mailto.removeprefix("mailto:")
    targets = [f"<{structured(one)}>" for one in (mail.unsubscribe_url, mailto) if one]
    lines = [list_header("List-Unsubscribe", targets, ",")]
    return [*lines, "List-Unsubscribe-Post: List-Unsubscribe=One-Click"] if mail.unsubscribe_url else lines


def extra_lines(headers: Mapping[str, str]) -> list[str]:
    for name, value in headers.items():
        if not HEADER_NAME.fullmatch(name) or name.lower() in OURS or "\r" in value or "\n" in value:
            raise SendError("invalid", f"Header {name[:70]!r} cannot be set this way.")
    return [text_header(name, value) for name, value in headers.items()]


def boundary(message_id: str) -> str:
    """`=_` never occurs in encoded text, and whoever writes a plain part cannot know what is signed into our ids."""
    return "=_" + message_id.partition("@")[0].rpartition(".")[2]


def bracketed(message_id: str) -> str:
    return f"<{structured(message_id.strip('<> '))}>"


def checked_token(token: str) -> str:
    if not tokens.TOKEN.fullmatch(token):
        raise SendError("invalid", "A token in an address may hold letters, digits, dots, hyphens, underscores.")
    return token


@lru_cache(4096)
def checked_address(text: str) -> str:
    return address(text)


def own_address(text: str) -> str:
    try:
        return checked_address(text)
    except SendError as error:
        raise SendError("config", error.detail, retry=True, stop_channel=True) from None


@lru_cache(256)
def from_line(name: str, address: str) -> str:
    return f"From: {mailbox(name, address)}"


@lru_cache(8)
def date(at: datetime) -> str:
    return format_datetime(at)
