"""Memory of a long-lived process."""

import ctypes
import gc
import sys
from contextlib import suppress


def settle() -> None:
    """Give back what loading left behind, and look for garbage seldom.

    What is loaded stays, so the collector need not walk it again; rows and messages are freed when the last name
    for them goes, so the collector has only the rare cycle to find.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    if sys.platform == "linux":
        with suppress(AttributeError):  # another C library
            ctypes.CDLL(None).mallopt(M_ARENA_MAX, ARENAS)
            ctypes.CDLL(None).malloc_trim(0)


M_ARENA_MAX = -8
ARENAS = 2
"""Enough for one thread that works and some that wait; more of them give memory back late."""
