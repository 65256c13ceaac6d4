"""Groups that every workspace has, kept by the product: who has an open ticket."""

from trunkline.contacts import names
from trunkline.core.db import Tx, sql
from trunkline.core.ids import new_uuid

OPEN_TICKETS = "Open Tickets"
QUERY = "tickets > 0"


async def ensure(tx: Tx) -> None:
    """Make what is missing. A group of the same name that somebody made becomes the product's."""
    if await tx.value(int, PRESENT, tx.account) is None:
        id = await tx.value(int, PUT, tx.account, new_uuid(), OPEN_TICKETS, names.key(OPEN_TICKETS), QUERY)
        await tx.run(LEAVE, tx.account, id)
        await tx.run(FILL, tx.account, id)


PRESENT = sql("select id from groups where account_id = $1 and system limit 1")

# It is as old as the workspace, whenever it was first asked for.
PUT = sql("""
    insert into groups (account_id, uuid, name, name_key, query, touches, system, created_at)
    select a.id, $2, $3, $4, $5, '{tickets}', true, a.created_at from accounts a where a.id = $1
    on conflict (account_id, name_key) do update set query = excluded.query, touches = excluded.touches,
        status = 'ready', system = true, turn = groups.turn + 1
    returning id
""")

LEAVE = sql("delete from group_members where account_id = $1 and group_id = $2")

FILL = sql("""
    insert into group_members (account_id, group_id, contact_id)
    select distinct $1::bigint, $2::bigint, t.contact_id from tickets t
    join contacts c on c.account_id = $1 and c.id = t.contact_id and c.deleted_at is null and c.status = 'active'
    where t.account_id = $1 and t.status = 'open'
    on conflict do nothing
""")
