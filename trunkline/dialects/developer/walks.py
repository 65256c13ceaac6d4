"""Cursors of this dialect's lists, and the company that a list may be narrowed to."""

from collections.abc import Sequence
from typing import Any, TypeVar
from uuid import UUID

from trunkline.contacts import companies
from trunkline.core import paging
from trunkline.dialects.base import Call, Cursor, Invalid, Tx

T = TypeVar("T")

NOBODY = 0
"""The id of no company."""


def behind(call: Call, walk: str, cursor: Cursor, kind: type[T]) -> T | None:
    """Where the walk goes on, from the cursor that we gave out."""
    if cursor.after is None:
        return None
    try:
        return paging.decode(call.vault, f"{walk}:{call.caller.account}", cursor.after, kind)
    except paging.BadCursor as error:
        raise Invalid({"cursor": [str(error)]}) from None


def further(call: Call, walk: str, cursor: Cursor, rows: Sequence[Any], last: tuple[object, ...]) -> str | None:
    """The cursor after a full page."""
    if cursor.limit is None or len(rows) < cursor.limit:
        return None
    return paging.encode(call.vault, f"{walk}:{call.caller.account}", last)


async def company(tx: Tx, id: str | None) -> int | None:
    """The id inside of the company that is asked for; one that does not exist has nobody."""
    if id is None:
        return None
    try:
        found = await companies.by_uuid(tx, UUID(id))
    except ValueError:
        return NOBODY
    return found.id if found else NOBODY
