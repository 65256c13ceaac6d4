"""How much, and how slowly, a client may send."""

from collections.abc import Callable

import msgspec

MEBIBYTE = 1024 * 1024

BodyCap = Callable[[str, str], int]
"""Greatest body in bytes for a path and a method."""


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
    """This request goes no further: answer `status`, then hang up."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def one_mebibyte(path: str, method: str) -> int:
    return MEBIBYTE
