"""Names that are taken, as this API says it."""

from collections.abc import Awaitable
from typing import TypeVar

from trunkline.core.errors import Conflict
from trunkline.dialects.rapidpro.errors import Rejected

T = TypeVar("T")


async def unique(writing: Awaitable[T], field: str = "name") -> T:
    """What was written; a conflict is a name that is taken."""
    try:
        return await writing
    except Conflict:
        raise Rejected({field: ["This field must be unique."]}) from None
