"""Callbacks: telling a URL that nobody registered, named by a message, a call or a setting. Durable like all webhooks.

URLs of one origin (scheme, host and port) share a pace and a rest after failures. A URL that answers 410 has its
delivery given up at once; nothing is switched off.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import msgspec
from msgspec import Struct

from trunkline.accounts import settings
from trunkline.core import ids
from trunkline.core.db import Tx, sql
from trunkline.core.events import Happened
from trunkline.webhooks import deliveries

MOST_ORIGINS = 100
"""Origins of one account that have a line of their own; whatever comes after shares one."""
SHARED = ""


class Call(Struct, frozen=True):
    """One thing to tell one URL. `uuid` is what receivers know repeats by; without one it gets a new one."""

    url: str
    event: str
    payload: Any
    uuid: UUID | None = None


Answering = Callable[[Tx, Sequence[Happened]], Awaitable[list[Call]]]

WORDING: list[Callable[[], Answering]] = []
"""Puts what happened to things that named a URL of their own; set where the processes are put together."""


async def tell(tx: Tx, *, url: str, event: str, payload: object, uuid: UUID | None = None) -> None:
    """Post a payload to a URL once this transaction is committed: signed with the account's secret, tried again for
    days, logged. `event` is its name in the log. Judge the form of the URL with the egress guard where it is given.
    """
    await tell_many(tx, [Call(url, event, payload, uuid)])


async def tell_many(tx: Tx, calls: Sequence[Call]) -> None:
    """The same for many at once."""
    if not calls:
        return
    await settings.webhook_secret(tx, tx.database.tools.vault)  # there is one from now on
    lines = await _lines(tx, {_origin(call.url) for call in calls})
    rows = [
        (
            lines[_origin(call.url)],
            call.uuid or ids.new_uuid(),
            call.event,
            msgspec.json.encode(call.payload).decode(),
            call.url,
        )
        for call in calls
    ]
    await deliveries.put(tx, rows)


async def call_back(tx: Tx, happened: Sequence[Happened]) -> None:
    """Tell the URLs that came along with what this happened to; a reaction. Costs nothing where none did."""
    asked = [one for one in happened if one.event.callbacks]
    if asked and WORDING:
        await tell_many(tx, await WORDING[0]()(tx, asked))


def _origin(url: str) -> str:
    try:
        parts = urlsplit(url)
        return f"{parts.scheme}://{(parts.hostname or '').lower()}:{parts.port or ''}"
    except ValueError:
        return SHARED  # it cannot be reached, which its delivery will say


async def _lines(tx: Tx, origins: set[str]) -> dict[str, int]:
    """The line of each origin. Lines in use are marked so now and then, which keeps them from being pruned."""
    rows = await tx.rows(FIND, tx.account, list(origins))
    lines = {origin: id for id, origin, _ in rows}
    stale = {origin for _, origin, is_stale in rows if is_stale}
    missing = sorted(origins - lines.keys())
    if missing:
        room = MOST_ORIGINS - (await tx.value(int, COUNT, tx.account) or 0)
        stale |= {*missing[: max(room, 0)], *([SHARED] if len(missing) > room else [])}
    if stale:
        made = await tx.rows(PUT, tx.account, sorted(stale))
        lines |= {origin: id for id, origin in made}
    return {origin: lines.get(origin) or lines[SHARED] for origin in origins}


FIND = sql("""
    select id, origin, used_at < now() - interval '1 hour' from webhook_endpoints
    where account_id = $1 and kind = 'callback' and origin = any($2::text[])
""")

COUNT = sql("select count(*) from webhook_endpoints where account_id = $1 and kind = 'callback'")

PUT = sql("""
    insert into webhook_endpoints (account_id, dialect, kind, origin, url, secret)
    select $1, '', 'callback', origin, origin, '' from unnest($2::text[]) as origin
    on conflict (account_id, kind, origin) do update set used_at = now()
    returning id, origin
""")
