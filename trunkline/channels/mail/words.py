"""Header text on the wire: encoded words, folding, display names and addresses.

Free text (subjects, names) is cleaned of line breaks; a structured value with one is refused.
"""

import re
from base64 import b64encode
from collections.abc import Sequence

from trunkline.channels.base import SendError
from trunkline.core import mailaddr

WIDTH = 76
CONTROL = re.compile(r"[\x00-\x1f\x7f]")
PLAIN_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+")
REPLY_MARK = re.compile(
    r"^(?:(?:re|fwd?|aw|wg|sv|rv|ref|tr|odp|r|fw|răsp|rasp|enc|antw)(?:\[\d+\])?\s?:\s*)+", re.IGNORECASE
)
ENCODED_WORD = "=?utf-8?b?{}?="


def plain_subject(subject: str) -> str:
    """Without "Re:" and its kin, lower case: what mails of one thread have in common."""
    return REPLY_MARK.sub("", subject[:998]).strip().lower()


def text_header(name: str, text: str) -> str:
    """`Subject: …` for any text, folded and encoded as needed."""
    text = clean(text)
    line = f"{name}: {text}"
    if text.isascii() and "=?" not in text:
        if len(line) <= WIDTH:
            return line
        words = text.split(" ")
        if max(map(len, words)) < 900:
            return fold(f"{name}:", words)
    return f"{name}: " + encoded(text, first=WIDTH - len(name) - 2)


def list_header(name: str, items: Sequence[str], separator: str) -> str:
    """`To: a,\\r\\n b`: items of a structured header, one a line once they no longer fit one line."""
    line = f"{name}: " + f"{separator} ".join(items)
    return line if len(line) <= WIDTH else f"{name}: " + f"{separator}\r\n ".join(items)


def mailbox(name: str, address: str) -> str:
    """`Name <address>`, or the address alone."""
    name = clean(name)
    if not name:
        return address
    if not name.isascii() or "=?" in name or len(name) > 200:
        return f"{encoded(name, first=60)}\r\n <{address}>"
    if not PLAIN_NAME.fullmatch(name):
        name = '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return f"{name} <{address}>"


def address(text: str) -> str:
    """The address as it goes on the wire: checked, its domain in ASCII."""
    try:
        return mailaddr.parse(text)
    except mailaddr.BadEmail as error:
        raise SendError("invalid", f"{error} ({text[:100]!r})") from None


def structured(text: str) -> str:
    """A value that goes into a header as it stands; a line break in it is an attack, never a slip."""
    if not text.isascii() or CONTROL.search(text) or len(text) > 900:
        raise SendError("invalid", f"Not allowed in a mail header: {text[:100]!r}")
    return text


def clean(text: str) -> str:
    return CONTROL.sub("", " ".join(text.split()))


def encoded(text: str, *, first: int) -> str:
    """RFC 2047 words of whole characters; `first` is the room left on the first line."""
    words, chunk, room = [], b"", (first - 12) // 4 * 3
    for character in text:
        octets = character.encode("utf-8", "replace")
        if len(chunk) + len(octets) > room:
            words.append(chunk)
            chunk, room = b"", 45
        chunk += octets
    words.append(chunk)
    return "\r\n ".join(ENCODED_WORD.format(b64encode(word).decode()) for word in words)


def fold(start: str, words: Sequence[str]) -> str:
    lines = [f"{start} {words[0]}"]
    for word in words[1:]:
        if len(lines[-1]) + len(word) < WIDTH:
            lines[-1] += " " + word
        else:
            lines.append(" " + word)
    return "\r\n".join(lines)
