"""Walks: lists in pages whose links remember where they were, so that rows may come and go meanwhile."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import urlencode

from msgspec import Struct

from trunkline.core import paging
from trunkline.dialects.answers import Paged
from trunkline.dialects.calls import Call
from trunkline.dialects.refusals import BadCursor

T = TypeVar("T")

Place = tuple[datetime, int]
"""The moment and the id by which a row is sorted."""


class Span(Struct, frozen=True):
    """What to fetch: at most `limit` rows behind `after`, from the oldest or from the newest on."""

    after: Place | None
    limit: int
    oldest_first: bool


class WalkOut(Struct, frozen=True):
    next: str | None
    previous: str | None
    results: Sequence[Any]


class Walk:
    """Where a request stands in a list, and how it goes on from there."""

    __slots__ = ("_back", "_call", "_place", "_size")

    def __init__(self, call: Call, size: int, place: Place | None, back: bool) -> None:
        self._call = call
        self._size = size
        self._place = place
        self._back = back

    async def page(
        self,
        fetch: Callable[[Span], Awaitable[Sequence[T]]],
        place: Callable[[T], Place],
        *,
        oldest_first: bool = False,
    ) -> Paged[T]:
        """The page with its cursors. One row more than a page tells whether there is another."""
        found = list(await fetch(Span(self._place, self._size + 1, oldest_first is not self._back)))
        more, rows = len(found) > self._size, found[: self._size]
        if self._back:
            rows.reverse()
        if not rows:
            return Paged([])
        has_next, has_previous = (True, more) if self._back else (more, self._place is not None)
        return Paged(
            rows,
            next=self._cursor(place(rows[-1]), back=False) if has_next else None,
            previous=self._cursor(place(rows[0]), back=True) if has_previous else None,
        )

    def _cursor(self, place: Place, *, back: bool) -> str:
        asked = {name: values for name, values in self._call.query.items() if name != CURSOR}
        return paging.encode(self._call.vault, _name(self._call), (*place, back, asked))


class Walks:
    """`{"next", "previous", "results"}` with absolute links and pages of one size.

    A cursor also remembers what was asked for, so that it leads on when it is sent alone.
    """

    def __init__(self, size: int) -> None:
        self.size = size

    def read(self, call: Call) -> Walk:
        given = call.query.get(CURSOR)
        if not given or not given[-1]:
            return Walk(call, self.size, None, back=False)
        kind = tuple[datetime, int, bool, dict[str, list[str]]]
        try:
            at, id, back, asked = paging.decode(call.vault, _name(call), given[-1], kind)
        except (paging.BadCursor, UnicodeEncodeError):
            raise BadCursor from None
        if set(call.query) == {CURSOR}:
            call.ask({**asked, CURSOR: given})
        return Walk(call, self.size, (at, id), back)

    def envelope(self, call: Call, paged: Paged[Any]) -> tuple[object, Mapping[str, str]]:
        return WalkOut(_link(call, paged.next), _link(call, paged.previous), paged.rows), {}

    def parameters(self) -> list[dict[str, Any]]:
        text = "From `next` or `previous` of the answer before."
        return [{"name": CURSOR, "in": "query", "schema": {"type": "string"}, "description": text}]


def schema(rows: dict[str, Any]) -> dict[str, Any]:
    """One page of a walk, for documents."""
    link = {"type": ["string", "null"], "format": "uri"}
    return {
        "type": "object",
        "required": ["next", "previous", "results"],
        "properties": {"next": link, "previous": link, "results": rows},
    }


def _link(call: Call, cursor: str | None) -> str | None:
    if cursor is None:
        return None
    asked = {name: values for name, values in call.query.items() if name != CURSOR}
    return f"{call.url(call.path)}?{urlencode({**asked, CURSOR: cursor}, doseq=True)}"


def _name(call: Call) -> str:
    """A cursor opens in the list and the account that it was made for."""
    return f"{call.path}:{call.caller.account}"


CURSOR = "cursor"
