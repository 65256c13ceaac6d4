"""Where a request body ends: by its length, or by its last chunk."""

import re
from typing import Protocol

from trunkline.server.heads import FIELD
from trunkline.server.limits import Rejected

SIZE_LINE = re.compile(rb"([0-9A-Fa-f]{1,8})(;[\t\x20-\x7e\x80-\xff]*+)?")
TRAILER = re.compile(FIELD)
LINE_BYTES = 256
EXTENSION_BYTES = 4096
# Chunks of a byte each cost far more to read than to send: so many are free, further ones must carry 64 bytes.
SMALL_CHUNKS = 16_384
FAIR_CHUNK_BYTES = 64
TRAILER_LINES = 32


class Body(Protocol):
    done: bool

    def take(self, data: bytes) -> tuple[bytes, bytes]:
        """Content found in `data`, and what of `data` is left to be understood."""
        ...


class Sized:
    def __init__(self, length: int) -> None:
        self.left = length
        self.done = not length

    def take(self, data: bytes) -> tuple[bytes, bytes]:
        piece, rest = data[: self.left], data[self.left :]
        self.left -= len(piece)
        self.done = not self.left
        return piece, rest


class Chunked:
    """Trailers are checked and dropped: a field after the body could contradict the head that was judged."""

    def __init__(self, cap: int) -> None:
        self.room = cap
        self.left = 0
        self.extensions = EXTENSION_BYTES
        self.small_chunks = SMALL_CHUNKS
        self.trailers = TRAILER_LINES
        self.read_line = self._size
        self.done = False

    def take(self, data: bytes) -> tuple[bytes, bytes]:
        at, pieces = 0, []
        while not self.done and at < len(data):
            if self.left:
                pieces.append(data[at : at + self.left])
                at += len(pieces[-1])
                self.left -= len(pieces[-1])
                continue
            line = _line(data, at)
            if line is None:
                break
            at += len(line) + 2
            self.read_line(line)
        return b"".join(pieces), data[at:]

    def _size(self, line: bytes) -> None:
        match = SIZE_LINE.fullmatch(line)
        if match is None:
            raise Rejected(400, "Malformed chunk.")
        self.extensions -= len(match[2] or b"")
        if self.extensions < 0:
            raise Rejected(400, "Too many chunk extensions.")
        self.left = int(match[1], 16)
        self.room -= self.left
        if self.room < 0:
            raise Rejected(413, "The request body is too large.")
        self.small_chunks += self.left // FAIR_CHUNK_BYTES - 1
        if self.small_chunks < 0:
            raise Rejected(400, "Too many small chunks.")
        self.read_line = self._end if self.left else self._trailer

    def _end(self, line: bytes) -> None:
        if line:
            raise Rejected(400, "Malformed chunk.")
        self.read_line = self._size

    def _trailer(self, line: bytes) -> None:
        if not line:
            self.done = True
            return
        self.trailers -= 1
        if self.trailers < 0 or not TRAILER.fullmatch(line + b"\r\n"):
            raise Rejected(400, "Malformed trailer.")


def _line(data: bytes, at: int) -> bytes | None:
    """The line that starts at `at`, without its end; None if it is not complete."""
    end = data.find(b"\n", at, at + LINE_BYTES + 2)
    if end < 0:
        if len(data) - at > LINE_BYTES:
            raise Rejected(400, "Overlong line in a chunked body.")
        return None
    if end == at or data[end - 1] != 0x0D:
        raise Rejected(400, "Lines must end with CRLF.")
    return data[at : end - 1]
