"""The head of a request: request line and header fields, matched as a whole or refused.

Grammar of RFC 9112, minus everything that lets two servers disagree about one message.
"""

import re
from urllib.parse import unquote

import msgspec

from trunkline.server.limits import Limits, Rejected

METHODS = {b"GET", b"HEAD", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS"}
NEVER = {b"TRACE", b"CONNECT", b"QUERY"}  # known to everybody, allowed nowhere
JUDGED = {b"host", b"content-length", b"transfer-encoding", b"content-encoding", b"expect", b"connection"}

# Possessive quantifiers: a hostile head must not make the expression walk back.
TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]++"
TARGET = rb"[!\x22$-\x7e]++"  # visible ASCII but for the fragment mark
LINE = rb"(" + TOKEN + rb") (" + TARGET + rb") HTTP/(\d\.\d)\r\n"
FIELD = TOKEN + rb":[^\x00-\x08\x0a-\x1f\x7f]*+\r\n"

REQUEST_LINE = re.compile(LINE)
HEAD = re.compile(LINE + rb"((?:" + FIELD + rb")*+)\r\n")
STRAY_LINE_END = re.compile(rb"(?<!\r)\n|\r(?!\n|\Z)")
HOST = re.compile(rb"(?:[A-Za-z0-9._-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(?::(\d{1,5}))?")
ABSOLUTE = re.compile(rb"https?://([^/?]*+)(.*+)", re.IGNORECASE)
CLOSE = re.compile(rb"(?:^|,)[ \t]*close[ \t]*(?:,|$)", re.IGNORECASE)
LENGTH = re.compile(rb"[0-9]{1,18}")


class Head(msgspec.Struct, gc=False):
    method: str
    version: str
    path: str
    raw_path: bytes
    query: bytes
    headers: list[tuple[bytes, bytes]]
    length: int
    chunked: bool
    expects_continue: bool
    keep_alive: bool


def read(block: bytes, limits: Limits) -> Head:
    """The head in `block`, which ends with its empty line. Raises Rejected."""
    match = HEAD.fullmatch(block)
    if match is None:
        raise Rejected(400, "Malformed header." if REQUEST_LINE.match(block) else "Malformed request line.")
    method, target, version, lines = match.groups()
    try:
        return _judged(method, target, version, lines, limits)
    except Rejected as rejected:
        rejected.path = target.partition(b"?")[0].decode("ascii")
        raise


def check_part(part: bytes, scanned: int, limits: Limits) -> None:
    """Refuse early what can no longer become a head; `scanned` bytes of it were seen before."""
    if len(part) >= limits.head_bytes:
        raise Rejected(400, "The request head is too large.")
    if STRAY_LINE_END.search(part, max(scanned - 1, 0)):
        raise Rejected(400, "Lines must end with CRLF.")
    end = part.find(b"\r\n")
    if end >= scanned - 1 and end >= 0 and not REQUEST_LINE.match(part):
        raise Rejected(400, "Malformed request line.")
    if not 0x21 <= part[0] <= 0x7E:
        raise Rejected(400, "Malformed request line.")


def _judged(method: bytes, target: bytes, version: bytes, lines: bytes, limits: Limits) -> Head:
    if version not in (b"1.1", b"1.0"):
        raise Rejected(400, "Only HTTP/1.1 and HTTP/1.0 are spoken here.")
    if method not in METHODS:
        raise Rejected(405 if method in NEVER else 501, f"Method {method.decode()[:32]} is not supported.")
    headers, judged = _fields(lines, limits)
    modern = version == b"1.1"
    host = judged.get(b"host")
    _check_host(host, required=modern)
    raw_path, query = _split(target, method, host)
    length, chunked = _framing(judged, modern)
    path = raw_path.decode("ascii")
    return Head(
        method=method.decode("ascii"),
        version="1.1" if modern else "1.0",
        path=unquote(path) if "%" in path else path,
        raw_path=raw_path,
        query=query,
        headers=headers,
        length=length,
        chunked=chunked,
        expects_continue=modern and _expects_continue(judged.get(b"expect")),
        keep_alive=modern and not CLOSE.search(judged.get(b"connection", b"")),
    )


def _fields(lines: bytes, limits: Limits) -> tuple[list[tuple[bytes, bytes]], dict[bytes, bytes]]:
    headers: list[tuple[bytes, bytes]] = []
    judged: dict[bytes, bytes] = {}
    for line in lines.split(b"\r\n")[:-1]:
        name, _, value = line.partition(b":")
        name, value = name.lower(), value.strip(b" \t")
        headers.append((name, value))
        if name in JUDGED:
            if name in judged and name != b"connection":
                raise Rejected(400, f"Repeated {name.decode()} header.")
            judged[name] = judged[name] + b"," + value if name in judged else value
    if len(headers) > limits.head_lines:
        raise Rejected(400, "Too many header lines.")
    if judged.get(b"content-encoding", b"identity").lower() not in (b"identity", b""):
        raise Rejected(415, "Encoded request bodies are not accepted.")
    return headers, judged


def _check_host(host: bytes | None, *, required: bool) -> None:
    if host is None:
        if required:
            raise Rejected(400, "The Host header is missing.")
        return
    match = HOST.fullmatch(host)
    if match is None or int(match[1] or 0) > 65535:
        raise Rejected(400, "The Host header is not valid.")


def _split(target: bytes, method: bytes, host: bytes | None) -> tuple[bytes, bytes]:
    """Path and query of the request target."""
    if target[0] != 0x2F:  # "/"
        if target == b"*" and method == b"OPTIONS":
            return target, b""
        absolute = ABSOLUTE.fullmatch(target)
        if absolute is None or absolute[1].lower() != (host or absolute[1]).lower() or not HOST.fullmatch(absolute[1]):
            raise Rejected(400, "The request target is not valid.")
        target = absolute[2] if absolute[2].startswith(b"/") else b"/" + absolute[2]
    path, _, query = target.partition(b"?")
    return path, query


def _framing(judged: dict[bytes, bytes], modern: bool) -> tuple[int, bool]:
    """Length of the body, and whether it comes in chunks."""
    length, coding = judged.get(b"content-length"), judged.get(b"transfer-encoding")
    if coding is not None:
        if length is not None:
            raise Rejected(400, "Content-Length and Transfer-Encoding exclude each other.")
        if coding.lower() != b"chunked" or not modern:
            raise Rejected(400, "The only transfer coding is chunked, over HTTP/1.1.")
        return 0, True
    if length is None:
        return 0, False
    if not LENGTH.fullmatch(length):
        raise Rejected(400, "Content-Length is not a number.")
    return int(length), False


def _expects_continue(expect: bytes | None) -> bool:
    if expect is None:
        return False
    if expect.lower() != b"100-continue":
        raise Rejected(417, "The only expectation is 100-continue.")
    return True
