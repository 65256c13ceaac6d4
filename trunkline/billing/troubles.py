"""Troubles: what is wrong inside sub-accounts, as far as their agency should know of it."""

from msgspec import Struct

from trunkline.accounts import subaccounts
from trunkline.core.db import Tx, sql


class Troubles(Struct, frozen=True):
    """How many channels and webhooks do not work, campaigns that braked themselves, pieces of work that gave up."""

    id: int
    channels: int
    webhooks: int
    campaigns: int
    work: int

    @property
    def number(self) -> int:
        return self.channels + self.webhooks + self.campaigns + self.work


async def of(tx: Tx, ids: list[int]) -> dict[int, Troubles]:
    """Of these sub-accounts of the agency of `tx`; others are left out."""
    async with subaccounts.installation(tx) as system:
        agency = await subaccounts.get_agency(system)
        return {one.id: one for one in await system.fetch(Troubles, OF, agency.id, ids)}


OF = sql(
    """
    select a.id,
        (select count(*) from channels c
            where c.account_id = a.id and c.active and c.deleted_at is null and c.trouble is not null) as channels,
        (select count(*) from webhook_endpoints w
            where w.account_id = a.id and w.deleted_at is null and w.reason is not null) as webhooks,
        (select count(*) from broadcasts b where b.account_id = a.id and b.deleted_at is null
            and b.status = 'paused' and b.failure is not null) as campaigns,
        (select count(*) from dead_letters d where d.account_id = a.id) as work
    from accounts a where a.parent_id = $1 and a.id = any($2::bigint[]) and a.deleted_at is null
    """,
    system=True,
)
