"""SIP messages (RFC 3261, section 7): read from a datagram, written to one. Pure."""

import re
from collections.abc import Iterator

from msgspec import Struct

LONGEST = 65_535
MOST_HEADERS = 200


class BadMessage(ValueError):
    """Not a SIP message, or one that must not be written."""


class Message(Struct, frozen=True, kw_only=True):
    """A request has a method, a response a status. Header names are lower-case and long; their order is kept."""

    method: str = ""
    uri: str = ""
    status: int = 0
    reason: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    @property
    def is_request(self) -> bool:
        return bool(self.method)

    def first(self, name: str) -> str:
        """The first value of a header, or nothing."""
        return next((value for key, value in self.headers if key == name), "")

    def every(self, name: str) -> list[str]:
        """All values of a header that may be repeated or hold a list."""
        return [part for key, value in self.headers if key == name for part in split(value)]

    @property
    def call_id(self) -> str:
        return self.first("call-id")

    @property
    def branch(self) -> str:
        return parameter(next(iter(self.every("via")), ""), "branch") or ""

    @property
    def sequence(self) -> tuple[int, str]:
        """Number and method of CSeq."""
        number, _, method = self.first("cseq").partition(" ")
        return (int(number) if number.isascii() and number.isdecimal() else 0), method.strip().upper()


def read(datagram: bytes) -> Message:
    """Raises `BadMessage`. What stands after the announced length of the body is cut off."""
    head, blank, body = datagram.partition(b"\r\n\r\n")
    if len(datagram) > LONGEST or not blank:
        raise BadMessage("not a whole message")
    start, *lines = head.decode("utf-8", "replace").lstrip("\r\n").split("\r\n")
    headers = tuple(_headers(lines))
    if len(headers) > MOST_HEADERS:
        raise BadMessage("too many headers")
    message = _started(start, headers)
    for name in ("via", "from", "to", "call-id", "cseq"):
        if not message.first(name):
            raise BadMessage(f"no {name}")
    length = message.first("content-length")
    if length:
        if not (length.isascii() and length.isdecimal() and len(length) < 7) or int(length) > len(body):
            raise BadMessage("the length of the body is wrong")
        body = body[: int(length)]
    return Message(
        method=message.method, uri=message.uri, status=message.status, reason=message.reason,
        headers=tuple(pair for pair in headers if pair[0] != "content-length"), body=body,
    )  # fmt: skip


def write(message: Message) -> bytes:
    """The datagram, with the length of the body. Raises `BadMessage` when a value would break out of its line."""
    start = (
        f"{message.method} {message.uri} SIP/2.0"
        if message.is_request
        else f"SIP/2.0 {message.status:03} {message.reason}"
    )
    lines = [start, *(f"{spelled(name)}: {value}" for name, value in message.headers)]
    if any(UNSAFE.search(line) for line in lines):
        raise BadMessage("a line break or control character in a line")
    lines.append(f"Content-Length: {len(message.body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + message.body


def respond(request: Message, status: int, reason: str, *, tag: str, more: tuple[tuple[str, str], ...] = ()) -> Message:
    """An answer to a request, which goes back the way it came."""
    to = request.first("to")
    to = to if parameter(to, "tag") or status == 100 else f"{to};tag={tag}"
    headers = [(name, value) for name, value in request.headers if name == "via"]
    headers += [("from", request.first("from")), ("to", to)]
    headers += [("call-id", request.call_id), ("cseq", request.first("cseq")), *more]
    return Message(status=status, reason=reason, headers=tuple(headers))


def address(value: str) -> str:
    """The URI in From, To, Contact or Route."""
    value = NAME_SHOWN.sub("", value, count=1)
    inside = ANGLED.search(value)
    return inside[1].strip() if inside else value.partition(";")[0].strip()


def parameter(value: str, name: str) -> str | None:
    """A parameter of a header's value, outside of its URI; an empty one when it has no value."""
    outside = ANGLED.sub("", NAME_SHOWN.sub("", value, count=1), count=1)
    for part in outside.split(";")[1:]:
        key, _, told = part.partition("=")
        if key.strip().lower() == name:
            return told.strip().strip('"')
    return None


def place(uri: str) -> tuple[str, int] | None:
    """Host and port of a sip: URI; none for what we cannot reach by UDP."""
    found = URI.fullmatch(uri.strip())
    if found is None:
        return None
    port = int(found["port"] or 5060)
    return (found["host"].strip("[]").lower(), port) if 0 < port < 65_536 else None


def split(value: str) -> list[str]:
    """The parts of a list, at commas outside of quotes and angles."""
    return [part.strip() for part in PART.findall(value) if part.strip()]


def spelled(name: str) -> str:
    return SPELLINGS.get(name) or name.title()


def _started(start: str, headers: tuple[tuple[str, str], ...]) -> Message:
    if answer := RESPONSE.fullmatch(start):
        return Message(status=int(answer[1]), reason=answer[2] or "", headers=headers)
    if request := REQUEST.fullmatch(start):
        return Message(method=request[1].upper(), uri=request[2], headers=headers)
    raise BadMessage("neither a request nor a response")


def _headers(lines: list[str]) -> Iterator[tuple[str, str]]:
    unfolded: list[str] = []
    for line in lines:
        if line[:1] in (" ", "\t") and unfolded:
            unfolded[-1] += " " + line.strip()
        else:
            unfolded.append(line)
    for line in unfolded:
        name, colon, value = line.partition(":")
        name = name.strip().lower()
        if not (colon and NAME.fullmatch(name)):
            raise BadMessage("a header without a name")
        yield COMPACT.get(name, name), value.strip()


REQUEST = re.compile(r"([A-Za-z]{1,32}) (\S{1,2000}) SIP/2\.0", re.ASCII)
RESPONSE = re.compile(r"SIP/2\.0 ([1-6][0-9]{2})(?: (.*))?", re.ASCII)
NAME = re.compile(r"[a-z0-9\-.!%*_+`'~]{1,100}")
UNSAFE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
NAME_SHOWN = re.compile(r'^\s*"(?:[^"\\]|\\.)*"')
ANGLED = re.compile(r"<([^<>]*)>")
PART = re.compile(r'(?:"(?:[^"\\]|\\.)*"|<[^<>]*>|[^,])+')
URI = re.compile(
    r"sip:(?:[^@\s]*@)?(?P<host>\[[0-9a-f:.]+\]|[a-z0-9_.-]+)(?::(?P<port>[0-9]{1,5}))?(?:[;?].*)?", re.IGNORECASE
)
COMPACT = {
    "i": "call-id", "f": "from", "t": "to", "v": "via", "m": "contact", "l": "content-length", "c": "content-type",
    "s": "subject", "k": "supported", "e": "content-encoding", "o": "event", "r": "refer-to", "x": "session-expires",
}  # fmt: skip
SPELLINGS = {"call-id": "Call-ID", "cseq": "CSeq", "www-authenticate": "WWW-Authenticate"}
