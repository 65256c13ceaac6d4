"""Audiences of the platform dialect: segments and lists, and whom a campaign says that it is for."""

from typing import Any

from trunkline.contacts import groups
from trunkline.dialects.base import Data, Invalid, Tx
from trunkline.dialects.platform import campaign_shapes as shapes
from trunkline.dialects.platform.dialect import platform


@platform.get("/segments", scope=("campaigns", "contacts"), level="view", tag="Audiences")
async def list_segments(tx: Tx) -> Data[list[shapes.GroupOut]]:
    """List the segments: groups that fill themselves by a query."""
    return Data([shapes.group(group) for group in await groups.all(tx) if group.query is not None])


@platform.get("/lists", scope=("campaigns", "contacts"), level="view", tag="Audiences")
async def list_lists(tx: Tx) -> Data[list[shapes.GroupOut]]:
    """List the lists: groups that are kept by hand."""
    return Data([shapes.group(group) for group in await groups.all(tx) if group.query is None])


async def read(tx: Tx, type: str | None, id: int | None, segment: int | None) -> dict[str, Any] | None:
    """Whom it is for; None when nothing is said about that."""
    if segment is not None:
        if type not in (None, "segment") or id not in (None, segment):
            raise Invalid({"segment_id": ["Give either segment_id or audience_type and audience_id, not both."]})
        return {"type": "segment", "id": await _group(tx, segment, "segment", "segment_id")}
    if type is None and id is not None:
        raise Invalid({"audience_type": [REQUIRED.format("audience type")]})
    if type in ("segment", "list"):
        if id is None:
            raise Invalid({"audience_id": [REQUIRED.format("audience id")]})
        return {"type": "segment" if type == "segment" else "group", "id": await _group(tx, id, type, "audience_id")}
    return {"type": "all"} if type else None


async def _group(tx: Tx, id: int, type: str, field: str) -> int:
    """The id of a segment or list that exists."""
    found = await groups.get_many(tx, [id])
    if not found or (found[0].query is not None) != (type == "segment"):
        raise Invalid({field: [f"The selected {field} is invalid."]})
    return id


REQUIRED = "The {} field is required."
