"""Definitions: flows and campaigns with all that belongs to them, as a file that can be imported elsewhere."""

from typing import Annotated, Any, get_args
from uuid import UUID

import msgspec
from msgspec import Meta, Raw, Struct

from trunkline.campaigns import transfers
from trunkline.dialects.base import Call, Tx
from trunkline.dialects.rapidpro import reading
from trunkline.dialects.rapidpro.dialect import rapidpro
from trunkline.dialects.rapidpro.errors import BadAsk
from trunkline.flows.transfer.exporting import Dependencies


class DefinitionsOut(Struct, frozen=True):
    """`version` is that of the file's form; each flow tells its own."""

    version: str
    site: str
    flows: list[Any]
    campaigns: list[dict[str, Any]]
    triggers: list[dict[str, Any]]
    fields: list[dict[str, Any]]
    groups: list[dict[str, Any]]


class DefinitionsQuery(Struct):
    flow: Annotated[list[str], Meta(description="UUIDs of flows; may be repeated.")] = []
    campaign: Annotated[list[str], Meta(description="UUIDs of campaigns; may be repeated.")] = []
    dependencies: Annotated[str | None, Meta(description="What comes along: all (as without it), flows or none.")] = (
        None
    )


@rapidpro.get("/definitions.json")
async def export_definitions(tx: Tx, call: Call, query: DefinitionsQuery) -> DefinitionsOut:
    """Export flows and campaigns with what they need. Nothing is left out of what is exported."""
    dependencies: Any = query.dependencies or "all"
    if dependencies not in get_args(Dependencies):
        raise BadAsk("dependencies must be one of none, flows, all")
    file = await transfers.export_chosen(
        tx,
        _uuids(query.flow, "flow"),
        _uuids(query.campaign, "campaign"),
        site=call.base_url.removesuffix(call.mount),
        dependencies=dependencies,
    )
    return DefinitionsOut(**{**file, "flows": [Raw(EXACT.encode(flow)) for flow in file["flows"]]})


def _uuids(texts: list[str], name: str) -> list[UUID]:
    return [uuid for text in texts if (uuid := reading.uuid(text, name))]


# A definition comes out with the numbers that went in.
EXACT = msgspec.json.Encoder(decimal_format="number")
