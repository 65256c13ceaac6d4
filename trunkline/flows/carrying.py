"""Carrying: runs that were made elsewhere. Whoever was still in a flow there is not in it here."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from trunkline.core.db import Tx, sql
from trunkline.core.ids import new_uuid


class Carried(Struct, frozen=True, kw_only=True):
    """`results` are in the form that flows write them."""

    uuid: UUID
    flow_id: int
    contact_id: int
    status: str
    responded: bool
    path: Sequence[tuple[UUID, datetime]]
    results: dict[str, Any]
    created_at: datetime
    modified_at: datetime
    exited_at: datetime


async def carry(tx: Tx, given: Sequence[Carried]) -> int:
    """How many are new; those whose uuid is here already stay as they are."""
    if not given:
        return 0
    rows = [
        (
            one.uuid,
            one.flow_id,
            one.contact_id,
            new_uuid(),
            one.status,
            one.responded,
            "{" + ",".join(str(node) for node, _ in one.path) + "}",
            "{" + ",".join(at.isoformat() for _, at in one.path) + "}",
            msgspec.json.encode(one.results).decode(),
            one.created_at,
            one.modified_at,
            one.exited_at,
        )
        for one in given
    ]
    return await tx.run(INSERT, tx.account, *(list(column) for column in zip(*rows, strict=True)))


INSERT = sql("""
    insert into flow_runs (account_id, uuid, flow_id, contact_id, session, status, responded, nodes, arrivals, results,
        created_at, modified_at, exited_at)
    select $1, uuid, flow_id, contact_id, session, status, responded, nodes::uuid[], arrivals::timestamptz[],
        results::jsonb, created_at, modified_at, exited_at
    from unnest($2::uuid[], $3::bigint[], $4::bigint[], $5::uuid[], $6::text[], $7::boolean[], $8::text[], $9::text[],
        $10::text[], $11::timestamptz[], $12::timestamptz[], $13::timestamptz[])
        as g (uuid, flow_id, contact_id, session, status, responded, nodes, arrivals, results, created_at, modified_at,
        exited_at)
    order by modified_at, uuid
    on conflict (account_id, uuid) do nothing
""")
