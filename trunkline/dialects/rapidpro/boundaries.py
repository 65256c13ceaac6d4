"""Administrative boundaries, which this product keeps none of: it has no maps."""

from typing import Annotated, Any

from msgspec import Meta, Struct

from trunkline.core.db import Tx
from trunkline.dialects.base import Paged
from trunkline.dialects.rapidpro.dialect import rapidpro
from trunkline.dialects.walking import Walk


class Parent(Struct, frozen=True):
    osm_id: str
    name: str


class BoundaryOut(Struct, frozen=True):
    """`level` is 0 for a country, 1 for a state, 2 for a district and 3 for a ward."""

    osm_id: str
    name: str
    parent: Parent | None
    level: int
    aliases: list[str]
    geometry: dict[str, Any] | None


class BoundaryQuery(Struct):
    geometry: Annotated[str | None, Meta(description="Taken and left alone.")] = None


@rapidpro.get("/boundaries.json")
async def list_boundaries(tx: Tx, walk: Walk, query: BoundaryQuery) -> Paged[BoundaryOut]:
    """List the administrative boundaries of your workspace's country. There are none: no maps are kept here."""
    return Paged([])
