"""Revisions: the definitions of flows, as each was saved."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from trunkline.core.db import Tx, sql
from trunkline.core.errors import NotFound
from trunkline.flows import loading, stock, stored
from trunkline.flows.definition import Flow
from trunkline.flows.stored import Stored


class Revision(Struct, frozen=True):
    revision: int
    spec: str
    size: int
    actor: str
    created_at: datetime


async def definitions(tx: Tx, ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """The newest definition of each flow, as it was saved."""
    return {id: stock.unpacked(packed) for id, packed in await tx.rows(DEFINITIONS, tx.account, list(ids))}


async def definition(tx: Tx, id: int, revision: int | None = None) -> dict[str, Any]:
    """One definition; the newest, or that of a revision."""
    flow = await stored.get(tx, id)
    packed = await tx.value(bytes, DEFINITION, tx.account, id, revision or flow.revision)
    if packed is None:
        raise NotFound("revision", revision)
    return stock.unpacked(packed)


async def loaded(tx: Tx, flow: Stored) -> Flow | None:
    """The newest definition as the engine reads it; None for a flow that does not load."""
    if not flow.valid:
        return None
    known = await stock.of(tx)
    await known.ready(tx, [str(flow.uuid)])
    found = known.definitions.by_uuid(str(flow.uuid))
    return found or loading.load(await definition(tx, flow.id), strict=False)  # put away


async def revisions(tx: Tx, id: int) -> list[Revision]:
    """All that are kept, the newest first."""
    return await tx.fetch(Revision, REVISIONS, tx.account, (await stored.get(tx, id)).id)


DEFINITIONS = sql("""
    select f.id, r.definition from flows f
    join flow_revisions r on r.account_id = $1 and r.flow_id = f.id and r.revision = f.revision
    where f.account_id = $1 and f.id = any($2::bigint[])
""")

DEFINITION = sql("select definition from flow_revisions where account_id = $1 and flow_id = $2 and revision = $3")

REVISIONS = sql("""
    select revision, spec, size, actor, created_at from flow_revisions where account_id = $1 and flow_id = $2
    order by revision desc
""")
