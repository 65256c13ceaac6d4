"""The account's own webhook: one URL from its settings, told without being registered."""

from collections.abc import Sequence

from trunkline.accounts import settings
from trunkline.core.db import Tx, sql
from trunkline.core.events import Happened


async def settle(tx: Tx) -> int | None:
    """The endpoint row behind the setting, made if there is none; what waits for it goes to the URL of now."""
    await settings.webhook_secret(tx, tx.database.tools.vault)  # there is one from now on
    return await tx.value(int, PUT, tx.account)


async def settings_changed(tx: Tx, happened: Sequence[Happened]) -> None:
    """A reaction: a URL that was set again starts with a clean slate; for one that was removed nothing waits."""
    if not any("webhook_url" in one.event.names for one in happened):
        return
    if await settle(tx) is None:
        await tx.run(CLEAR, tx.account)
    else:
        tx.wake("webhooks")


PUT = sql("""
    insert into webhook_endpoints (account_id, dialect, kind, origin, url, secret)
    select $1, 'connector', 'account', '', settings ->> 'webhook_url', '' from accounts
    where id = $1 and settings ? 'webhook_url'
    on conflict (account_id, kind, origin) do update set url = excluded.url, active = true, reason = null,
        failures = 0, failing_since = null, paused_until = null, updated_at = now()
    returning id
""")

CLEAR = sql("""
    delete from webhooks q using webhook_endpoints e
    where q.account_id = $1 and e.account_id = $1 and e.kind = 'account' and q.endpoint_id = e.id
""")
