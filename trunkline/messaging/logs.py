"""The channel log: each talk with a provider, kept for a week, secrets already removed by the adapter."""

import re
from collections.abc import Sequence
from datetime import datetime
from urllib.parse import quote

from msgspec import Struct, structs

from trunkline.accounts import accounts, settings
from trunkline.core.db import Tx, sql
from trunkline.core.jobs import job


class Entry(Struct, frozen=True, kw_only=True):
    channel_id: int
    kind: str
    message_id: int | None = None
    request: str = ""
    response: str = ""
    code: int | None = None
    error: str | None = None
    elapsed_ms: float = 0.0


class Logged(Struct, frozen=True):
    id: int
    channel_id: int
    message_id: int | None
    kind: str
    request: str
    response: str
    code: int | None
    error: str | None
    elapsed_ms: float
    at: datetime


async def add(tx: Tx, entries: Sequence[Entry]) -> None:
    if not entries:
        return
    fields = ("channel_id", "message_id", "kind", "request", "response", "code", "error", "elapsed_ms")
    await tx.run(ADD, tx.account, *([getattr(entry, name) for entry in entries] for name in fields))


async def of_message(tx: Tx, message_id: int) -> list[Logged]:
    """What was said with the provider about a message, oldest first."""
    return await _shown(tx, await tx.fetch(Logged, OF_MESSAGE, tx.account, message_id))


async def of_channel(
    tx: Tx, channel_id: int, *, failed: bool = False, before: int | None = None, limit: int = 50
) -> list[Logged]:
    """What was said with the provider of a channel, the newest first, or only what went wrong."""
    return await _shown(tx, await tx.fetch(Logged, OF_CHANNEL, tx.account, channel_id, failed, before, limit))


async def _shown(tx: Tx, entries: list[Logged]) -> list[Logged]:
    """Anonymous workspaces hide addresses: that of the message, or all of it when nobody knows whose it is."""
    if not settings.value(await accounts.current(tx), "anon"):
        return entries
    ids = [entry.message_id for entry in entries if entry.message_id is not None]
    known = dict(await tx.rows(ADDRESSES, tx.account, ids))
    return [_hidden(entry, known.get(entry.message_id)) for entry in entries]


def _hidden(entry: Logged, address: str | None) -> Logged:
    if not address:
        return structs.replace(entry, request=MASK, response=MASK, error=MASK if entry.error else None)
    bare = re.escape(address.lstrip("+"))
    telling = re.compile(rf"(\+|%2B)?{bare}|{re.escape(quote(address, safe=''))}", re.IGNORECASE)
    texts = {name: getattr(entry, name) for name in ("request", "response", "error")}
    return structs.replace(entry, **{name: text and telling.sub(MASK, text) for name, text in texts.items()})


@job("channel_log.prune", apart=True)
async def prune(desk) -> None:
    """Delete entries older than a week, in portions, of all accounts."""
    while True:
        async with desk.database.system() as tx:
            if await tx.run(PRUNE) < 5000:
                return


MASK = "********"

ADDRESSES = sql("select id, address from messages where account_id = $1 and id = any($2::bigint[])")

ADD = sql("""
    insert into channel_log (account_id, channel_id, message_id, kind, request, response, code, error, elapsed_ms)
    select $1, * from unnest($2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::int[], $8::text[],
        $9::real[])
""")

OF_MESSAGE = sql("""
    select id, channel_id, message_id, kind, request, response, code, error, elapsed_ms, at
    from channel_log where account_id = $1 and message_id = $2 order by id
""")

OF_CHANNEL = sql("""
    select id, channel_id, message_id, kind, request, response, code, error, elapsed_ms, at
    from channel_log
    where account_id = $1 and channel_id = $2 and ($4::bigint is null or id < $4) and (not $3 or error is not null)
    order by id desc limit $5
""")

PRUNE = sql(
    """
    delete from channel_log where (account_id, id) in (
        select account_id, id from channel_log where at < now() - interval '7 days' limit 5000)
    """,
    system=True,
)
