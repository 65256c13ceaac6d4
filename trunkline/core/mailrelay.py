"""The operator's mail relay, by which the installation itself writes to people: a URL and a sender."""

from typing import Literal
from urllib.parse import parse_qsl, unquote, urlsplit

from msgspec import Struct

from trunkline.core import mailaddr

PORTS = {"smtp": 587, "smtps": 465}


class MailRelay(Struct, frozen=True, kw_only=True):
    host: str
    port: int
    username: str
    password: str
    tls: Literal["none", "starttls", "tls"]
    sender: str


def parse(url: str, sender: str, public_url: str = "") -> MailRelay | None:
    """`smtp://user:password@host:587` with STARTTLS, or with `?tls=none` in the clear; `smtps://` with TLS at once.

    None without a URL. Raises ValueError with a sentence, which does not repeat the password.
    """
    if not url:
        return None
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError("TRUNKLINE_SMTP_URL is not a URL.") from None
    asked = dict(parse_qsl(parts.query))
    wrong = parts.path.strip("/") or set(asked) - {"tls"} or asked.get("tls", "none") != "none"
    if parts.scheme not in PORTS or not parts.hostname or wrong:
        raise ValueError("TRUNKLINE_SMTP_URL must look like smtp://user:password@host:587 or smtps://….")
    return MailRelay(
        host=parts.hostname,
        port=port or PORTS[parts.scheme],
        username=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        tls="none" if asked else "tls" if parts.scheme == "smtps" else "starttls",
        sender=_sender(sender) if sender else f"trunkline@{urlsplit(public_url).hostname or 'localhost'}",
    )


def _sender(text: str) -> str:
    try:
        return mailaddr.parse(text)
    except ValueError as error:
        raise ValueError(f"TRUNKLINE_MAIL_FROM: {error}") from None
