"""The audit log: who did what, and when. Rows are only ever added; never put a secret into them."""

from collections.abc import Mapping
from datetime import datetime
from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface
from typing import Any

from msgspec import Struct

from trunkline.core.db import Tx, sql


class Entry(Struct, frozen=True):
    id: int
    at: datetime
    actor: str
    action: str
    subject: str
    ip: IPv4Address | IPv6Address | IPv4Interface | IPv6Interface | None
    details: dict[str, Any]


async def record(
    tx: Tx,
    action: str,
    subject: str = "",
    details: Mapping[str, object] | None = None,
    ip: str | None = None,
    *,
    account: int | None = None,
) -> None:
    """Write down an action like `key.created` on a subject like `key:12`.

    It belongs to the account of `tx`; only a system transaction may name another.
    """
    await tx.run(INSERT, tx.account if account is None else account, tx.actor, action, subject, ip, details or {})


async def entries(
    tx: Tx, before: int | None = None, limit: int = 50, *, action: str | None = None, actor: str | None = None
) -> list[Entry]:
    """The newest first; `before` is the id of the last one seen. `action` may be a beginning, like `key.`."""
    return await tx.fetch(Entry, LATEST, tx.account, before, limit, action, actor)


INSERT = sql("""
    insert into audit_log (account_id, actor, action, subject, ip, details) values ($1, $2, $3, $4, $5, $6)
""")

LATEST = sql("""
    select id, at, actor, action, subject, ip, details from audit_log
    where account_id = $1 and ($2::bigint is null or id < $2)
        and ($4::text is null or starts_with(action, $4)) and ($5::text is null or actor = $5)
    order by id desc limit $3
""")
