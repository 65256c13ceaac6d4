"""Short lists, of which a workspace has some hundreds at most: read whole, walked in memory."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from trunkline.dialects.walking import Place, Span

T = TypeVar("T")


def walked(rows: Sequence[T], place: Callable[[T], Place]) -> Callable[[Span], Awaitable[Sequence[T]]]:
    """What a walk fetches from, when all rows are there."""

    async def fetch(span: Span) -> list[T]:
        behind = (
            row
            for row in rows
            if span.after is None or (place(row) > span.after if span.oldest_first else place(row) < span.after)
        )
        return sorted(behind, key=place, reverse=not span.oldest_first)[: span.limit]

    return fetch
