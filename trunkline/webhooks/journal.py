"""The journal: what was told to whom: registered addresses, the account's own, and those that calls named."""

from datetime import datetime

from msgspec import Struct

from trunkline.core.db import Tx, sql
from trunkline.core.errors import NotFound
from trunkline.webhooks import deliveries
from trunkline.webhooks.deliveries import Delivery


class Line(Struct, frozen=True):
    """Somewhere that is told. `kind`: `endpoint` was registered, `account` is the account's own webhook, `callback`
    is the origin of addresses that came with calls or settings. While it rests, nothing goes there."""

    id: int
    kind: str
    dialect: str
    url: str
    active: bool
    reason: str | None
    failing_since: datetime | None
    paused_until: datetime | None
    deleted: bool


async def lines(tx: Tx) -> list[Line]:
    """The account's own webhook first, then what was registered, then origins of callbacks."""
    return await tx.fetch(Line, LINES, tx.account)


async def line(tx: Tx, id: int) -> Line:
    found = await tx.maybe(Line, ONE_LINE, tx.account, id)
    if found is None:
        raise NotFound("webhook", id)
    return found


async def page(
    tx: Tx, line_id: int | None = None, *, status: str | None = None, before: int | None = None, limit: int = 50
) -> list[Delivery]:
    """Deliveries to one line or to all, the newest first; `before` is the id of the last one seen."""
    return await tx.fetch(Delivery, PAGE, tx.account, line_id, status, before, limit)


async def get(tx: Tx, id: int) -> tuple[Delivery, str]:
    """A delivery and the address that it goes to."""
    found = await tx.maybe(Delivery, BY_ID, tx.account, id)
    if found is None:
        raise NotFound("delivery", id)
    return found, await tx.value(str, URL, tx.account, id) or ""


async def repeat(tx: Tx, id: int) -> None:
    """Send a delivery again, whatever kind of line it belongs to: all tries ahead, the same id."""
    found, _ = await get(tx, id)
    await tx.run(deliveries.REPLAY, tx.account, found.endpoint_id, [id])
    tx.wake("webhooks")


async def repeat_failed(tx: Tx, line_id: int, since: datetime, until: datetime, *, delivered: bool = False) -> int:
    """Send again what failed in a time, or all of it: the oldest first, 10,000 in one call."""
    await line(tx, line_id)
    statuses = ["failed", "delivered"] if delivered else ["failed"]
    rows = await tx.rows(deliveries.RANGE, tx.account, line_id, since, until, statuses, deliveries.MOST_REPLAYED)
    if rows:
        await tx.run(deliveries.REPLAY, tx.account, line_id, [id for id, _ in rows])
        tx.wake("webhooks")
    return len(rows)


_LINE = """
    select id, kind, dialect, url, active, reason, failing_since, paused_until, deleted_at is not null as deleted
    from webhook_endpoints where account_id = $1
"""

LINES = sql(f"{_LINE} and deleted_at is null order by kind <> 'account', kind = 'callback', id limit 300")

ONE_LINE = sql(f"{_LINE} and id = $2")

_COLUMNS = "id, endpoint_id, uuid, event, status, attempts, code, error, next_at, created_at, settled_at"

PAGE = sql(f"""
    select {_COLUMNS} from webhook_deliveries
    where account_id = $1 and ($2::bigint is null or endpoint_id = $2) and ($3::text is null or status = $3)
        and ($4::bigint is null or id < $4)
    order by id desc limit $5
""")

BY_ID = sql(f"select {_COLUMNS} from webhook_deliveries where account_id = $1 and id = $2")

URL = sql("""
    select coalesce(d.url, e.url) from webhook_deliveries d
    join webhook_endpoints e on e.account_id = d.account_id and e.id = d.endpoint_id
    where d.account_id = $1 and d.id = $2
""")
