"""Switching off: owners hear by mail of a webhook that we do not tell any more."""

from collections.abc import Sequence

from msgspec import Struct

from trunkline.accounts import mailing
from trunkline.core.db import Tx, sql
from trunkline.core.events import Happened


async def switched_off(tx: Tx, happened: Sequence[Happened]) -> None:
    """A reaction."""
    rows = await tx.fetch(_Off, OFF, tx.account, [one.event.id for one in happened])
    for row in rows:
        why, how = WHY[row.reason], HOW[row.kind]
        text = f"Trunkline has stopped telling a webhook of {row.account}.\n\n{row.url}\n\n{why} {how}\n"
        await mailing.mail_owners(tx, f"A webhook of {row.account} was switched off", text)


class _Off(Struct, frozen=True):
    kind: str
    url: str
    reason: str
    account: str


WHY = {
    "gone": "It answered 410, which says that it wants to hear nothing more.",
    "failing": "For five days every delivery has failed.",
}
HOW = {
    "endpoint": "What waits for it goes out when you switch it on again: PUT /webhooks/{id} with is_active true.",
    "account": "What waits for it goes out when you set webhook_url again, to the same or another address.",
}

OFF = sql("""
    select e.kind, e.url, e.reason, a.name as account from webhook_endpoints e join accounts a on a.id = e.account_id
    where e.account_id = $1 and e.id = any($2::bigint[]) and e.reason is not null and e.deleted_at is null
""")
