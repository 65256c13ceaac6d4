"""Pages of documents: fetched through the one outgoing client, judged at each hop, and read for their text."""

from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct

from trunkline.core.egress import HTTP_PORTS, PRIVATE_ENDINGS, PRIVATE_NAMES, BadUrl, Egress, Refused
from trunkline.core.errors import Invalid
from trunkline.knowledge import reading
from trunkline.knowledge.reading import Text, Unreadable
from trunkline.knowledge.uploads import Format

MOST_BYTES = 5 * 1024 * 1024
MOST_TEXT = 50_000
REDIRECTS = 3
SECONDS = 15.0

PRIVATE = "URL points to a private/internal network address."


class Page(Struct, frozen=True):
    body: bytes
    format: Format
    charset: str | None


def check(egress: Egress, url: str, field: str = "url") -> str:
    """The URL if its form is acceptable; nothing is looked up. Raises `Invalid`."""
    try:
        return egress.check_url(url.strip(), https_only=False)
    except BadUrl as error:
        raise Invalid({field: [PRIVATE if _is_private(egress, url.strip()) else str(error)]}) from None


def host(url: str) -> str:
    """What a page is called that has no title."""
    return urlsplit(url).hostname or url


async def read(http: Any, url: str) -> Text:
    """The text of a page, cut at `MOST_TEXT` characters. Raises `Unreadable`."""
    page = await fetch(http, url)
    return await reading.read_bytes(page.body, page.format, charset=page.charset, most=MOST_TEXT)


async def fetch(http: Any, url: str) -> Page:
    """The page behind up to three redirects, each of them judged like the first address. Raises `Unreadable`.

    `http` is a `core.http.Http`, which is loaded by the first one who talks to the outside.
    """
    from trunkline.core.http import HttpFailure

    headers = {"Accept": "text/html, application/xhtml+xml, text/plain;q=0.9, application/pdf;q=0.8"}
    try:
        answer = await http.request("GET", url, headers=headers, redirects=REDIRECTS, cap=MOST_BYTES, timeout=SECONDS)
    except HttpFailure as failure:
        raise Unreadable(_told(failure)) from None
    if answer.status in (301, 302, 303, 307, 308):
        raise Unreadable(f"The page redirects more than {REDIRECTS} times.")
    if not answer.ok:
        raise Unreadable(f"The page answers with the status {answer.status}.")
    format, charset = _format(answer)
    if not answer.body.strip():
        raise Unreadable("The page is empty.")
    return Page(answer.body, format, charset)


def _format(answer: Any) -> tuple[Format, str | None]:
    """By the declared type, or by the content where none is declared."""
    declared, _, options = answer.headers.get("Content-Type", "").partition(";")
    declared = declared.strip().lower()
    charset = next((each.partition("=")[2] for each in options.split(";") if "charset=" in each.lower()), "")
    if declared == "application/pdf" or (not declared and answer.body.startswith(b"%PDF-")):
        return "pdf", None
    format = FORMATS.get(declared)
    if format is None or (format == "text" and b"\0" in answer.body[:4096]):
        raise Unreadable("The page is neither HTML nor plain text nor PDF.")
    return format, charset.strip(" \"'")[:40] or None


def _told(failure: Any) -> str:
    """For the tenant, who learns nothing about our network from it."""
    match failure.phase:
        case "refused":
            port = _port(failure.exchange.url)
            return PRIVATE if port in HTTP_PORTS else f"Port {port} is not open to us."
        case "too_big":
            return f"The page is larger than {MOST_BYTES // 2**20} MB."
        case "bad":
            return "The answer of the page's server cannot be read."
        case "after_sent":
            return f"The page did not come within {SECONDS:.0f} seconds."
        case _:
            return "The page's server cannot be reached."


def _port(url: str) -> int:
    try:
        parts = urlsplit(url)
        return parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        return 0


def _is_private(egress: Egress, url: str) -> bool:
    """Whether the host is private by its spelling."""
    try:
        name = (urlsplit(url).hostname or "").rstrip(".")
        if name in PRIVATE_NAMES or name.endswith(PRIVATE_ENDINGS):
            return True
        egress.judge(str(ip_address(name)), 443)
    except Refused:
        return True
    except ValueError:
        return False
    return False


FORMATS: dict[str, Format] = {
    "text/html": "html", "application/xhtml+xml": "html", "": "html", "text/plain": "text", "text/markdown": "text",
}  # fmt: skip
