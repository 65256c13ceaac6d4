"""The parts of a mail: text, HTML, files. Always seven-bit, so that no relay re-encodes what we signed."""

import binascii
import html as markup
import re
from base64 import encodebytes
from collections.abc import Sequence
from urllib.parse import quote

from inscriptis import get_text
from inscriptis.model.config import ParserConfig

from trunkline.channels.base import Attachment
from trunkline.channels.mail.words import clean

LONGEST_LINE = 998
CONTENT_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+(?:; ?[a-z]+=[A-Za-z0-9._-]+)*")
TEXT_OF_HTML = ParserConfig(display_links=False)


def content(text: str, html: str | None, attachments: Sequence[Attachment], boundary: str) -> str:
    """Everything from Content-Type on: one part, alternatives, or both beside files."""
    files = [file for file in attachments if file.content is not None]
    links = [file for file in attachments if file.content is None and file.url]
    text, html = with_links(text or text_of(html), html, links)
    body = leaf("plain", text)
    if html:
        body = multipart("alternative", f"{boundary}a", [body, leaf("html", html)])
    if files:
        body = multipart("mixed", f"{boundary}m", [body, *(attachment(file) for file in files)])
    return body


def text_of(html: str | None) -> str:
    """A readable plain version of an HTML body."""
    return get_text(html, TEXT_OF_HTML).strip() if html else ""


def with_links(text: str, html: str | None, links: Sequence[Attachment]) -> tuple[str, str | None]:
    """Files whose bytes we do not have are offered by address."""
    for file in links:
        text = f"{text}\n\n{file.name or 'File'}: {file.url}" if text else file.url
        if html:
            html += f'<p><a href="{markup.escape(file.url)}">{markup.escape(file.name or file.url)}</a></p>'
    return text, html


def multipart(kind: str, boundary: str, parts: Sequence[str]) -> str:
    opening = f"--{boundary}\r\n"
    return (
        f'Content-Type: multipart/{kind}; boundary="{boundary}"\r\n\r\n'
        f"{opening}{f'{chr(13)}{chr(10)}{opening}'.join(parts)}\r\n--{boundary}--\r\n"
    )


def leaf(subtype: str, text: str) -> str:
    """A text part in the shortest encoding that survives any relay."""
    if "\r" in text or "\x00" in text:
        text = text.replace("\x00", "").replace("\r\n", "\n").replace("\r", "\n")
    text = text.replace("\n", "\r\n") + "\r\n"
    if text.isascii() and (len(text) <= LONGEST_LINE or max(map(len, text.split("\r\n"))) <= LONGEST_LINE):
        return part_head(subtype, "7bit") + text
    octets = text.encode("utf-8", "replace")
    # Quoted-printable triples whatever is not ASCII; past a fifth of such text base64 is shorter.
    if len(octets) > 1.2 * len(text):
        encoding, body = "base64", base64_lines(octets)
    else:
        encoding, body = "quoted-printable", binascii.b2a_qp(octets, istext=True).decode()
    return part_head(subtype, encoding) + body


def part_head(subtype: str, encoding: str) -> str:
    return f'Content-Type: text/{subtype}; charset="utf-8"\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n'


def attachment(file: Attachment) -> str:
    kind = file.content_type if CONTENT_TYPE.fullmatch(file.content_type) else "application/octet-stream"
    if kind.partition("/")[0].lower() in ("message", "multipart"):
        kind = "application/octet-stream"  # those may not be base64, RFC 2046
    return (
        f"Content-Type: {kind}\r\nContent-Transfer-Encoding: base64\r\n"
        f"Content-Disposition: attachment;\r\n {filename(file)}\r\n\r\n{base64_lines(file.content or b'')}"
    )


def filename(file: Attachment) -> str:
    name = clean(file.name).replace("/", "_").replace("\\", "_") or "file"
    stem, dot, suffix = name.rpartition(".")
    name = f"{stem[:60]}.{suffix[:10]}" if dot and stem else name[:70]
    if name.isascii():
        return 'filename="' + name.replace('"', "'") + '"'
    return "filename*=utf-8''" + quote(name.encode("utf-8", "replace"), safe="")


def base64_lines(octets: bytes) -> str:
    return encodebytes(octets).decode().replace("\n", "\r\n")
