"""Paging: signed keyset cursors for walks, page numbers for tables. Each dialect renders them its own way."""

from typing import TypeVar

import msgspec

from trunkline.core.crypto import Vault

T = TypeVar("T")


class BadCursor(ValueError):
    """A cursor that we did not make, or made for another walk."""


def encode(vault: Vault, walk: str, values: tuple[object, ...]) -> str:
    """An opaque cursor after the row with these sort values.

    `walk` names the list and whose it is (`"contacts:17"`); the cursor opens in that walk alone.
    """
    return vault.sign(f"cursor:{walk}", msgspec.msgpack.encode(values))


def decode(vault: Vault, walk: str, text: str, type: type[T]) -> T:
    """The values that `encode` took; `type` is their tuple, like `tuple[datetime, int]`."""
    payload = vault.verify(f"cursor:{walk}", text)
    if payload is None:
        raise BadCursor("Invalid cursor.")
    try:
        return msgspec.msgpack.decode(payload, type=type)
    except msgspec.DecodeError:
        # Signed by an older release whose rows were sorted differently.
        raise BadCursor("Invalid cursor.") from None


class Page(msgspec.Struct, frozen=True):
    """One page of a numbered list: the request, before the rows are known."""

    number: int
    per_page: int

    @property
    def offset(self) -> int:
        return (self.number - 1) * self.per_page

    def last(self, total: int) -> int:
        """The number of the last page; an empty list has one page."""
        return max(1, -(-total // self.per_page))

    def span(self, rows: int) -> tuple[int, int] | tuple[None, None]:
        """Numbers of the first and last row shown, as in "21 to 40"."""
        return (self.offset + 1, self.offset + rows) if rows else (None, None)


def page(number: int = 1, per_page: int = 20, *, most: int = 100) -> Page:
    """The page asked for, both numbers brought into range; offsets stay within what a database counts."""
    size = min(max(per_page, 1), most)
    return Page(number=min(max(number, 1), MAX_OFFSET // size), per_page=size)


MAX_OFFSET = 2**53
