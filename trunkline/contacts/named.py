"""Named: what lists of other things show of contacts, by a query for all of a page."""

from collections.abc import Collection
from uuid import UUID

from msgspec import Struct

from trunkline.core.db import Tx, sql
from trunkline.core.urns import Urn


class Named(Struct, frozen=True):
    """`scheme` and `path` are the preferred address. Deleted contacts have no address and no name."""

    id: int
    uuid: UUID
    name: str | None
    scheme: str | None
    path: str | None

    @property
    def urn(self) -> Urn | None:
        return Urn(self.scheme, self.path) if self.scheme and self.path else None


async def of(tx: Tx, ids: Collection[int]) -> dict[int, Named]:
    if not ids:
        return {}
    return {each.id: each for each in await tx.fetch(Named, BY_IDS, tx.account, list(ids))}


BY_IDS = sql("""
    select c.id, c.uuid, case when c.deleted_at is null then nullif(c.name, '') end as name, u.scheme, u.path
    from contacts c
    left join lateral (
        select n.scheme, n.path from urns n where n.account_id = $1 and n.contact_id = c.id
        order by n.priority, n.id limit 1
    ) u on true
    where c.account_id = $1 and c.id = any($2::bigint[])
""")
