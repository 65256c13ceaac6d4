"""How much, and how slowly, a client may send."""

from collections.abc import Callable

import msgspec

MEBIBYTE = 1024 * 1024

BodyCap = Callable[[str, str], int]
"""Greatest body in bytes for a path and a method."""

Wording = Callable[[str, int, str], bytes]
"""The JSON body of our own refusal of a request: for its path (empty when unknown), our status and our sentence."""


class Limits(msgspec.Struct, frozen=True):
    """Sizes in bytes, times in seconds. The defaults are what we promise; tests shorten the times."""

    head_bytes: int = 32 * 1024
    head_lines: int = 100
    head_seconds: float = 10
    idle_seconds: float = 75
    body_seconds: float = 60
    body_stall_seconds: float = 30
    body_rate: int = 16 * 1024
    write_stall_seconds: float = 60
    linger_seconds: float = 2
    handshake_seconds: float = 10


class Rejected(Exception):
    """This request goes no further: answer `status`, then hang up. `path` is known once the first line was read."""

    def __init__(self, status: int, message: str, path: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.path = path


def plain(path: str, status: int, message: str) -> bytes:
    return msgspec.json.encode({"message": message})


def one_mebibyte(path: str, method: str) -> int:
    return MEBIBYTE
