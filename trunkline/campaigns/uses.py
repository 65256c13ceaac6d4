"""Uses: what campaigns, triggers, flows and groups make of groups, fields and flows."""

from collections.abc import Sequence
from typing import Literal
from uuid import UUID

from msgspec import Struct

from trunkline.core.db import Tx, sql


class Uses(Struct, frozen=True):
    """In how many things a field occurs."""

    flows: int = 0
    groups: int = 0
    campaign_events: int = 0


class User(Struct, frozen=True):
    """What starts or enters a flow. `id` is a flow's uuid or a sequence's number; triggers have none."""

    kind: Literal["flow", "trigger", "sequence"]
    id: str
    name: str


async def of_flow(tx: Tx, flow_id: int, uuid: UUID) -> list[User]:
    """Everything in use that would miss a flow: other flows, triggers, sequences."""
    return await tx.fetch(User, OF_FLOW, tx.account, flow_id, str(uuid))


async def of_group(tx: Tx, group_id: int) -> list[str]:
    """What must let go of a group before it can be deleted: `triggers`, `campaigns`."""
    return await tx.column(str, OF_GROUP, tx.account, group_id)


async def of_fields(tx: Tx, keys: Sequence[str]) -> dict[str, Uses]:
    """The uses of each field."""
    rows = await tx.rows(OF_FIELDS, tx.account, list(keys))
    found = {key: Uses(flows, groups, points) for key, flows, groups, points in rows}
    return {key: found.get(key, Uses()) for key in keys}


OF_FLOW = sql("""
    select 'flow' as kind, f.uuid::text as id, f.name from flows f
    where f.account_id = $1 and f.id <> $2 and not f.archived and exists (
        select from jsonb_array_elements(coalesce(f.info -> 'dependencies', '[]')) d
        where d ->> 'type' = 'flow' and d ->> 'uuid' = $3)
    union all
    select 'trigger', '', case when t.keywords = '{}' then t.kind else array_to_string(t.keywords, ', ') end
    from flow_triggers t where t.account_id = $1 and t.flow_id = $2 and not t.archived
    union all
    select distinct 'sequence', s.id::text, s.name from sequence_points p
    join sequences s on s.account_id = $1 and s.id = p.sequence_id and s.deleted_at is null and not s.archived
    where p.account_id = $1 and p.flow_id = $2 and p.deleted_at is null
    order by kind, name
""")

OF_GROUP = sql("""
    select 'triggers' as kind where exists (
        select from flow_triggers t
        where t.account_id = $1 and not t.archived and $2::bigint = any(t.groups || t.exclude_groups))
    union all
    select 'campaigns' where exists (
        select from sequences s where s.account_id = $1 and s.group_id = $2 and s.deleted_at is null and not s.archived)
""")

OF_FIELDS = sql("""
    select wanted.key, coalesce(f.number, 0) as flows, coalesce(g.number, 0) as groups, coalesce(p.number, 0) as points
    from unnest($2::text[]) as wanted (key)
    left join (
        select d ->> 'key' as key, count(distinct f.id) as number
        from flows f cross join jsonb_path_query(f.info, '$.dependencies[*] ? (@.type == "field")') d
        where f.account_id = $1 and not f.archived group by 1
    ) f using (key)
    left join (
        select substr(touched, 8) as key, count(*) as number from groups g cross join unnest(g.touches) touched
        where g.account_id = $1 and touched like 'fields.%' group by 1
    ) g using (key)
    left join (
        select p.relative_to as key, count(*) as number from sequence_points p
        join sequences s on s.account_id = $1 and s.id = p.sequence_id and s.deleted_at is null and not s.archived
        where p.account_id = $1 and p.deleted_at is null group by 1
    ) p using (key)
""")
